"""Random programs: passes keep their meaning, and emitted modules have it."""

import numpy as np
import pytest
from drawn_programs import arguments, functions
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jitgrad.compiler.ir import Function
from jitgrad.compiler.lower.ownership import check_ownership, own
from jitgrad.compiler.ops import interpret, verify
from jitgrad.compiler.passes import PASSES

SETTINGS = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


def agree(found: tuple[np.ndarray, ...], expected: tuple[np.ndarray, ...]) -> None:
    with np.errstate(all="ignore"):
        for one, other in zip(found, expected, strict=True):
            assert one.dtype == other.dtype
            scale = np.max(np.abs(other), initial=0, where=np.isfinite(other))
            np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-9 * max(scale, 1))


def tame(values: tuple[np.ndarray, ...]) -> bool:
    """Whether no number is so large that roundings decide."""
    return all(np.all(np.abs(v) < 1e6) for v in values)


@pytest.mark.parametrize("transform", dict.fromkeys(PASSES), ids=lambda p: p.__name__)
@SETTINGS
@given(function=functions())
def test_every_pass_keeps_the_meaning(transform, function: Function) -> None:
    changed = verify(transform(function), transform.__name__)
    values = interpret(function, arguments(3, 2))
    if tame(values):
        agree(interpret(changed, arguments(3, 2)), values)
    assert verify(transform(changed))


@SETTINGS
@given(function=functions())
def test_all_passes_in_order_keep_the_meaning(function: Function) -> None:
    changed = function
    for transform in PASSES:
        changed = verify(transform(changed), transform.__name__)
    values = interpret(function, arguments(3, 2))
    if tame(values):
        agree(interpret(changed, arguments(3, 2)), values)


@settings(SETTINGS, max_examples=300)
@given(function=functions())
def test_owned_functions_mean_the_same_and_destroy_nothing_needed(function: Function) -> None:
    owned = check_ownership(verify(own(function)))
    values = interpret(function, arguments(2, 3))
    for one, other in zip(interpret(owned, arguments(2, 3)), values, strict=True):
        np.testing.assert_array_equal(one, other)


@settings(SETTINGS, max_examples=500)
@given(function=functions(), sizes=st.sampled_from([(3, 2), (1, 1), (2, 4)]), optimised=st.booleans())
def test_emitted_modules_give_the_interpreters_results(check, function: Function, sizes, optimised: bool) -> None:
    values = interpret(function, arguments(*sizes))
    if optimised:
        for transform in PASSES:
            function = transform(function)
    if tame(values):
        check(function, *arguments(*sizes))


@settings(SETTINGS, max_examples=200)
@given(function=functions())
def test_results_go_into_the_memory_of_donated_parameters(check, function: Function) -> None:
    donated: dict[int, int] = {}
    for k, parameter in enumerate(function.parameters):
        fitting = [r for r, v in enumerate(function.results) if v.type == parameter.type and r not in donated.values()]
        if fitting and parameter.type.shape:
            donated[k] = fitting[0]
    if tame(interpret(function, arguments(3, 2))):
        check(function, *arguments(3, 2), donated=donated)
