"""Values of the interpreter have no layout: a sum is the same however its array came about."""

import numpy as np
from jitgrad.compiler.ir import ArrayType, Var, symbol
from jitgrad.compiler.ir.types import F64
from jitgrad.compiler.ops import Builder, interpret


def test_equal_arrays_have_equal_sums_whatever_their_layout() -> None:
    m, n = symbol("m"), symbol("n")
    x, turned = Var("x", ArrayType(F64, (m, n))), Var("turned", ArrayType(F64, (n, m)))
    b = Builder([x, turned])
    back = b.emit("transpose", turned, axes=(1, 0))
    function = b.finish("f", [b.emit("sum", one, axes=axes) for axes in [(0,), (1,), (0, 1)] for one in (x, back)])
    array = np.random.default_rng(0).normal(size=(37, 41))
    for layout in (array, np.asfortranarray(array), array[::-1][::-1]):
        results = interpret(function, [layout, array.T])
        for one, other in zip(results[::2], results[1::2], strict=True):
            np.testing.assert_array_equal(one, other)
        np.testing.assert_array_equal(results[0], interpret(function, [array, array.T.copy()])[0])
