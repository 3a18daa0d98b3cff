"""Arguments that are a part of the program: by number, by name, and values that are no arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from interpreted import interpreting

import jitgrad as jg

x = np.arange(1.0, 4.0)


def power(x, n, *, scale=1):
    return [10, 20, 30, 40][n] * scale * x  # a list is indexed by numbers that are known when tracing


@pytest.mark.parametrize(
    "options", [{"static_argnums": 1}, {"static_argnames": "n"}, {"static_argnums": (1,), "static_argnames": ["scale"]}]
)
def test_by_number_and_by_name_mean_the_same(options: dict[str, Any]) -> None:
    with interpreting():
        compiled = jg.jit(power, **options)
        for n in (1, 2, 1):
            np.testing.assert_array_equal(compiled(x, n), power(x, n))
            np.testing.assert_array_equal(compiled(x, n=n), power(x, n))
            np.testing.assert_array_equal(compiled(n=n, x=x, scale=3), power(x, n, scale=3))


def test_counted_from_the_end() -> None:
    with interpreting():
        np.testing.assert_array_equal(jg.jit(lambda x, n: x[: (n, 0)[0]], static_argnums=-1)(x, 2), x[:2])


def test_values_that_are_no_arrays() -> None:
    def program(x, *values, **named):
        return [v for v in values if v is not None], named["kind"], x.astype(named["dtype"])

    with interpreting():
        found = jg.jit(program)(x, None, "a", slice(1), range(2), kind=np.float32, dtype=np.float32)
    assert found[:2] == (["a", slice(1), range(2)], np.float32)
    assert found[2].dtype == np.float32


def test_a_set_that_changes_is_another_argument() -> None:
    with interpreting():
        compiled = jg.jit(lambda x, names: x * len(names))
        names = {"a"}
        np.testing.assert_array_equal(compiled(x, names), x)
        names.add("b")
        np.testing.assert_array_equal(compiled(x, names), 2 * x)
