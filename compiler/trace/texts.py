"""Texts that show traced values: what f-strings, ``str`` and ``format`` give while a function is traced.

Such a text can be printed, when the program runs, and be the message of an error. Where Python needs to know it now, as the key of a
dict, say, a loop is unrolled so that its index is a number; elsewhere that is refused.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Iterator, Sequence
from types import FunctionType
from typing import Any, NoReturn

import numpy as np

from ..errors import UnsupportedError
from .context import active_trace
from .promotion import as_tracer
from .tracer import Concretize, TracedSize, Tracer, describe

_PARTS = re.compile(r"%([-+ #0]*)(\d*)((?:\.\d+)?)(\w)")
_DIRECTIVE = re.compile(r"(%(?:\((\w+)\))?[-+ #0]*\d*(?:\.\d+)?[diouxXeEfFgGcrsa%])")


class Text(str):
    """A text with traced values in it: a template with ``{}`` for each."""

    template: str
    values: tuple[Tracer, ...]

    __slots__ = ("template", "values")

    def __new__(cls, template: str, values: Sequence[Tracer]) -> Text:
        rest = iter(values)
        pieces = ((literal, field is not None) for literal, field, _, _ in string.Formatter().parse(template))
        text = super().__new__(
            cls, "".join(f"{literal}<{describe(next(rest))}>" if has else literal for literal, has in pieces)
        )
        text.template, text.values = template, tuple(values)
        return text

    def _refuse(self, *_: Any) -> NoReturn:
        raise Concretize(
            f"Python needs the text {str(self)!r} now, and {describe(self.values[0])} is known only when the program runs; print it, or "
            "return the number",
            self.values[0],
        )

    __hash__ = __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __contains__ = _refuse  # type: ignore[assignment]
    __len__ = __iter__ = __getitem__ = __mul__ = __mod__ = _refuse  # type: ignore[assignment]

    def __add__(self, other: str) -> str:
        return joined(self, other)

    def __radd__(self, other: str) -> str:
        return joined(other, self)


for _name in (name for name in vars(str) if not name.startswith("_")):
    setattr(Text, _name, Text._refuse)


def joined(*pieces: Any) -> str:
    """The pieces in one text: strings, and traced values, which a text shows as they are."""
    if not any(isinstance(piece, (Tracer, Text)) for piece in pieces):
        return "".join(map(str, pieces))
    parts = [template_of(piece) for piece in pieces]
    return Text("".join(template for template, _ in parts), [value for _, values in parts for value in values])


def template_of(piece: Any) -> tuple[str, tuple[Tracer, ...]]:
    """A piece of a text as a format string, and the traced values in it."""
    if isinstance(piece, Text):
        return piece.template, piece.values
    if isinstance(piece, Tracer):  # a float32 is shown as str() shows it, with fewer digits than format() would
        return "{!s}" if piece.dtype == np.float32 else "{}", (piece,)
    return str(piece).replace("{", "{{").replace("}", "}}"), ()


def shown(value: Any, show: Callable[[Any], str]) -> Any:
    """A piece of a text: what Python shows, or the traced value itself; of a tuple, list or dict, a text of its items.

    Of an exception it is what that says.
    """
    value = _known_or_traced(value)
    if isinstance(value, Text):
        return value
    if isinstance(value, BaseException) and isinstance(said := _said(value), (Text, Tracer)):
        return said if show(Exception("?")) == "?" else hash(said)  # which says that it is not known now
    if isinstance(value, Tracer):
        return show(value.dim) if isinstance(value.dim, int) else value
    return joined(*_items(value)) if type(value) in (tuple, list, dict) else show(value)


def _said(error: BaseException) -> Any:
    """The text of an exception."""
    if isinstance(type(error).__str__, FunctionType) or not error.args:
        return str(error)
    if len(error.args) == 1:
        return joined(*_items(error.args[0])) if isinstance(error, KeyError) else shown(error.args[0], str)
    return shown(error.args, str)


def _known_or_traced(value: Any) -> Any:
    """A value, which is traced if it is a size that only the run knows."""
    is_unknown = isinstance(value, TracedSize) and active_trace().sizing.hint(value.dim) is None
    return as_tracer(value) if is_unknown else value


def _items(value: Any) -> Iterator[Any]:
    """The pieces of what Python shows of a container, with the values in it that are no containers."""
    value = _known_or_traced(value)
    if type(value) in (tuple, list):
        start, end = "()" if type(value) is tuple else "[]"
        for k, item in enumerate(value):
            yield ", " if k else start
            yield from _items(item)
        yield ",)" if type(value) is tuple and len(value) == 1 else end if value else start + end
    elif type(value) is dict:
        for k, (key, item) in enumerate(value.items()):
            yield f"{', ' if k else '{'}{key!r}: "
            yield from _items(item)
        yield "}" if value else "{}"
    elif isinstance(value, Text):
        yield from ("'", value, "'")
    elif isinstance(value, Tracer):
        yield value
    else:
        yield repr(int(value) if isinstance(value, TracedSize) else value)


def formatted(template: str, args: Sequence[Any], kwargs: dict[str, Any]) -> str:
    """``template.format(*args, **kwargs)``."""
    formatter, pieces, number = string.Formatter(), [], 0
    for literal, field, spec, conversion in formatter.parse(template):
        pieces.append(literal)
        if field is None:
            continue
        if not field or field[0] in ".[":
            field, number = f"{number}{field}", number + 1
        value = formatter.get_field(field, args, kwargs)[0]
        pieces.append(in_format(value, conversion, formatted(spec or "", args, kwargs)))
    return joined(*pieces)


def in_format(value: Any, conversion: str | None, spec: str) -> Any:
    """A value as f-strings and ``str.format`` show it."""
    value = _known_or_traced(value)
    if isinstance(value, Tracer) and not isinstance(value.dim, int):
        return _in_format(value, conversion, spec)
    if isinstance(value, Text) and (conversion in ("r", "a") or spec):
        hash(value)  # says that it is not known now
    return shown(value, lambda v: format(string.Formatter().convert_field(v, conversion), spec))


def interpolated(template: str, values: Any) -> str:
    """``template % values``."""
    rest: Iterator[Any] = iter(values if isinstance(values, tuple) else (values,))
    pieces: list[Any] = []
    for k, piece in enumerate(_DIRECTIVE.split(template)):
        if k % 3 == 0:
            pieces.append(piece)
        elif k % 3 == 1:
            directive = piece
        elif directive == "%%":
            pieces.append("%")
        else:
            value = values[piece] if piece is not None else next(rest)
            pieces.append(_by_directive(value, directive.replace(f"({piece})", "")))
    return joined(*pieces)


def _in_format(value: Tracer, conversion: str | None, spec: str) -> Text:
    """A traced value in a format that is followed when the program runs."""
    if isinstance(spec, Text):
        hash(spec)  # says that it is not known now
    if conversion is None and value.ndim == 0:
        format(_sample(value), spec)  # raises what Python raises
    elif conversion is None and spec:
        raise TypeError("unsupported format string passed to numpy.ndarray.__format__")
    if conversion in ("r", "a") and not value.ndim and not value.weak:
        name = value.dtype.name
        if spec:
            raise UnsupportedError(f"{{!{conversion}:{spec}}} of {describe(value)}; leave out the conversion, or the format")
        return Text(f"np.{name}({{}})" if name != "bool" else "np.{}", [value])
    shown_as = f"!{conversion if value.ndim else 's'}" if conversion else ""
    return Text(f"{{{shown_as}{f':{spec}' if spec else ''}}}", [value])


def _sample(value: Tracer) -> Any:
    return {"b": bool, "i": int, "f": float}[value.dtype.kind](1) if value.weak else value.dtype.type(1)


def _by_directive(value: Any, directive: str) -> Any:
    value = _known_or_traced(value)
    if isinstance(value, Text) and directive != "%s":
        hash(value)
    if not isinstance(value, Tracer) or isinstance(value.dim, int):
        return shown(value, lambda v: directive % (v,))
    flags, width, precision, kind = _PARTS.fullmatch(directive).groups()  # type: ignore[union-attr]
    sign = "+" if "+" in flags else " " if " " in flags else ""
    if kind in "sra":
        align = "<" if "-" in flags else ">"
        return _in_format(value, kind, f"{align}{width}{precision}" if width or precision else "")
    if kind == "c" or value.ndim or (precision and kind in "diuxXo"):
        raise UnsupportedError(f"{directive!r} % {describe(value)}; write an f-string")
    if kind in "diu":
        value, kind = (value if value.dtype.kind in "iu" else value.astype(np.int64)), "d"
    fill = "<" if "-" in flags else "0" if "0" in flags else ""
    hashed = "#" if "#" in flags else ""
    return _in_format(
        value, None, f"{'<' if fill == '<' else ''}{sign}{hashed}{'0' if fill == '0' else ''}{width}{precision}{kind}"
    )


__all__ = ["Text", "formatted", "in_format", "interpolated", "joined", "shown"]
