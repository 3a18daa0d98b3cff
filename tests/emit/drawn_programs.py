"""Well-typed random programs for Hypothesis: elementwise work, shapes, parts, products, reductions, loops and branches."""

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st
from jitgrad.compiler.ir import ArrayType, Function, Var, symbol
from jitgrad.compiler.ir.types import BOOL, F64, I64
from jitgrad.compiler.ops import Builder

N, M = symbol("n"), symbol("m")
SHAPES = [(), (N,), (M,), (N, M), (M, N), (N, 3), (3,), (1, M)]
PARAMETERS = [
    Var("a", ArrayType(F64, (N, M))), Var("b", ArrayType(F64, (N, M))), Var("c", ArrayType(F64, (M,))),
    Var("d", ArrayType(F64, (N, 3))), Var("s", ArrayType(F64)), Var("p", ArrayType(I64)), Var("k", ArrayType(I64, (N,))),
]  # fmt: skip

Choose = Callable[[int], int]


def arguments(n: int, m: int) -> list[np.ndarray]:
    """Arguments for the drawn programs; p is a position within n."""
    rng = np.random.default_rng(n + 7 * m)
    made = [rng.normal(size=(n, m)), rng.normal(size=(n, m)), rng.normal(size=m), rng.normal(size=(n, 3))]
    return [*made, np.array(0.7), np.array(n - 1), rng.integers(0, n, n)]


@st.composite
def functions(draw: st.DrawFn, length: int = 12) -> Function:
    """A function of ``PARAMETERS``."""

    def choose(count: int) -> int:
        return draw(st.integers(0, count - 1))

    return build(choose, "f", PARAMETERS, length, depth=2)


def build(
    choose: Choose, name: str, parameters: list[Var], length: int, depth: int, wanted: list[Any] | None = None
) -> Function:
    """A function of given parameters; with ``wanted``, its results have these types, else all sorts."""
    b = Builder(parameters)
    live = list(parameters)
    for _ in range(1 + choose(length)):
        step = STEPS[choose(len(STEPS))]
        try:
            made = step(choose, b, live, depth)
        except LookupError:  # nothing here that the step could work on
            continue
        live += [v for v in (made if isinstance(made, tuple) else (made,)) if v is not None]
    if wanted is None:
        results = [live[-1 - choose(min(len(live), 6))] for _ in range(1 + choose(4))]
    else:
        results = [find(choose, live, t) or b.zeros(t) for t in wanted]
    return b.finish(name, results)


def pick(choose: Choose, live: list[Var], type: Any = None, test: Callable[[Var], bool] = lambda v: True) -> Var:
    """One of the variables of a type, newer ones first; LookupError if there is none."""
    fitting = [v for v in reversed(live) if (type is None or v.type == type) and test(v)]
    if not fitting:
        raise LookupError
    return fitting[choose(min(len(fitting), 5))]


def find(choose: Choose, live: list[Var], type: Any) -> Var | None:
    """One of the variables of a type, or None."""
    try:
        return pick(choose, live, type)
    except LookupError:
        return None


def is_float(v: Var) -> bool:
    return v.type.dtype == F64


def unary(choose, b, live, depth):
    x = pick(choose, live, test=is_float)
    return b.emit(["sin", "neg", "tanh", "square", "abs", "exp"][choose(6)], b.emit("sin", x))


def binary(choose, b, live, depth):
    x = pick(choose, live, test=is_float)
    y = pick(choose, live, x.type)
    return b.emit(["add", "sub", "mul", "maximum", "minimum"][choose(5)], x, y)


def choice(choose, b, live, depth):
    x = pick(choose, live, test=is_float)
    y = pick(choose, live, x.type)
    return b.select(b.emit(["lt", "ge", "eq"][choose(3)], x, y), y, x)


def number(choose, b, live, depth):
    return b.constant([0.0, 1.0, -1.0, 2.0, 0.5][choose(5)], ArrayType(F64, SHAPES[choose(len(SHAPES))]))


def repeat(choose, b, live, depth):
    x = pick(choose, live, test=is_float)
    fitting = [s for s in SHAPES if len(s) > x.type.rank]
    if not fitting:
        return None
    shape = fitting[choose(len(fitting))]
    axes = list(range(len(shape)))
    for first in range(len(shape) - x.type.rank + 1):
        if shape[first : first + x.type.rank] == x.type.shape:
            return b.broadcast(x, tuple(axes[first : first + x.type.rank]), shape)
    return None


def turn(choose, b, live, depth):
    x = pick(choose, live, test=lambda v: is_float(v) and v.type.rank == 2)
    return b.transpose(x, (1, 0))


def flatten(choose, b, live, depth):
    x = pick(choose, live, test=lambda v: is_float(v) and v.type.rank == 2)
    flat = b.reshape(x, (x.type.size,))
    return flat, b.reshape(b.emit("sin", flat), x.type.shape)


def reduction(choose, b, live, depth):
    x = pick(choose, live, test=lambda v: is_float(v) and v.type.rank > 0)
    axes = [(0,), tuple(range(x.type.rank)), (x.type.rank - 1,)][choose(3)]
    ops = ["sum", "prod", "max", "min"] if x.type.shape in SHAPES else ["sum", "prod"]  # others may be empty
    return b.emit(ops[choose(len(ops))], x, axes=axes)


def product(choose, b, live, depth):
    x = pick(choose, live, test=lambda v: is_float(v) and v.type.rank > 0)
    y = pick(choose, live, test=lambda v: is_float(v) and v.type.rank > 0 and v.type.shape[0] == x.type.shape[-1])
    return b.emit("tanh", b.emit("dot", x, y, contract=((x.type.rank - 1,), (0,)), batch=((), ())))


def part(choose, b, live, depth):
    x = pick(choose, live, test=lambda v: is_float(v) and v.type.rank > 0)
    spec, starts = draw_spec(choose, live, x.type.shape)
    return b.index(x, spec, *starts)


def write(choose, b, live, depth):
    x = pick(choose, live, test=lambda v: is_float(v) and v.type.rank > 0)
    spec, starts = draw_spec(choose, live, x.type.shape)
    shape = tuple(e[1] for e in spec if isinstance(e, tuple))
    value = find(choose, live, ArrayType(F64, shape)) or b.index(x, spec, *starts)
    return b.emit(["update", "index_add"][choose(2)], x, value, *starts, spec=spec)


def draw_spec(choose, live, shape):
    """Positions that fit every n and m from 1 up; p is a variable within n."""
    position = Var("p", ArrayType(I64))
    spec, starts = [], []
    for dim in shape:
        kind = choose(5) if dim in (N, M, 3) else 4  # others may be empty
        if kind == 0:
            spec.append(dim - 1)
        elif kind == 1 and dim == N and position in live:
            spec.append(None)
            starts.append(position)
        elif kind == 2:
            spec.append((0, dim - 1, 1))
        elif kind == 3:
            spec.append((dim - 1, dim, -1))
        else:
            spec.append((0, dim, 1))
    return tuple(spec), starts


def gather(choose, b, live, depth):
    positions = pick(choose, live, ArrayType(I64, (N,)))
    x = pick(choose, live, test=lambda v: is_float(v) and v.type.rank > 0 and v.type.shape[0] == N)
    taken = b.emit("take", x, positions, axes=(0,))
    return taken, b.emit(["put", "put_add"][choose(2)], x, b.emit("sin", taken), positions, axes=(0,))


def join(choose, b, live, depth):
    x = pick(choose, live, ArrayType(F64, (N, M)))
    y = pick(choose, live, ArrayType(F64, (N, M)))
    return b.emit("reshape", b.emit("concatenate", x, y, axis=choose(2)), shape=(2 * N * M,))


def loop(choose, b, live, depth):
    if depth == 0:
        return None
    carried = distinct([pick(choose, live, test=is_float) for _ in range(1 + choose(3))])
    consts = distinct([pick(choose, live) for _ in range(choose(4))])
    inner = [Var("i", ArrayType(I64)), *(Var(f"q{j}", v.type) for j, v in enumerate(consts))]
    inner += [Var(f"r{j}", v.type) for j, v in enumerate(carried)]
    body = build(choose, "body", inner, 5, depth - 1, [v.type for v in carried])
    start, stop = (b.emit("constant", value=v, dtype=I64) for v in (0, choose(4)))
    return b.emit("loop", start, stop, *consts, *carried, regions=[body], step=1, consts=len(consts))


def branch(choose, b, live, depth):
    if depth == 0:
        return None
    x = pick(choose, live, ArrayType(F64))
    values = distinct([pick(choose, live) for _ in range(1 + choose(4))])
    wanted = [v.type for v in values if is_float(v)][:2] or [ArrayType(F64)]
    if not any(is_float(v) for v in values):
        values.append(x)
    inner = [Var(f"r{j}", v.type) for j, v in enumerate(values)]
    regions = [build(choose, name, inner, 4, depth - 1, wanted) for name in ("then", "orelse")]
    return b.emit("cond", b.emit("gt", x, b.constant(0.3, ArrayType(F64))), *values, regions=regions)


def distinct(values: list[Var | None]) -> list[Var]:
    return [v for v in dict.fromkeys(values) if v is not None]


STEPS = [unary, binary, binary, choice, number, repeat, turn, flatten, reduction, product, part, write, write, gather, join,
         loop, loop, branch]  # fmt: skip

__all__ = ["BOOL", "PARAMETERS", "arguments", "functions"]
