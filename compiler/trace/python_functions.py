"""What traced programs call instead of Python's builtin functions, of those of ``math``, ``itertools`` and ``operator``.

``REPLACED`` gives for each its counterpart, which does what Python's does where there are no traced values.
"""

from __future__ import annotations

import contextlib
import itertools
import operator
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np

from . import numpy_objects
from .attributes import ATTRIBUTES
from .bisecting import BISECTIONS
from .calls import OPERATORS, call, has_traced
from .context import active_trace
from .drawing import MAKERS
from .heaps import HEAPS
from .iterables import Comprehension, Indexed, backwards, enumerated, traced_range, zipped
from .nditer import nditer
from .printing import PRINTERS
from .python_folds import FOLDS
from .python_iterators import ITERATORS, OPERATOR_MODULE, ndindex
from .python_math import MATH
from .python_numbers import NUMBERS
from .rows import Queue, Rows
from .tables import MAKERS as DICTS
from .texts import in_format, joined, shown
from .tracer import Tracer
from .trying import Suppressing
from .unbound import require_settled
from .using_up import made_here, use


def _text(show: Callable[..., str]) -> Callable[..., Any]:
    def of(*args: Any, **kwargs: Any) -> Any:
        return (
            joined("", shown(args[0], lambda v: show(v, *args[1:], **kwargs)))
            if has_traced(args[:1])
            else show(*args, **kwargs)
        )

    return of


def _format(value: Any, spec: str = "") -> str:
    return joined("", in_format(value, None, spec)) if has_traced(value) else format(value, spec)


def _map(function: Any, *iterables: Any) -> Any:
    if len(iterables) == 1 and not isinstance(iterables[0], (list, tuple)):
        return OPERATORS[0].genexp(iterables[0], call(function))
    together = zipped(*iterables)
    if isinstance(together, Indexed):
        return OPERATORS[0].genexp(together, lambda items: call(function)(*items))
    return made_here(itertools.starmap(call(function), together))


def _is_of_unknown_length(x: Any) -> bool:
    """Whether a value is an array of which only the run knows how many items it has."""
    return isinstance(x, Tracer) and bool(x.ndim) and active_trace().sizing.hint(x.type.shape[0]) is None


def _listing(kind: Callable[..., Any]) -> Callable[..., Any]:
    def make(*args: Any) -> Any:
        require_settled(args[0] if args else None)
        use(args[0] if args else None)
        if kind is list and args and (isinstance(args[0], (Indexed, Rows)) or _is_of_unknown_length(args[0])):
            return OPERATORS[0].listcomp(args[0], lambda item: item)
        if kind is list and args and isinstance(args[0], Comprehension):
            return args[0].listed()
        return kind(list(args[0])) if args and isinstance(args[0], (Indexed, Comprehension)) else kind(*args)

    return make


def _queue(items: Any = (), maxlen: Any = None) -> Any:
    """``deque``, whose greatest length is a part of the program."""
    maxlen = None if maxlen is None else operator.index(maxlen)
    listed = _listing(list)(items)
    if not isinstance(listed, Rows) or listed.listed is not None:
        return deque(listed, maxlen)
    listed.kind = Queue(maxlen)
    return listed if maxlen is None else listed[np.maximum(listed.length() - maxlen, 0) :]


REPLACED: dict[Any, Callable[..., Any]] = {
    **ATTRIBUTES, **MAKERS, **NUMBERS, **FOLDS, **MATH, **ITERATORS, **OPERATOR_MODULE, **PRINTERS, **HEAPS, **BISECTIONS, **DICTS,
    np.ndarray: numpy_objects.ndarray, np.ndindex: ndindex, np.ndenumerate: numpy_objects.ndenumerate, np.nditer: nditer,
    np.poly1d: numpy_objects.poly1d, range: traced_range, enumerate: enumerated, zip: zipped, reversed: backwards,
    map: _map, list: _listing(list), tuple: _listing(tuple), str: _text(str), repr: _text(repr), format: _format,
    contextlib.suppress: Suppressing, deque: _queue,
}  # fmt: skip
