"""Whole programs, written as a scientist writes NumPy, through the whole compiler.

In: the modules of `tests/programs`.  Each holds `program`, `arguments(rng)`, `ARGNUMS`, `SMOOTH`,
where the result is no scalar also `loss`, and where arguments are written to also `MUTATES`.
Out: for every program its values, gradients, directional and second derivatives, each against plain
NumPy and numerical derivatives of it: by the interpreter of the IR, and (slow) compiled.
"""

import contextlib
import copy
import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from interpreted import interpreting

FOLDER = Path(__file__).parent / "programs"
NAMES = sorted(path.stem for path in FOLDER.glob("[!_]*.py"))
DIRECTIONS = 3


def load(name: str) -> ModuleType:
    """Import one program by its path, whatever `sys.path` holds."""
    full_name = f"programs_of_tests.{name}"
    if full_name not in sys.modules:
        spec = importlib.util.spec_from_file_location(full_name, FOLDER / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        sys.modules[full_name] = module
        spec.loader.exec_module(module)
    return sys.modules[full_name]


@pytest.fixture(params=NAMES)
def program(request: pytest.FixtureRequest) -> ModuleType:
    return load(request.param)


@pytest.fixture(params=["interpreted", pytest.param("compiled", marks=pytest.mark.slow)], autouse=True)
def way(request: pytest.FixtureRequest) -> Iterator[None]:
    """How the IR is run: most faults lie in front of the code generator, where no compilation is needed."""
    with interpreting() if request.param == "interpreted" else contextlib.nullcontext():
        yield


@pytest.fixture
def smooth_program(program: ModuleType) -> ModuleType:
    if not program.SMOOTH:
        pytest.skip("the program has kinks, so its second derivative is not checked")
    return program


def generator(module: ModuleType) -> np.random.Generator:
    """Return random numbers that depend on the program alone, not on the order of tests."""
    return np.random.default_rng(list(module.__name__.encode()))


def map_leaves(function: Callable, tree: Any, *others: Any) -> Any:
    """Apply `function` to the leaves of trees of one structure: dicts, lists and tuples."""
    if isinstance(tree, dict):
        return {key: map_leaves(function, tree[key], *(other[key] for other in others)) for key in tree}
    if isinstance(tree, (list, tuple)):
        return type(tree)(map_leaves(function, *items) for items in zip(tree, *others, strict=True))
    return function(tree, *others)


def leaves(tree: Any) -> list:
    """Return the leaves of a tree from left to right."""
    found = []
    map_leaves(found.append, tree)
    return found


def dot(a: Any, b: Any) -> Any:
    """Return the inner product of two trees of one structure."""
    return sum(leaves(map_leaves(lambda x, y: np.sum(x * y), a, b)))


def norm(tree: Any) -> float:
    return float(np.sqrt(dot(tree, tree)))


def random_direction(rng: np.random.Generator, tree: Any) -> Any:
    """Return a tree of unit length with the structure of `tree`."""
    direction = map_leaves(lambda leaf: rng.normal(size=np.shape(leaf)), tree)
    length = norm(direction)
    return map_leaves(lambda leaf: leaf / length, direction)


def assert_same(actual: Any, expected: Any) -> None:
    """Demand equal structure, shapes and dtypes, and values equal to 1e-12 of the largest."""
    assert len(leaves(actual)) == len(leaves(expected))

    def compare(x: Any, y: Any) -> None:
        x, y = np.asarray(x), np.asarray(y)
        assert (x.shape, x.dtype) == (y.shape, y.dtype)
        scale = np.max(np.abs(y), initial=0.0, where=np.isfinite(y)) if y.size else 0.0
        np.testing.assert_allclose(x, y, rtol=1e-12, atol=1e-12 * scale)

    map_leaves(compare, actual, expected)


def numerical_derivative(function: Callable[[float], float], step: float = 0.02) -> float:
    """Return the derivative of `function` at 0.

    Central differences with ever smaller steps, extrapolated to step zero; the entry of the
    tableau whose neighbours agree best wins, so a kink at a distance does no harm.
    Source: Ridders (1982), Accurate computation of F'(x) and F'(x) F''(x).
    """
    shrink, levels = 2.0, 9
    best, least_error = np.nan, np.inf
    previous: list[float] = []
    for level in range(levels):
        h = step / shrink**level
        row = [(function(h) - function(-h)) / (2.0 * h)]
        for order, older in enumerate(previous, start=1):
            factor = shrink ** (2 * order)
            row.append((factor * row[-1] - older) / (factor - 1.0))
            error = max(abs(row[-1] - row[-2]), abs(row[-1] - older))
            if error < least_error:
                best, least_error = row[-1], error
        previous = row
    return float(best)


def assert_close(actual: float, expected: float, scale: float) -> None:
    """Demand agreement to 1e-6, or to 1e-9 of `scale` where a direction hardly matters."""
    assert np.shape(actual) == ()
    assert abs(actual - expected) <= 1e-6 * abs(expected) + 1e-9 * scale, (actual, expected)


def loss_of(module: ModuleType) -> Callable:
    return getattr(module, "loss", module.program)


class Problem:
    """A program's loss with its arguments, as a function of the differentiated ones alone."""

    def __init__(self, module: ModuleType) -> None:
        rng = generator(module)
        self.argnums = module.ARGNUMS
        self.arguments = module.arguments(rng)
        self.loss = loss_of(module)
        self.directions = [random_direction(rng, self.point()) for _ in range(DIRECTIONS)]

    def fresh(self) -> tuple:
        """Return the arguments with arrays that the program may write to."""
        return copy.deepcopy(self.arguments)

    def point(self) -> tuple:
        """Return the differentiated arguments, fresh."""
        return tuple(self.fresh()[i] for i in self.argnums)

    def moved(self, direction: tuple, step: float) -> tuple:
        """Return the differentiated arguments, moved along `direction`."""
        return map_leaves(lambda x, dx: x + step * dx, self.point(), direction)

    def at(self, *differentiated: Any) -> Any:
        """Return the loss; everything that is not differentiated stays as it is."""
        arguments = list(self.fresh())
        for i, value in zip(self.argnums, differentiated, strict=True):
            arguments[i] = value
        return self.loss(*arguments)

    def slope(self, direction: tuple) -> float:
        """Return the numerical derivative of the loss along `direction`."""
        return numerical_derivative(lambda t: self.at(*self.moved(direction, t)))

    def curvature(self, gradient: Callable, v: tuple, w: tuple) -> float:
        """Return v @ Hessian @ w by numerical derivatives of `gradient`."""
        return numerical_derivative(lambda t: float(dot(gradient(*self.moved(w, t)), v)))


def test_plain_numpy_runs_and_writes_where_it_says(program: ModuleType) -> None:
    arguments = program.arguments(generator(program))
    before = copy.deepcopy(arguments)
    result = program.program(*arguments)
    assert all(np.all(np.isfinite(leaf)) for leaf in leaves(result))

    def differs(i: int) -> bool:
        pairs = zip(leaves(arguments[i]), leaves(before[i]), strict=True)
        return any(np.any(x != y) for x, y in pairs)

    written = tuple(i for i in range(len(arguments)) if differs(i))
    assert written == getattr(program, "MUTATES", ())


def test_compiled_equals_numpy(program: ModuleType) -> None:
    import jitgrad as jg

    arguments = program.arguments(generator(program))
    same = copy.deepcopy(arguments)
    expected = program.program(*arguments)
    actual = jg.jit(program.program)(*same)
    assert_same(actual, expected)
    for i in getattr(program, "MUTATES", ()):
        assert_same(same[i], arguments[i])


def test_gradient(program: ModuleType) -> None:
    import jitgrad as jg

    problem = Problem(program)
    gradient = jg.grad(problem.loss, problem.argnums)(*problem.fresh())
    map_leaves(lambda g, x: np.testing.assert_equal(np.shape(g), np.shape(x)), gradient, problem.point())
    for direction in problem.directions:
        expected = problem.slope(direction)
        assert_close(dot(gradient, direction), expected, norm(gradient))


def test_directional_derivative(program: ModuleType) -> None:
    import jitgrad as jg

    problem = Problem(program)
    for direction in problem.directions:
        value, actual = jg.jvp(problem.at, problem.point(), direction)
        assert_same(value, problem.at(*problem.point()))
        expected = problem.slope(direction)
        assert_close(actual, expected, abs(expected))


def test_gradient_of_directional_derivative(smooth_program: ModuleType) -> None:
    import jitgrad as jg

    problem = Problem(smooth_program)
    v, w, _ = problem.directions
    everything = tuple(range(len(problem.argnums)))
    gradient = jg.grad(problem.at, everything)
    curvature = jg.grad(lambda *point: dot(gradient(*point), v), everything)(*problem.point())
    assert_close(dot(curvature, w), problem.curvature(gradient, v, w), norm(curvature))


def test_directional_derivative_of_gradient(smooth_program: ModuleType) -> None:
    import jitgrad as jg

    problem = Problem(smooth_program)
    v, w, _ = problem.directions
    gradient = jg.grad(problem.at, tuple(range(len(problem.argnums))))
    _, curvature = jg.jvp(gradient, problem.point(), w)
    assert_close(dot(curvature, v), problem.curvature(gradient, v, w), norm(curvature))


def test_numerical_derivative_of_known_functions() -> None:
    assert numerical_derivative(lambda t: np.exp(3.0 * t)) == pytest.approx(3.0, rel=1e-11)
    assert numerical_derivative(lambda t: 2.0 * t + abs(t - 1e-3)) == pytest.approx(1.0, rel=1e-9)
