"""Every op at odd shapes: the emitted module, run as plain Python, gives what the interpreter gives."""

from typing import Any

import numpy as np
import pytest
from jitgrad.compiler.ir import ArrayType, Var, symbol
from jitgrad.compiler.ir.types import BOOL, DTYPES, F64, I64
from jitgrad.compiler.ops import OPS, Builder
from operands import arity

SHAPES = [(), (0,), (1,), (5,), (0, 3), (3, 0), (2, 3), (1, 1), (2, 1, 3)]
ELEMENTWISE = sorted(name for name, op in OPS.items() if op.elementwise and name != "select")
SPECIAL = np.array([0.5, -0.0, 0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 2.5, -3.5, 1e-300])


def symbolic(shape: tuple[int, ...]) -> tuple[Any, ...]:
    return tuple(symbol(f"n{k}") for k in range(len(shape)))


def sample(rng: np.random.Generator, dtype: np.dtype, shape: tuple[int, ...]) -> np.ndarray:
    if dtype.kind == "b":
        return rng.random(shape) < 0.5
    if dtype.kind in "iu":
        return rng.integers(0, 5, shape).astype(dtype)
    return rng.normal(size=shape).astype(dtype)


def elementwise(name: str, dtype: np.dtype, shape: tuple[Any, ...], count: int) -> Any:
    parameters = [Var(f"x{k}", ArrayType(dtype, shape)) for k in range(count)]
    b = Builder(parameters)
    return b.finish("f", [b.emit(name, *parameters)])


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_elementwise_ops_of_every_dtype(check, name):
    rng = np.random.default_rng(0)
    for dtype in DTYPES.values():
        count = arity(name, dtype)
        if count:
            for shape in ((), (4,)):
                check(elementwise(name, dtype, symbolic(shape), count), *(sample(rng, dtype, shape) for _ in range(count)))


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_elementwise_ops_at_special_values(check, name):
    count = arity(name, F64)
    grid = np.meshgrid(*[SPECIAL] * count)
    if count:
        check(elementwise(name, F64, symbolic((1,)), count), *(g.ravel() for g in grid))


@pytest.mark.parametrize("shape", SHAPES)
def test_select_and_conversions_at_every_shape(check, shape):
    rng = np.random.default_rng(0)
    dims = symbolic(shape)
    c, x, y = Var("c", ArrayType(BOOL, dims)), Var("x", ArrayType(F64, dims)), Var("y", ArrayType(I64, dims))
    b = Builder([c, x, y])
    chosen = b.select(c, x, b.convert(y, F64))
    results = [chosen, *(b.convert(y, dtype) for dtype in DTYPES.values())]
    check(b.finish("f", results), *(sample(rng, v.type.dtype, shape) for v in (c, x, y)))


def test_more_axes_than_letters_for_them(check):
    x = Var("x", ArrayType(F64, symbolic((2, 1, 3, 1, 2, 1, 2, 2))))
    b = Builder([x])
    y = b.emit("sin", x)
    check(b.finish("f", [y, b.sum(y, (1, 4))]), np.arange(48.0).reshape(2, 1, 3, 1, 2, 1, 2, 2))


@pytest.mark.parametrize("name", ["sum", "prod", "max", "min", "all", "any"])
@pytest.mark.parametrize("shape", [(5,), (1,), (2, 3), (2, 1, 3), (1200,), (3, 700)])
def test_reductions_over_all_sets_of_axes(check, name, shape):
    rng = np.random.default_rng(0)
    dtypes = [BOOL] if name in ("all", "any") else [F64, I64, DTYPES["f32"], DTYPES["i8"]]
    if max(shape) > 10 and name == "prod":
        return
    for dtype in dtypes:
        x = Var("x", ArrayType(dtype, symbolic(shape)))
        b = Builder([x])
        rank = len(shape)
        results = [b.emit(name, x, axes=tuple(k for k in range(rank) if mask >> k & 1)) for mask in range(1, 2**rank)]
        check(b.finish("f", results), sample(rng, dtype, shape))


@pytest.mark.parametrize("name", ["argmax", "argmin"])
@pytest.mark.parametrize("shape", [(5,), (1,), (2, 3), (2, 1, 3)])
def test_positions_of_extremes(check, name, shape):
    x = Var("x", ArrayType(F64, symbolic(shape)))
    b = Builder([x])
    results = [b.emit(name, x, axis=axis) for axis in range(len(shape))]
    rng = np.random.default_rng(0)
    for value in (0.3, np.nan, -np.inf):
        sampled = sample(rng, F64, shape)
        sampled.flat[sampled.size // 2] = value
        check(b.finish("f", results), sampled)


@pytest.mark.parametrize(("name", "shape", "axes"), [("sum", (0, 3), (0,)), ("sum", (3, 0), (1,)), ("prod", (0,), (0,)),
                                                     ("max", (0, 3), (1,)), ("all", (0,), (0,)), ("any", (0, 2), (0,))])  # fmt: skip
def test_reductions_of_nothing(check, name, shape, axes):
    dtype = BOOL if name in ("all", "any") else F64
    x = Var("x", ArrayType(dtype, symbolic(shape)))
    b = Builder([x])
    check(b.finish("f", [b.emit(name, x, axes=axes)]), np.zeros(shape, dtype))


@pytest.mark.parametrize("name", ["max", "min"])
def test_extremes_of_nothing_raise_as_numpy_does(check, name):
    x = Var("x", ArrayType(F64, symbolic((0, 3))))
    b = Builder([x])
    with pytest.raises(ValueError, match=r"zero-size array to reduction operation m..imum which has no identity"):
        check(b.finish("f", [b.emit(name, x, axes=(0,))]), np.zeros((0, 3)))


SHAPE_OPS = {
    "constant": """fn f() -> (f64[], i32[], bool[]) {
      %0: f64[] = constant {value=2.5, dtype=f64}
      %1: i32[] = constant {value=-2, dtype=i32}
      %2: bool[] = constant {value=True, dtype=bool}
      return %0, %1, %2
    }""",
    "size": """fn f(x: f64[n, m]) -> (i64[]) {
      %0: i64[] = size {value=n*m + 1}
      return %0
    }""",
    "iota": """fn f(x: f64[n]) -> (f32[n]) {
      %0: f32[n] = iota {size=n, dtype=f32}
      return %0
    }""",
    "broadcast": """fn f(x: f64[n], y: f64[]) -> (f64[n, 3], f64[3, n], f64[2]) {
      %0: f64[n, 3] = broadcast x {axes=(0,), shape=(n, 3)}
      %1: f64[3, n] = broadcast x {axes=(1,), shape=(3, n)}
      %2: f64[2] = broadcast y {axes=(), shape=(2,)}
      return %0, %1, %2
    }""",
    "reshape": """fn f(x: f64[n, 6]) -> (f64[6*n], f64[3*n, 2], f64[n, 1, 6], f64[n, 2, 3]) {
      %0: f64[6*n] = reshape x {shape=(6*n,)}
      %1: f64[3*n, 2] = reshape x {shape=(3*n, 2)}
      %2: f64[n, 1, 6] = reshape x {shape=(n, 1, 6)}
      %3: f64[n, 6] = mul x x
      %4: f64[n, 2, 3] = reshape %3 {shape=(n, 2, 3)}
      %5: f64[n, 2, 3] = add %4 %4
      return %0, %1, %2, %5
    }""",
    "transpose": """fn f(x: f64[n, 6]) -> (f64[6, n], f64[6, n]) {
      %0: f64[6, n] = transpose x {axes=(1, 0)}
      %1: f64[6, n] = mul %0 %0
      return %0, %1
    }""",
    "concatenate": """fn f(x: f64[n, 6]) -> (f64[2*n, 6], f64[n, 18]) {
      %0: f64[n, 6] = mul x x
      %1: f64[2*n, 6] = concatenate x %0 {axis=0}
      %2: f64[n, 18] = concatenate x %0 x {axis=1}
      return %1, %2
    }""",
    "copy": """fn f(x: f64[n, 6]) -> (f64[n, 6]) {
      %0: f64[n, 6] = copy x
      return %0
    }""",
    "passed through": """fn f(x: f64[n]) -> (f64[n], f64[n]) {
      return x, x
    }""",
    "running": """fn f(x: f64[n, 6]) -> (f64[n, 6], f64[n, 6], f64[n, 6], f64[n, 6], f64[n, 6], i64[n, 6], f64[n, 6]) {
      %0: f64[n, 6] = cumsum x {axis=0, reverse=True}
      %1: f64[n, 6] = cumprod x {axis=1, reverse=False}
      %2: f64[n, 6] = cumprod_before x {axis=1, reverse=True}
      %3: f64[n, 6] = linear_recurrence x %0 {axis=0, reverse=False, shifted=True}
      %4: f64[n, 6] = sort x {axis=1}
      %5: i64[n, 6] = argsort x {axis=0}
      %6: f64[n, 6] = take_along x %5 {axis=0}
      %7: f64[n, 6] = put_along_add %6 x %5 {axis=0}
      return %0, %1, %2, %3, %4, %5, %7
    }""",
}


@pytest.mark.parametrize("name", SHAPE_OPS)
@pytest.mark.parametrize("n", [0, 1, 4])
def test_ops_that_move_elements(check, name, n):
    from jitgrad.compiler.ir import parse

    function = parse(SHAPE_OPS[name])
    rng = np.random.default_rng(0)
    sizes = {"n": n, "m": 2}
    arguments = [
        rng.normal(size=[d if isinstance(d, int) else d.evaluate(sizes) for d in p.type.shape]) for p in function.parameters
    ]
    check(function, *arguments)


INDEX_OPS = {
    "slices": """fn f(x: f64[n, 6], i: i64[]) -> (f64[6], f64[], f64[n, 2], f64[n, 3], f64[2]) {
      %0: f64[6] = index x i {spec=(None, (0, 6, 1))}
      %1: f64[] = index x i {spec=(None, 2)}
      %2: f64[n, 2] = index x {spec=((0, n, 1), (1, 2, 3))}
      %3: f64[n, 3] = index x {spec=((n-1, n, -1), (5, 3, -2))}
      %4: f64[2] = index x i i {spec=(None, (None, 2, 1))}
      return %0, %1, %2, %3, %4
    }""",
    "writes": """fn f(x: f64[n, 6], i: i64[]) -> (f64[n, 6], f64[n, 6], f64[n, 6], f64[n, 6]) {
      %0: f64[6] = index x i {spec=(None, (0, 6, 1))}
      %1: f64[6] = mul %0 %0
      %2: f64[n, 6] = update x %1 i {spec=(None, (0, 6, 1))}
      %3: f64[] = index x i {spec=(None, 2)}
      %4: f64[n, 6] = index_add %2 %3 i {spec=(None, 1)}
      %5: f64[n, 5] = index x {spec=((0, n, 1), (1, 5, 1))}
      %6: f64[n, 6] = update x %5 {spec=((0, n, 1), (0, 5, 1))}
      %7: f64[n, 5] = index %6 {spec=((0, n, 1), (0, 5, 1))}
      %8: f64[n, 6] = index_add %6 %7 {spec=((0, n, 1), (1, 5, 1))}
      return %2, %4, %6, %8
    }""",
    "overlap": """fn f(x: f64[n, 6], i: i64[]) -> (f64[n, 6]) {
      %0: f64[n, 5] = index x {spec=((0, n, 1), (0, 5, 1))}
      %1: f64[n, 6] = copy x
      %2: f64[n, 5] = index %1 {spec=((0, n, 1), (0, 5, 1))}
      %3: f64[n, 5] = index %1 {spec=((0, n, 1), (1, 5, 1))}
      %4: f64[n, 5] = add %2 %3
      %5: f64[n, 5] = mul %4 %0
      %6: f64[n, 6] = update %1 %5 {spec=((0, n, 1), (1, 5, 1))}
      return %6
    }""",
    "wrap": """fn f(x: f64[n, 6], i: i64[]) -> (f64[]) {
      %0: i64[] = constant {value=-1, dtype=i64}
      %1: i64[] = wrap_index %0 {size=n, message='outside'}
      %2: f64[] = index x %1 {spec=(None, 2)}
      return %2
    }""",
    "take": """fn f(x: f64[n, 6], i: i64[]) -> (f64[3, 6], f64[3, n], f64[n, 6], f64[n, 6], f64[3]) {
      %0: i64[3] = iota {size=3, dtype=i64}
      %1: i64[3] = wrap_index %0 {size=6, message='outside'}
      %2: f64[3, n] = take x %1 {axes=(1,)}
      %3: i64[3] = broadcast i {axes=(), shape=(3,)}
      %4: f64[3, 6] = take x %3 {axes=(0,)}
      %5: f64[3, 6] = mul %4 %4
      %6: f64[n, 6] = put x %5 %3 {axes=(0,)}
      %7: f64[n, 6] = put_add x %5 %3 {axes=(0,)}
      %8: f64[3] = take x %3 %1 {axes=(0, 1)}
      return %4, %2, %6, %7, %8
    }""",
    "windows": """fn f(x: f64[n, 6], i: i64[]) -> (f64[n, 2, 3], f64[n, 6], f64[n, 3, 2]) {
      %0: f64[n, 2, 3] = windows x {axes=(1,), counts=(2,), sizes=(3,), steps=(3,), spread=(1,)}
      %1: f64[n, 3, 2] = windows x {axes=(1,), counts=(3,), sizes=(2,), steps=(1,), spread=(3,)}
      %2: f64[n, 3, 2] = mul %1 %1
      %3: f64[n, 6] = windows_add x %2 {axes=(1,), counts=(3,), sizes=(2,), steps=(1,), spread=(2,)}
      return %0, %3, %2
    }""",
    "nonzero": """fn f(x: f64[n, 6], i: i64[]) -> (i64[k], f64[k]) {
      %0: f64[] = constant {value=0.0, dtype=f64}
      %1: f64[n, 6] = broadcast %0 {axes=(), shape=(n, 6)}
      %2: bool[n, 6] = gt x %1
      %3: i64[k] = nonzero %2 {symbol='k'}
      %4: f64[6*n] = reshape x {shape=(6*n,)}
      %5: f64[k] = take %4 %3 {axes=(0,)}
      return %3, %5
    }""",
}


@pytest.mark.parametrize("name", INDEX_OPS)
@pytest.mark.parametrize("n", [1, 4])
def test_ops_that_read_and_write_parts(check, name, n):
    rng = np.random.default_rng(0)
    check(INDEX_OPS[name], rng.normal(size=(n, 6)), n - 1)


def test_a_position_outside_raises(check):
    text = """fn f(x: f64[n], i: i64[]) -> (f64[]) {
      %0: i64[] = wrap_index i {size=n, message='index 7 is out of bounds'}
      %1: f64[] = index x %0 {spec=(None,)}
      return %1
    }"""
    with pytest.raises(IndexError, match="index 7 is out of bounds"):
        check(text, np.ones(3), 7)


DOTS = [
    ((3, 4), (4, 2), ((1,), (0,)), ((), ())),
    ((4, 3), (4, 2), ((0,), (0,)), ((), ())),
    ((3, 4), (2, 4), ((1,), (1,)), ((), ())),
    ((4, 3), (2, 4), ((0,), (1,)), ((), ())),
    ((3, 4), (4,), ((1,), (0,)), ((), ())),
    ((4, 3), (4,), ((0,), (0,)), ((), ())),
    ((4,), (4, 3), ((0,), (0,)), ((), ())),
    ((4,), (3, 4), ((0,), (1,)), ((), ())),
    ((4,), (4,), ((0,), (0,)), ((), ())),
    ((3,), (4,), ((), ()), ((), ())),
    ((), (4,), ((), ()), ((), ())),
    ((2, 3, 4), (2, 4, 5), ((2,), (1,)), ((0,), (0,))),
    ((2, 4, 3), (2, 5, 4), ((1,), (2,)), ((0,), (0,))),
    ((3, 2, 4), (5, 4, 2), ((2,), (1,)), ((1,), (2,))),
    ((2, 4), (2, 4), ((1,), (1,)), ((0,), (0,))),
    ((2, 4), (2, 4, 3), ((1,), (1,)), ((0,), (0,))),
    ((2, 3, 4, 5), (2, 3, 5, 6), ((3,), (2,)), ((0, 1), (0, 1))),
    ((2, 3, 4), (3, 2, 5), ((0, 1), (1, 0)), ((), ())),
    ((0, 4), (4, 2), ((1,), (0,)), ((), ())),
    ((3, 0), (0, 2), ((1,), (0,)), ((), ())),
    ((1, 1), (1, 1), ((1,), (0,)), ((), ())),
]


@pytest.mark.parametrize(("x", "y", "contract", "batch"), DOTS)
@pytest.mark.parametrize("dtype", ["f64", "f32", "i64"])
def test_products(check, x, y, contract, batch, dtype):
    rng = np.random.default_rng(0)
    kind = DTYPES[dtype]
    a, b = Var("a", ArrayType(kind, x)), Var("b", ArrayType(kind, y))
    builder = Builder([a, b])
    function = builder.finish("f", [builder.emit("dot", a, b, contract=contract, batch=batch)])
    check(function, sample(rng, kind, x), sample(rng, kind, y))
