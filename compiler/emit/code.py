"""Lines of Python under construction: indentation, comments, and expressions that wait for their only reader."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ..ir import Dim, SourceLine
from ..lower.program import Atom, Let, Load, Local, atoms
from .expressions import Text, atom_text, dim_text, let_text, uses

LONGEST = 90  # characters of an expression that may still be put inside another


class Code:
    """A block of text that grows line by line.

    ``readers`` says how often each scalar is read by expressions; one that is read once waits in ``pending`` to be put into the
    expression that reads it. ``pinned`` scalars are variables in any case: positions mention them.
    """

    def __init__(self, readers: Mapping[str, int], pinned: frozenset[str], functions: set[str]) -> None:
        self.lines: list[str] = []
        self.depth = 0
        self.readers, self.pinned, self.functions = readers, pinned, functions
        self.pending: dict[str, tuple[Text, SourceLine | None]] = {}
        self._source: SourceLine | None = None

    def line(self, text: str, source: SourceLine | None = None) -> None:
        """Add a line, with the user's line as a comment where it changes."""
        comment = ""
        if source is not None and source != self._source:
            comment = f"  # {source.in_short()}"
            self._source = source
        self.lines.append("    " * self.depth + text + comment)

    @contextmanager
    def block(self, header: str, source: SourceLine | None = None) -> Iterator[None]:
        """Lines below a header that ends in a colon."""
        self.flush()
        self.line(header, source)
        self.depth += 1
        before = len(self.lines)
        yield
        self.flush()
        if len(self.lines) == before:
            self.line("pass")
        self.depth -= 1

    def scalar(self, step: Let | Load) -> None:
        """A scalar: assigned, or kept for its only reader."""
        text = self._text(step)
        alone = self.readers.get(step.name, 0) == 1 and step.name not in self.pinned
        if alone and len(text.text) <= LONGEST:
            self.pending[step.name] = (text, step.source)
        else:
            self.line(f"{step.name} = {text.text}", step.source)

    def _text(self, step: Let | Load) -> Text:
        if isinstance(step, Load):
            return Text(element_text(step.buffer, step.index))
        return let_text(step, [self.atom(operand) for operand in step.operands], self.functions)

    def atom(self, atom: Atom) -> Text:
        """The text of an atom; an expression that waits for it is put here."""
        if isinstance(atom, Local) and atom.name in self.pending:
            return self.pending.pop(atom.name)[0]
        return atom_text(atom)

    def flush(self) -> None:
        """Assign all scalars that still wait."""
        for name, (text, source) in list(self.pending.items()):
            self.line(f"{name} = {text.text}", source)
        self.pending.clear()


def element_text(buffer: str, index: tuple[Dim, ...]) -> str:
    """An element of a buffer; compiled code takes positions as they are and does not count from the end."""
    assert not any(isinstance(dim, int) and dim < 0 for dim in index), f"negative position in {buffer}{index}"
    return f"{buffer}[{', '.join(map(dim_text, index))}]"


def count_readers(statements: Iterable[Any]) -> dict[str, int]:
    """How often expressions read each scalar."""
    readers: dict[str, int] = {}
    for statement in statements:
        read = atoms(statement)
        times = uses(statement) if isinstance(statement, Let) else [1] * len(read)
        for atom, count in zip(read, times, strict=True):
            if isinstance(atom, Local):
                readers[atom.name] = readers.get(atom.name, 0) + count
    return readers
