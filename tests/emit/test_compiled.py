"""A handful of modules that numba really compiles."""

from typing import Any

import numpy as np
import pytest
from jitgrad.compiler.emit import emit_cpu
from jitgrad.compiler.ir import ArrayType, Var, parse, symbol
from jitgrad.compiler.ir.types import DTYPES
from jitgrad.compiler.load import load
from jitgrad.compiler.ops import OPS, Builder, interpret
from operands import arity

SPECIAL = [0.5, -0.0, 0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 2.5, -3.5, 1e-30, 7.0]


def values(dtype: np.dtype) -> list[np.ndarray]:
    if dtype.kind == "f":
        line = np.array(SPECIAL, dtype)
    elif dtype.kind == "b":
        line = np.array([False, True])
    else:
        line = np.array([0, 1, 2, 3, 7] + ([-1, -2, -5] if dtype.kind == "i" else []), dtype)
    return [grid.ravel() for grid in np.meshgrid(line, line)]


@pytest.mark.parametrize("dtype", ["f64", "f32", "i64", "i32", "u8", "bool"])
def test_every_elementwise_op_of_a_dtype(dtype: str) -> None:
    kind = DTYPES[dtype]
    parameters = [Var(name, ArrayType(kind, (symbol("n"),))) for name in "xy"]
    b = Builder(parameters)
    names, results = [], []
    for name in sorted(OPS):
        if OPS[name].elementwise and name != "select" and (count := arity(name, kind)):
            if kind.kind in "iu" and name == "pow":
                continue
            names.append(name)
            results.append(b.emit(name, *parameters[:count]))
    results += [b.emit("convert", parameters[0], dtype=other) for other in DTYPES.values() if other != kind]
    names += ["convert"] * (len(results) - len(names))
    function = b.finish("f", results)
    arguments = values(kind)
    compare(names, run(function, arguments), interpret(function, arguments))


def test_integer_remainders_near_and_far_from_the_first_period() -> None:
    info = np.iinfo(np.int64)
    numbers = [0, 1, 2, 3, 4, 6, 7, 8, 9, 2**62, info.max - 1, info.max]
    x, y = (grid.ravel() for grid in np.meshgrid(*[[*numbers, *(-n for n in numbers), info.min]] * 2))
    parameters = [Var(name, ArrayType(DTYPES["i64"], (symbol("n"),))) for name in "xy"]
    b = Builder(parameters)
    function = b.finish("f", [b.emit("remainder", *parameters)])
    with np.errstate(all="ignore"):
        compare(["remainder"], run(function, [x, y]), [np.remainder(x, y)])
    assert "%" not in emit_cpu(function, "f").source


def run(function: Any, arguments: Any) -> tuple[Any, ...]:
    results = load(*_parts(function))(*arguments)
    return results if isinstance(results, tuple) else (results,)


def _parts(function: Any) -> tuple[str, str, tuple[str, ...]]:
    emitted = emit_cpu(function, "run")
    return emitted.source, emitted.entry, emitted.signature


def compare(names: list[str], found: Any, expected: Any) -> None:
    wrong = []
    for name, one, other in zip(names, found, expected, strict=True):
        one = np.asarray(one)
        assert one.dtype == other.dtype, name
        if other.dtype.kind in "iu" and name == "convert":
            continue  # of NaN and infinities
        rtol = 1e-5 if other.dtype == np.float32 else 1e-12
        if not np.allclose(one, other, rtol=rtol, atol=1e-30, equal_nan=True):
            k = np.flatnonzero(~np.isclose(one, other, rtol=rtol, atol=1e-30, equal_nan=True))
            wrong.append((name, k[:4], one[k[:4]], other[k[:4]]))
    assert not wrong, wrong


LAYER = """fn f(x: f64[n, m], y: f64[n, k], w: f64[m, k], b: f64[k]) -> (f64[], f64[m, k], f64[k], f64[n], f64[k]) {
  %0: f64[n, k] = dot x w {contract=((1,), (0,)), batch=((), ())}
  %1: f64[n, k] = broadcast b {axes=(1,), shape=(n, k)}
  %2: f64[n, k] = add %0 %1
  %3: f64[n, k] = tanh %2
  %4: f64[n, k] = sub %3 y
  %5: f64[n, k] = mul %4 %4
  %6: f64[] = sum %5 {axes=(0, 1)}
  %7: f64[m, k] = dot x %4 {contract=((0,), (0,)), batch=((), ())}
  %8: f64[k] = sum %4 {axes=(0,)}
  %9: f64[n] = max %4 {axes=(1,)}
  %10: f64[k] = min %4 {axes=(0,)}
  return %6, %7, %8, %9, %10
}"""


def test_a_layer_with_its_loss() -> None:
    rng = np.random.default_rng(0)
    function = parse(LAYER)
    arguments = [rng.normal(size=s) for s in ((70, 30), (70, 600), (30, 600), (600,))]
    for one, other in zip(run(function, arguments), interpret(function, arguments), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("count", [20, 40])
def test_a_kernel_that_takes_so_many_chosen_numbers(count: int) -> None:
    """Python 3.11 builds the operands of a call as a list where they are more than 30, and numba follows that within one basic block."""
    lines = ["%half: f64[] = constant {value=0.5, dtype=f64}"]
    for k in range(count):
        lines += [f"%above{k}: bool[] = gt t{k} %half", f"%chosen{k}: f64[] = select %above{k} t{k} %half"]
        lines += [f"%spread{k}: f64[n] = broadcast %chosen{k} {{axes=(), shape=(n,)}}"]
        lines += [f"%sum{k}: f64[n] = add {f'%sum{k - 1}' if k else 'x'} %spread{k}"]
    parameters = ", ".join(["x: f64[n]", *(f"t{k}: f64[]" for k in range(count))])
    lines += [f"%total: f64[] = sum %sum{count - 1} {{axes=(0,)}}", "return %total", "}"]
    x, *t = [np.arange(3.0), *np.random.default_rng(0).uniform(size=count)]
    (found,) = run(parse("\n".join([f"fn f({parameters}) -> (f64[]) {{", *lines])), [x, *t])
    np.testing.assert_allclose(found, (np.maximum(t, 0.5).sum() + x).sum(), rtol=1e-14)
