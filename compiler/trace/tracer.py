"""Tracers: what the user's function computes with while it is traced.

A ``Tracer`` stands for an array or a NumPy scalar. Arrays can be written to: a tracer holds a ``Cell``, the current value
of one array, and a chain of views into it, so that a write through a view (``row = A[i]; row += 1``) reaches the array and
is seen through every other view. A ``TracedSize`` stands for an int that comes from a shape.

Both are thin: what they do is in ``elementwise``, ``indexing`` and ``functions``, which register themselves here, since
those modules make tracers themselves.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import UnsupportedError
from ..ir import ArrayType, Dim, Size, Var
from ..ir.types import I64
from .aliasing import note_read, note_write
from .cells import Cell, View
from .context import LEAKED, active_trace, array_type_text
from .needed import note_needed


class Concretize(UnsupportedError):
    """Python asked for the value of something that is known only when the program runs: a tracer, or the number that a dim is."""

    def __init__(self, message: str = "", needed: Tracer | Dim | None = None) -> None:
        super().__init__(message)
        if needed is not None:
            note_needed(needed.cell.value if isinstance(needed, Tracer) else needed)


class Tracer:
    """An array, or a NumPy scalar, whose elements are known only at run time."""

    __slots__ = ("_cached", "cell", "dim", "is_scalar", "made", "name", "type", "views", "weak")
    __array_priority__ = 1000.0

    if TYPE_CHECKING:  # given in a loop below
        __add__: Callable[..., Any]
        __radd__: Callable[..., Any]
        __sub__: Callable[..., Any]
        __rsub__: Callable[..., Any]
        __mul__: Callable[..., Any]
        __rmul__: Callable[..., Any]
        __truediv__: Callable[..., Any]
        __rtruediv__: Callable[..., Any]
        __floordiv__: Callable[..., Any]
        __rfloordiv__: Callable[..., Any]
        __mod__: Callable[..., Any]
        __rmod__: Callable[..., Any]
        __pow__: Callable[..., Any]
        __rpow__: Callable[..., Any]
        __matmul__: Callable[..., Any]
        __rmatmul__: Callable[..., Any]
        __and__: Callable[..., Any]
        __rand__: Callable[..., Any]
        __or__: Callable[..., Any]
        __ror__: Callable[..., Any]
        __xor__: Callable[..., Any]
        __rxor__: Callable[..., Any]
        __lt__: Callable[..., Any]
        __le__: Callable[..., Any]
        __gt__: Callable[..., Any]
        __ge__: Callable[..., Any]
        __neg__: Callable[..., Any]
        __invert__: Callable[..., Any]
        __abs__: Callable[..., Any]

    def __init__(
        self,
        cell: Cell,
        type: ArrayType,
        views: tuple[View, ...] = (),
        is_scalar: bool = False,
        weak: bool = False,
        dim: Dim | None = None,
    ) -> None:
        self.cell = cell
        self.made = cell.value  # the array's value when this tracer was made
        self.type = type
        self.views = views
        self.is_scalar = is_scalar  # a NumPy scalar: immutable
        self.weak = weak  # a Python int, float or bool: its dtype gives way
        self.dim = dim  # an integer's value as a size, where it is known
        self.name = ""
        self._cached: tuple[Var, Var] | None = None  # base value and what the views read from it

    @property
    def value(self) -> Var:
        """The variable that holds the present value, made where it must be read through views."""
        self.check_shape()
        return self.repeated_value

    @property
    def repeated_value(self) -> Var:
        """The same for what is computed element by element, so that it does not matter whether the value was repeated."""
        trace = active_trace()
        if self.cell.scope.trace is not trace:
            raise RuntimeError(LEAKED)
        if self.cell.doubt is not None:
            self.cell.doubt.check()
        note_read(self.cell)
        base = self.cell.value
        if not self.views:
            return base
        if self._cached is not None and self._cached[0] is base:
            found = self._cached[1]
            if trace.scope.inside(trace.owner[found.name]):
                return found
        value = trace.scope.resolve(base)
        if base is not self.made:
            self._mark_reshaped()
        for view in self.views:
            value = view.read(value)
        self._cached = (base, value)
        return value

    def check_shape(self) -> None:
        """Refuse what depends on the shape of a value that may be a number, or a smaller array, instead."""
        if self.cell.stretched:
            name, text = self.cell.stretched, active_trace().sizing.shape_text(self.type.shape)
            remedy = f", as in {name} = np.zeros({text})" if name.isidentifier() else ""
            raise Concretize(
                f"{name} is an array of shape {text} on some ways through a branch or loop only, and on others a number or a smaller "
                f"array, and what is computed with it here depends on that; give it one shape on all of them{remedy}"
            )

    def renewed(self) -> Tracer:
        """The same value as one of its own, with no views and no doubts about it."""
        return new(self.repeated_value, weak=self.weak, scalar=self.is_scalar, dim=self.dim)

    def assign(self, value: Var) -> None:
        """Write a value of this tracer's type through the views into the array."""
        if self.is_scalar:
            raise TypeError("a NumPy scalar cannot be written to")
        self.check_shape()
        if self.cell.doubt is not None:
            self.cell.doubt.check()
        if self.cell.listed:
            raise (
                self.cell.listed.error()
                if self.cell.listed is not True
                else UnsupportedError(
                    "this array is written to, and is an item of a list as well, which would change with it; put a copy into the list: "
                    "items.append(x.copy())"
                )
            )
        note_read(self.cell)
        note_write(self.cell)
        trace = active_trace()
        if self.views:
            value = self._within_array(value)
        self.cell.assign(trace.scope.resolve(value))
        if self.cell.ways is not None:
            self.cell.ways.write(self.cell)

    def _within_array(self, value: Var) -> Var:
        """The array with a value in this part of it."""
        trace = active_trace()
        self._mark_reshaped()
        bases = [trace.scope.resolve(self.cell.value)]
        for view in self.views[:-1]:
            bases.append(view.read(bases[-1]))
        for base, view in zip(reversed(bases), reversed(self.views), strict=True):
            value = view.write(base, value)
        return value

    def _mark_reshaped(self) -> None:
        if any(view.key is not None and view.key[0] == "reshape" for view in self.views):
            self.cell.ordered = True

    def through(self, view: View, type: ArrayType) -> Tracer:
        """A tracer that looks at this one through one more view."""
        return Tracer(self.cell, type, (*self.views, view))

    def same_place(self, other: Any) -> bool:
        """Whether another tracer is the same part of the same array."""
        return (
            isinstance(other, Tracer)
            and other.cell is self.cell
            and len(other.views) == len(self.views)
            and all(a is b or (a.key is not None and a.key == b.key) for a, b in zip(self.views, other.views))
        )

    # what NumPy's arrays tell of themselves

    @property
    def dtype(self) -> np.dtype:
        return self.type.dtype

    @property
    def shape(self) -> tuple[Any, ...]:
        self.check_shape()
        return tuple(python_size(dim) for dim in self.type.shape)

    @property
    def ndim(self) -> int:
        return self.type.rank

    @property
    def size(self) -> Any:
        self.check_shape()
        return python_size(self.type.size)

    @property
    def itemsize(self) -> int:
        return self.type.dtype.itemsize

    @property
    def nbytes(self) -> Any:
        return self.size * self.type.dtype.itemsize

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return HANDLERS["ufunc"](ufunc, method, inputs, kwargs)

    def __array_function__(self, func: Callable[..., Any], types: Any, args: Any, kwargs: Any) -> Any:
        return HANDLERS["function"](func)(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        return HANDLERS["attribute"](self, name)

    def __getitem__(self, index: Any) -> Any:
        return HANDLERS["getitem"](self, index)

    def __setitem__(self, index: Any, value: Any) -> None:
        HANDLERS["setitem"](self, index, value)

    def __len__(self) -> int:
        if not self.type.shape:
            raise TypeError("len() of unsized object")
        self.check_shape()
        length = active_trace().sizing.pin(self.type.shape[0])
        if length is None:
            raise Concretize(f"the length of {describe(self)} is known only when the program runs", self.type.shape[0])
        return length

    def __iter__(self) -> Iterator[Any]:
        if not self.type.shape:
            raise TypeError("iteration over a 0-d array")
        return (self[i] for i in range(len(self)))

    def __bool__(self) -> bool:
        raise Concretize(
            f"the truth of {describe(self)} is known only when the program runs, but Python must know it now to go on; "
            "write np.where(test, a, b) or jg.cond(test, f, g, ...) for a branch and jg.while_loop or jg.fori_loop for a loop, or put it "
            "into a function whose source jitgrad can read, which functions made by exec lack",
            self,
        )

    def __float__(self) -> float:
        raise Concretize(f"float() of {describe(self)}: its value is known only when the program runs", self)

    def __int__(self) -> int:
        raise Concretize(f"int() of {describe(self)}: its value is known only when the program runs", self)

    def __index__(self) -> int:
        raise Concretize(
            f"{describe(self)} is used where Python needs a number now (an index of a list, say); "
            "its value is known only when the program runs. Put the list's items into one array with np.stack",
            self,
        )

    def __hash__(self) -> int:
        if not self.weak and not self.is_scalar:
            raise TypeError("unhashable type: 'numpy.ndarray'")
        raise Concretize(
            f"{describe(self)} is the key of a dict or an item of a set, which is known only when the program runs; count in an array, as in "
            "counts[k] += 1, or compare with the keys",
            self,
        )

    def __complex__(self) -> complex:
        raise UnsupportedError("complex numbers are not supported yet; keep real and imaginary parts apart")

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise Concretize(
            f"{describe(self)} was about to be turned into a NumPy array outside of what jitgrad follows; "
            "its elements are known only when the program runs"
        )

    def __str__(self) -> str:
        raise Concretize(
            f"the text of {describe(self)}: its value is known only when the program runs; print(x) shows it then", self
        )

    def __format__(self, spec: str) -> str:
        return str(self)

    def __repr__(self) -> str:
        return f"<traced {array_type_text(self.type)}>"

    def __copy__(self) -> Any:
        return HANDLERS["copy"](self)

    def __deepcopy__(self, memo: Any) -> Any:
        return HANDLERS["copy"](self)

    def __divmod__(self, other: Any) -> Any:
        return (self // other, self % other)

    def __rdivmod__(self, other: Any) -> Any:
        return (other // self, other % self)

    def __round__(self, digits: int = 0) -> Any:
        return HANDLERS["function"](np.round)(self, digits)


class TracedSize:
    """An int that comes from the shape of an argument, or is computed from such; kept as an expression.

    Comparisons are answered for the shapes of the call being traced and guarded. Where Python needs the number itself, the
    program is pinned to it.
    """

    __slots__ = ("_dim", "_trace")

    def __init__(self, dim: Size) -> None:
        self._dim = dim
        self._trace = active_trace()

    @property
    def dim(self) -> Size:
        """The size as an expression."""
        if active_trace() is not self._trace:
            raise RuntimeError(LEAKED)
        return self._dim

    def __index__(self) -> int:
        number = active_trace().sizing.pin(self.dim)
        if number is None:
            raise Concretize(f"the size {self.dim} is known only when the program runs", self.dim)
        return number

    __int__ = __index__

    def __bool__(self) -> bool:
        return bool(self != 0)

    def __hash__(self) -> int:
        return hash(self.__index__())

    def __repr__(self) -> str:
        return self._trace.sizing.text(self._dim)

    def __format__(self, spec: str) -> str:
        return format(self.__index__(), spec)

    def __float__(self) -> float:
        return float(self.__index__())

    def __neg__(self) -> Any:
        return python_size(-self.dim)

    def __pos__(self) -> TracedSize:
        return self

    def __invert__(self) -> Any:
        return python_size(-self.dim - 1)

    def __abs__(self) -> Any:
        return self if self >= 0 else -self  # type: ignore[operator]

    def __divmod__(self, other: Any) -> Any:
        return (self // other, self % other)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return HANDLERS["ufunc"](ufunc, method, inputs, kwargs)


Tracer.__name__, TracedSize.__name__ = "ndarray", "int"  # in errors that Python words itself, as of None + x


def python_size(dim: Dim) -> Any:
    """What the user's program sees of a dim: an int or a ``TracedSize``."""
    return dim if isinstance(dim, int) else TracedSize(dim)


def as_dim(value: Any) -> Dim | None:
    """The dim that an int, a ``TracedSize`` or an integer scalar tracer stands for; None for anything else."""
    if isinstance(value, TracedSize):
        return value.dim
    if isinstance(value, (bool, np.bool_)):
        return int(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, Tracer) and not value.type.shape and value.type.dtype.kind in "iu":
        return _bind(value)
    return None


def _bind(tracer: Tracer) -> Dim:
    """The dim of a traced integer; a new symbol is bound to it where it has none."""
    if tracer.dim is None:
        trace = active_trace()
        var = tracer.value
        owner = trace.owner[var.name]
        if var.type.dtype != I64:
            var = owner.builder.convert(var, I64)
        size = trace.sizing.dynamic(tracer.name or "k")
        owner.builder.emit("bind_size", var, symbol=str(size))
        tracer.dim = size
    return tracer.dim


_SHIFTS = ("lshift", "rshift")


def _is_exact(name: str, other: Any) -> bool:
    """Whether an operator between a size and another integer gives a size."""
    if isinstance(other, TracedSize):
        return name not in _SHIFTS
    if not isinstance(other, (int, np.integer)):
        return False
    return other >= 0 if name in _SHIFTS else not (name in ("floordiv", "mod") and other == 0)


def _size_operator(name: str, exact: Callable[[Dim, Dim], Dim] | None) -> None:

    def forward(self: TracedSize, other: Any) -> Any:
        if exact is not None and _is_exact(name, other):
            return python_size(exact(self.dim, other.dim if isinstance(other, TracedSize) else int(other)))
        if isinstance(other, (np.ndarray, Tracer, int, float, np.generic, TracedSize)):
            return HANDLERS["binary"](name, self, other)
        return NotImplemented

    def backward(self: TracedSize, other: Any) -> Any:
        if exact is not None and isinstance(other, (int, np.integer)) and name not in _SHIFTS:
            return python_size(exact(int(other), self.dim))
        if isinstance(other, (Tracer, int, float, np.generic, np.ndarray)):
            return HANDLERS["binary"](name, other, self)
        return NotImplemented

    setattr(TracedSize, f"__{name}__", forward)
    setattr(TracedSize, f"__r{name}__", backward)


def _comparison(name: str, sign: str) -> None:
    def compare(self: TracedSize, other: Any) -> Any:
        if isinstance(other, float) and math.isfinite(other):
            if sign in ("==", "!=") and not other.is_integer():
                return sign == "!="
            other = math.ceil(other) if sign in ("<", ">=") else math.floor(other)
        if isinstance(other, (int, np.integer, TracedSize)):
            dim = other.dim if isinstance(other, TracedSize) else int(other)
            answer = active_trace().sizing.decide(self.dim, sign, dim)
            return HANDLERS["binary"](name, self, other) if answer is None else answer
        if isinstance(other, (Tracer, float, np.generic, np.ndarray)):
            return HANDLERS["binary"](name, self, other)
        return NotImplemented

    setattr(TracedSize, f"__{name}__", compare)


for _name, _exact in {
    "add": operator.add, "sub": operator.sub, "mul": operator.mul, "floordiv": operator.floordiv,
    "mod": operator.mod, "truediv": None, "pow": None, "lshift": lambda size, k: size * 2**k,
    "rshift": lambda size, k: size // 2**k, "and": None, "or": None, "xor": None,
}.items():  # fmt: skip
    _size_operator(_name, _exact)
for _name, _sign in {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!="}.items():
    _comparison(_name, _sign)

BINARY = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and", "or", "xor", "lshift", "rshift")
COMPARE = ("lt", "le", "gt", "ge", "eq", "ne")
UNARY = ("neg", "pos", "abs", "invert")


def _define_operators() -> None:
    """Give tracers Python's operators; their meaning is in ``elementwise``."""
    for name in BINARY:
        setattr(Tracer, f"__{name}__", lambda self, other, name=name: HANDLERS["binary"](name, self, other))
        setattr(Tracer, f"__r{name}__", lambda self, other, name=name: HANDLERS["binary"](name, other, self))
        setattr(Tracer, f"__i{name}__", lambda self, other, name=name: HANDLERS["inplace"](name, self, other))
    for name in COMPARE:
        setattr(Tracer, f"__{name}__", lambda self, other, name=name: HANDLERS["binary"](name, self, other))
    for name in UNARY:
        setattr(Tracer, f"__{name}__", lambda self, name=name: HANDLERS["unary"](name, self))


_define_operators()

HANDLERS: dict[str, Callable[..., Any]] = {}


def handles(name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register the function that does what tracers only name."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        HANDLERS[name] = function
        return function

    return register


def describe(value: Any) -> str:
    """A value in the words of an error message."""
    if isinstance(value, Tracer):
        trace = active_trace()
        kind = f"{value.type.dtype.name}{trace.sizing.shape_text(value.type.shape)}"
        if value.cell.argument:
            part = "part of " if value.views else ""
            return f"{part}argument {value.cell.argument} ({kind})"
        return f"a value of type {kind}"
    if isinstance(value, np.ndarray):
        return f"an array of type {value.dtype}{value.shape}"
    return str(value.described()) if hasattr(value, "described") else repr(value)


def named(value: Tracer) -> str:
    """A traced array in a message of the compiled program, whose sizes vary."""
    part = "part of " if value.views else ""
    return f"{part}argument {value.cell.argument}" if value.cell.argument else "an array"


def new(var: Var, weak: bool = False, scalar: bool | None = None, dim: Dim | None = None) -> Tracer:
    """A tracer of a value that the program has just computed; of rank 0 it is a NumPy scalar unless said otherwise."""
    type = var.type
    assert isinstance(type, ArrayType)
    is_scalar = not type.shape if scalar is None else scalar
    return Tracer(Cell(var, active_trace().scope), type, is_scalar=is_scalar, weak=weak, dim=dim)
