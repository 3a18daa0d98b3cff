"""``np.einsum``: pairs of operands become ``dot``, left to right."""

from __future__ import annotations

import string
from collections.abc import Sequence
from typing import Any

import numpy as np

from .context import active_trace
from .elementwise import into
from .products import dot_general
from .promotion import as_array, common_dtype, convert
from .reductions import reduce
from .shaping import diagonal, reshaped, transpose
from .tracer import Tracer, describe, new

Term = tuple[str, Tracer]


def einsum(
    *operands: Any, out: Any = None, optimize: Any = False, dtype: Any = None, order: str = "K", casting: str = "safe"
) -> Any:
    """``np.einsum`` with subscripts given as text or as lists of axes."""
    subscripts, arrays = _as_text(operands)
    target = common_dtype(arrays) if dtype is None else np.dtype(dtype)
    arrays = [convert(x, target) for x in arrays]
    inputs, output = _expanded(subscripts.replace(" ", ""), arrays)
    terms = [_without_repeats(letters, x) for letters, x in zip(inputs, arrays, strict=True)]
    terms = _without_stretched(terms)
    while len(terms) > 1:
        first, second, *rest = terms
        needed = set(output).union(*(letters for letters, _ in rest))
        terms = [_pair(first, second, needed), *rest]
    letters, x = _sum_alone(*terms[0], set(output))
    result = transpose(x, tuple(letters.index(c) for c in output)) if x.type.rank else x
    return into(out, result if result.type.rank else new(result.value), "einsum")


def _as_text(operands: Sequence[Any]) -> tuple[str, list[Tracer]]:
    """Subscripts as text, and the arrays."""
    if isinstance(operands[0], str):
        return operands[0], [as_array(v) for v in operands[1:]]
    texts = [_letters(axes) for axes in operands[1::2]]
    arrays = [as_array(v) for v in operands[: 2 * len(texts) : 2]]
    output = "->" + _letters(operands[-1]) if len(operands) % 2 else ""
    return ",".join(texts) + output, arrays


def _letters(axes: Sequence[Any]) -> str:
    return "".join("..." if a is Ellipsis else string.ascii_letters[a] for a in axes)


def _expanded(text: str, arrays: list[Tracer]) -> tuple[list[str], str]:
    """One letter per axis for each operand and the result; ellipses become capital letters."""
    left, arrow, output = text.partition("->")
    inputs = left.split(",")
    if len(inputs) != len(arrays):
        raise ValueError(f"einsum: {len(inputs)} subscripts for {len(arrays)} operands")
    spare = [c for c in string.ascii_uppercase if c not in text]
    widest = max(
        (x.type.rank - len(s.replace("...", "")) for s, x in zip(inputs, arrays, strict=True) if "..." in s), default=0
    )
    dots = "".join(spare[:widest])
    expanded = []
    for s, x in zip(inputs, arrays, strict=True):
        count = x.type.rank - len(s.replace("...", ""))
        if count < 0 or ("..." not in s and count):
            raise ValueError(f"einsum: subscripts {s!r} for {describe(x)}, which has {x.type.rank} axes")
        expanded.append(s.replace("...", dots[len(dots) - count :] if count else ""))
    letters = "".join(expanded)
    if not arrow:
        return expanded, dots + "".join(sorted(c for c in set(letters) if letters.count(c) == 1 and c not in dots))
    output = output.replace("...", dots)
    for c in output:
        if c not in letters:
            raise ValueError(f"einstein sum subscripts string included output subscript {c!r} which never appeared in an input")
        if output.count(c) > 1:
            raise ValueError(f"einstein sum subscripts string includes output subscript {c!r} multiple times")
    return expanded, output


def _without_repeats(letters: str, x: Tracer) -> Term:
    """Take the diagonal where one letter stands for two axes."""
    for c in letters:
        while letters.count(c) > 1:
            i = letters.index(c)
            j = letters.index(c, i + 1)
            if active_trace().sizing.decide(x.type.shape[i], "==", x.type.shape[j]) is False:
                raise ValueError(f"einsum: dimensions in operand for collapsing index {c!r} don't match in {describe(x)}")
            x = diagonal(x, 0, i, j, writeable=True)
            letters = letters[:i] + letters[i + 1 : j] + letters[j + 1 :] + c
    return letters, x


def _without_stretched(terms: list[Term]) -> list[Term]:
    """Drop axes of size 1 whose letter has another size elsewhere: these repeat."""
    sizes: dict[str, set[Any]] = {}
    for letters, x in terms:
        for c, dim in zip(letters, x.type.shape, strict=True):
            sizes.setdefault(c, set()).add(dim)
    found = []
    for letters, x in terms:
        kept = [(c, d) for c, d in zip(letters, x.type.shape, strict=True) if d != 1 or sizes[c] == {1}]
        found.append(("".join(c for c, _ in kept), reshaped(x, tuple(d for _, d in kept))))
    return found


def _pair(first: Term, second: Term, needed: set[str]) -> Term:
    """Multiply two terms, summing over letters that nothing else needs."""
    (a, x), (b, y) = first, second
    a, x = _sum_alone(a, x, needed | set(b))
    b, y = _sum_alone(b, y, needed | set(a))
    shared = [c for c in a if c in b]
    contract = [c for c in shared if c not in needed]
    batch = [c for c in shared if c in needed]
    product = dot_general(
        x, y,
        (tuple(a.index(c) for c in contract), tuple(b.index(c) for c in contract)),
        (tuple(a.index(c) for c in batch), tuple(b.index(c) for c in batch)),
        "einsum",
    )  # fmt: skip
    letters = batch + [c for c in a if c not in shared] + [c for c in b if c not in shared]
    return "".join(letters), product


def _sum_alone(letters: str, x: Tracer, needed: set[str]) -> Term:
    axes = tuple(k for k, c in enumerate(letters) if c not in needed)
    if not axes:
        return letters, x
    if x.dtype.kind == "b":
        return "".join(c for c in letters if c in needed), reduce("any", x, axes)
    return "".join(c for c in letters if c in needed), reduce("sum", x, axes, x.dtype)
