"""Blocks that are added to one array at shifted places: one kernel adds them all.

    ct[1:-1, 2:] += v                       for i in range(n):
    ct[1:-1, :-2] += v                          for j in range(m):
    ct[2:, 1:-1] += v                               ct[i, j] += v[i - 1, j - 2] + v[i - 1, j] + v[i - 2, j - 1] + ...

The gradient of a stencil is such a chain of ``index_add``. Alone, each goes through all of the array. Together they go through it once: an
element gathers what belongs to it, in the order of the chain (see ``..emit.gathering``), so every number is the same as before.

In: a function in which every in-place write may be done in place. Out: the chains that are worth it, and what is best computed anew where a
chain reads it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from ..ir import ArrayType, Dim, Equation, Function, Var
from ..ir.sizes import product
from ..ops import OPS
from .roles import Role, destroyed, is_array, role_of

FEW = 8  # so few points are not worth a loop that asks where it is


@dataclass(frozen=True, slots=True)
class Chain:
    """Additions of equal blocks, each to what the one before leaves, which nobody else reads.

    What is computed ``anew`` where the chain reads it needs no memory: nobody else reads it, nor the chain twice.
    """

    additions: tuple[Equation, ...]
    anew: tuple[Var, ...]


def shifted_additions(function: Function) -> list[Chain]:
    """The chains in a function that go through less memory together than alone."""
    return _Search(function).chains()


class _Search:
    def __init__(self, function: Function) -> None:
        self.function = function
        self.uses = Counter(v for e in function.equations for v in e.operands) + Counter(function.results)
        self.definition = {r: e for e in function.equations for r in e.results}
        self.changing = {self.root(e.operands[k]) for e in function.equations for k in destroyed(e)}

    def chains(self) -> list[Chain]:
        found: dict[Var, list[Equation]] = {}  # by what they leave
        for equation in self.function.equations:
            if _adds_a_block(equation):
                before = equation.operands[0]
                goes_on = self.uses[before] == 1 and before in found and _is_shifted(found[before][0], equation)
                found[equation.result] = [*(found.pop(before) if goes_on else ()), equation]
        chains = [
            Chain(tuple(additions), tuple(v for e in additions for v in self.read_once(e.operands[1])))
            for additions in found.values()
            if len(additions) > 1
        ]
        return [chain for chain in chains if self.is_worthwhile(chain)]

    def read_once(self, var: Var) -> Iterator[Var]:
        """A value that is read once, and what of that kind it is made of, if all else that it is made of stays as it is."""
        equation = self.definition.get(var)
        if equation is not None and self.uses[var] == 1 and _is_repeatable(equation):
            if all(self.root(v) not in self.changing for v in equation.operands):
                yield var
                for operand in equation.operands:
                    yield from self.read_once(operand)

    def root(self, var: Var) -> Var:
        """The variable from whose memory an array is read."""
        while (equation := self.definition.get(var)) is not None and role_of(equation) is Role.CHEAP and equation.operands:
            var = equation.operands[0]
        return var

    def is_worthwhile(self, chain: Chain) -> bool:
        """Whether going through the array once makes up for what has to be stored.

        Alone, the first addition of a value goes with the kernel that makes it, the others read the value, which is stored for them. Together
        they read all that is not computed anew, which is stored for them.
        """
        values = Counter(e.operands[1] for e in chain.additions)
        alone = sum(2 if times == 1 else 3 * times for times in values.values())
        read = {v for value in values for v in self.made_of(value, chain) if self.is_computed(v)}
        points = product(chain.additions[0].operands[1].type.shape)  # type: ignore[union-attr]
        return 2 + 2 * len(read) <= alone and not (isinstance(points, int) and points <= FEW)

    def made_of(self, var: Var, chain: Chain) -> Iterator[Var]:
        """What a chain reads in memory for a value."""
        equation = self.definition.get(var)
        if equation is not None and (var in chain.anew or role_of(equation) is Role.CHEAP):
            for operand in equation.operands:
                yield from self.made_of(operand, chain)
        else:
            yield var

    def is_computed(self, var: Var) -> bool:
        """Whether a kernel makes an array, so that it need not be stored for readers in that kernel."""
        return var in self.definition and role_of(self.definition[var]) is Role.MAP


def _adds_a_block(equation: Equation) -> bool:
    if equation.op != "index_add" or not is_array(equation.operands[1]):
        return False
    is_number = equation.result.type.dtype.kind != "b"  # type: ignore[union-attr]
    return is_number and all(entry[2] == 1 for entry in equation["spec"] if isinstance(entry, tuple))


def _is_shifted(one: Equation, other: Equation) -> bool:
    """Whether two blocks are equal but for where they begin, and by how much these places differ is known."""
    return all(
        x == y or (isinstance(x, tuple) and isinstance(y, tuple) and x[1] == y[1] and _is_known(x[0], y[0]))
        for x, y in zip(_entries(one), _entries(other), strict=True)
    )


def _is_known(x: Dim | Var, y: Dim | Var) -> bool:
    return not isinstance(x, Var) and not isinstance(y, Var) and isinstance(x - y, int)


def _entries(equation: Equation) -> Iterator[tuple[Dim | Var, Dim, int] | Dim | Var]:
    """The entries of a spec, with operands in the places of positions that are not known."""
    starts = iter(equation.operands[2:])
    for entry in equation["spec"]:
        if isinstance(entry, tuple):
            yield (next(starts) if entry[0] is None else entry[0], *entry[1:])
        else:
            yield next(starts) if entry is None else entry


def _is_repeatable(equation: Equation) -> bool:
    """Whether an equation computes an array element by element, so that it may be computed elsewhere."""
    is_map = bool(equation.results) and role_of(equation) is Role.MAP and isinstance(equation.result.type, ArrayType)
    return is_map and (OPS[equation.op].elementwise or equation.op == "convert")
