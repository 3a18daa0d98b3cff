"""Lowered programs: statements over named scalars and buffers, and the kernels that they launch.

A *buffer* is a C-contiguous array with a name; a *scalar* is a local variable with a name. Positions and extents are dims
(``..ir.sizes``) whose symbols are names of integer variables: sizes, loop indices, and scalars of type i64.

A ``Kernel`` says what happens for one point of a domain, not in which order the points are visited: the writers make loops
or threads of it. Its body is straight-line code in single assignment. A ``Driver`` is structured code that allocates buffers, launches
kernels and calls library functions, and in which scalar loops stay scalar loops.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from ..ir import ArrayType, Dim, Guard, SourceLine


@dataclass(frozen=True, slots=True)
class Local:
    """A scalar variable."""

    name: str
    dtype: np.dtype


@dataclass(frozen=True, slots=True)
class Literal:
    """A number known to the compiler."""

    value: bool | int | float
    dtype: np.dtype


@dataclass(frozen=True, slots=True)
class Position:
    """An i64 that is an integer expression over names."""

    dim: Dim


Atom = Local | Literal | Position
Index = tuple[Dim, ...]


# What happens at one point of a kernel's domain, or once in the driver


@dataclass(frozen=True, slots=True)
class Let:
    """``name = op(operands)`` for an elementwise op."""

    name: str
    dtype: np.dtype
    op: str
    operands: tuple[Atom, ...]
    source: SourceLine | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Load:
    """``name = buffer[index]``"""

    name: str
    dtype: np.dtype
    buffer: str
    index: Index
    source: SourceLine | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Store:
    """``buffer[index] = value``, or ``+=``."""

    buffer: str
    index: Index
    value: Atom
    dtype: np.dtype
    add: bool = False
    source: SourceLine | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Wrap:
    """``name = value`` if not negative, else ``value + size``; raises IndexError outside of [-size, size).

    There is nothing to do but the first if ``unless`` names something that is true.
    """

    name: str
    value: Atom
    size: Dim
    message: str
    source: SourceLine | None = field(default=None, compare=False)
    unless: str = ""


@dataclass(frozen=True, slots=True)
class Reduce:
    """Combine the values at all points along some axes of the kernel's domain.

    The result goes to ``target``: a buffer at the indices of the other axes, or a scalar that the kernel returns where all axes are
    reduced. ``position`` is the index that argmax and argmin report.
    """

    op: str
    target: str
    dtype: np.dtype
    axes: tuple[str, ...]
    index: Index
    value: Atom
    source: SourceLine | None = field(default=None, compare=False)


Step = Let | Load | Store | Wrap | Reduce


@dataclass(frozen=True, slots=True)
class Axis:
    """An index variable of a kernel's domain, from 0 to extent - 1."""

    name: str
    extent: Dim


@dataclass(frozen=True, slots=True)
class BufferParameter:
    """A buffer that a kernel takes."""

    name: str
    type: ArrayType
    written: bool


@dataclass(frozen=True, slots=True)
class Kernel:
    """A function that runs its body at each point of a domain.

    ``buffers`` come first among its parameters, those written before those read, then ``scalars``. It returns the targets of
    the reductions over all axes, in order.
    """

    name: str
    buffers: tuple[BufferParameter, ...]
    scalars: tuple[Local, ...]
    axes: tuple[Axis, ...]
    body: tuple[Step, ...]
    sequential: bool = False  # points must be visited in order: positions may repeat

    @property
    def returned(self) -> tuple[Local, ...]:
        """What the kernel returns."""
        names = {axis.name for axis in self.axes}
        return tuple(
            Local(step.target, step.dtype)
            for step in self.body
            if isinstance(step, Reduce) and names == set(step.axes) and not step.index
        )


# What the driver does


@dataclass(frozen=True, slots=True)
class Allocate:
    """A new buffer, of undefined content or of zeros."""

    name: str
    type: ArrayType
    zero: bool = False
    source: SourceLine | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Clear:
    """Make all elements of a buffer zeros."""

    name: str
    source: SourceLine | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class View:
    """``name`` is the buffer ``base``, in another shape; no elements move.

    All of it, or what is at leading positions, or as much as fits from an offset on, counted in elements.
    """

    name: str
    type: ArrayType
    base: str
    positions: Index = ()
    offset: Dim | None = None
    source: SourceLine | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Launch:
    """Run a kernel: the buffers and scalars for its parameters, the names for what it returns."""

    kernel: Kernel
    buffers: tuple[str, ...]
    scalars: tuple[Atom, ...]
    results: tuple[str, ...]
    source: SourceLine | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Product:
    """``out = alpha * op(a) @ op(b) + beta * out`` for matrices and vectors; with vectors only, the scalar ``out``."""

    out: str
    a: str
    b: str
    ranks: tuple[int, int]
    transposed: tuple[bool, bool]
    dtype: np.dtype
    beta: int = 0
    source: SourceLine | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Products:
    """Products of matrices inside flat buffers, in two loops; an ``out`` that does not move along a loop adds them up.

    ``sizes`` are those of both loops, then rows, columns and depth; ``steps`` the distances of elements in each of out, a and b along
    both loops and both axes of its matrix.
    """

    out: str
    a: str
    b: str
    sizes: Index
    steps: tuple[Index, Index, Index]
    source: SourceLine | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Call:
    """``results = function(arguments)`` for a function of the runtime; an argument is a buffer's or stack's name or an atom."""

    function: str
    arguments: tuple[str | Atom, ...]
    results: tuple[str, ...] = ()
    source: SourceLine | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Bind:
    """``names = values`` all at once: rebinds variables to buffers, stacks or scalars."""

    names: tuple[str, ...]
    values: tuple[str | Atom, ...]
    source: SourceLine | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class For:
    """A loop over ``range(start, stop, step)``; with a test, leaves where it is false. ``count`` names the number of iterations made."""

    index: str
    start: Atom
    stop: Atom
    step: int
    body: tuple[Statement, ...]
    test: tuple[Statement, ...] = ()
    condition: Atom | None = None
    count: str = ""
    source: SourceLine | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Span:
    """The first and the last of positions along an axis, and its size."""

    first: Dim
    last: Dim
    size: Dim


@dataclass(frozen=True, slots=True)
class Inside:
    """``name`` says whether all spans lie within their axes."""

    name: str
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class If:
    """Two branches."""

    test: Atom
    then: tuple[Statement, ...]
    orelse: tuple[Statement, ...]
    source: SourceLine | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Check:
    """Raises unless the test is true; the message is a format string where there are operands, scalars and buffers."""

    test: Atom
    kind: str
    message: str
    operands: tuple[str | Atom, ...] = ()
    source: SourceLine | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Print:
    """Prints a format string with scalars and buffers, or warns with it, if the class of the warning is given."""

    text: str
    operands: tuple[str | Atom, ...]
    warning: str = ""
    source: SourceLine | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class NewStack:
    """An empty stack, with room for ``capacity`` numbers if that is known, else for what is remembered at ``place``."""

    name: str
    dtype: np.dtype
    capacity: Dim | None
    place: int
    source: SourceLine | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Reserve:
    """Make room for ``size`` more numbers on a stack."""

    stack: str
    size: Dim
    source: SourceLine | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Push:
    """Put a scalar or all elements of a buffer onto a stack that has room for them; None if they were computed there."""

    stack: str
    value: str | Atom | None
    size: Dim
    dtype: np.dtype
    source: SourceLine | None = field(default=None, compare=False)

    @property
    def top(self) -> str:
        """The variable that counts what is on the stack."""
        return f"{self.stack}_top"


@dataclass(frozen=True, slots=True)
class Remember:
    """Keep in mind, at a place of the program's own, how many numbers are on a stack: the next call makes room for them at once."""

    stack: str
    place: int


@dataclass(frozen=True, slots=True)
class Pop:
    """Take a scalar, or a buffer, off a stack. The buffer's memory is the stack's, which has no more use for it."""

    stack: str
    name: str
    type: ArrayType
    source: SourceLine | None = field(default=None, compare=False)


Statement = (
    Let | Load | Store | Wrap | Allocate | Clear | View | Launch | Product | Products | Call | Bind | Inside | For | If | Check | Print
    | NewStack | Reserve | Push | Remember | Pop
)  # fmt: skip


def walk(statements: Iterable[Statement]) -> Iterator[Statement]:
    """All statements, those inside loops and branches too."""
    for s in statements:
        yield s
        match s:
            case For(test=test, body=body):
                yield from walk((*test, *body))
            case If(then=then, orelse=orelse):
                yield from walk((*then, *orelse))


def atoms(statement: Statement | Reduce) -> tuple[str | Atom | None, ...]:
    """What a statement itself reads: scalars, and by name buffers and stacks; what is inside loops and branches not included."""
    match statement:
        case Let(operands=read) | Launch(scalars=read) | Call(arguments=read) | Bind(values=read) | Print(operands=read):
            return read
        case Store(value=value) | Reduce(value=value) | Wrap(value=value) | Push(value=value):
            return (value,)
        case For(start=start, stop=stop, condition=condition):
            return (start, stop, condition)
        case If(test=test):
            return (test,)
        case Check(test=test, operands=operands):
            return (test, *operands)
    return ()


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of the driver: a buffer, or a scalar if its rank is 0."""

    name: str
    type: ArrayType


@dataclass(frozen=True, slots=True)
class Program:
    """Kernels and the driver that runs them."""

    name: str
    parameters: tuple[Parameter, ...]
    guards: tuple[Guard, ...]
    body: tuple[Statement, ...]
    results: tuple[str | Atom, ...]
    kernels: tuple[Kernel, ...]
