"""``try`` in traced functions: errors are handled as Python does, whether tracing or only the run tells of them, and no refusal is swallowed."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from jitgrad.compiler.errors import UnsupportedError

import jitgrad as jg
from tests.interpreted import interpreting

X = np.array([0.5, -1.5, 2.0])


class OwnError(Exception):
    pass


def missing_key(x, n):
    table = {"a": 1.0}
    try:
        value = table["b"]
    except KeyError as error:
        value = table["a"] * len(error.args)
    else:
        value = 5.0
    finally:
        table["a"] = 7.0
    return x * value + table["a"]


def known_error_in_a_branch(x, n):
    total = 0.0
    for v in x:
        try:
            total = total + v * {"a": 2.0}["b" if n is None else "a"]
        except (KeyError, ValueError):
            total = total - v
    return total


def other_errors(x, n):
    try:
        if x[0] > 100:
            raise OwnError("large")
        y = x[n]
    except (FileNotFoundError, ZeroDivisionError):
        y = 0.0
    return y


def inner_errors_of_the_caller(x, n):
    with contextlib.suppress(ImportError):
        import a_module_that_is_not_there

        return a_module_that_is_not_there.f(x)
    with contextlib.suppress(KeyError):
        return x * {}["a"]
    return x * 2


@pytest.mark.parametrize(
    "program", [missing_key, known_error_in_a_branch, other_errors, inner_errors_of_the_caller], ids=lambda p: p.__name__
)
def test_gives_what_python_gives(program: Callable[..., Any]) -> None:
    with interpreting():
        np.testing.assert_allclose(jg.jit(program)(X, 1), program(X, 1), rtol=1e-14)


def own_error(x, n):
    try:
        if x[n % 3] > 1:
            raise OwnError
        y = x
    except OwnError:
        y = -x
    return y


def index(x, n):
    try:
        return x[n] * 2
    except IndexError:
        return x[0] * x[1]


def of_a_callee(x, n):
    try:
        return other_errors(x, n)
    except Exception:
        return x[0] * 3


def assertion(x, n):
    try:
        assert n > x[0] * 0 + 2, "small"
    except AssertionError:
        return -x
    return x


def numbers(x, n):
    a = float(x[1])
    y = a
    try:
        y = a / n
    except ZeroDivisionError:
        y = y * 5
    try:
        y += 7 % n
    except ArithmeticError:
        y += a * a
    try:
        y += math.sqrt(n - 1) * a
    except ValueError:
        y += a**3
    try:
        y += math.log(n - 2.0)
    except (TypeError, ValueError):
        y *= 2
    try:
        y += math.exp((n - 2) * 800.0)
    except OverflowError:
        y *= 3
    try:
        y += a * 10.0 ** (n * 100.0)
    except OverflowError:
        y *= 7
    try:
        y += a * float(n) ** -2
    except ZeroDivisionError:
        y *= 11
    return y


def factor(x, n):
    try:
        root = np.linalg.cholesky(np.outer(x, x) + (n - 1.0) * np.eye(3))
    except np.linalg.LinAlgError:
        root = np.diag(x)
    return root


def jitter(x, n):
    a, size = np.outer(x, x) - n * np.eye(3), 0.01
    while True:
        try:
            root = np.linalg.cholesky(a)
            break
        except np.linalg.LinAlgError:
            a = a + size * np.eye(3)
            size *= 10
    return root


def singular(x, n):
    a = np.array([[1.0, 2.0], [2.0, 4.0]]) * x[0] + np.diag([n * x[1], 0.0])
    try:
        return np.linalg.solve(a, x[:2])
    except np.linalg.LinAlgError:
        return x[:2] * x[2]


def anything(x, n):
    try:
        return x[n]
    except:  # noqa: E722
        return x[0] * 0.1


def suppressed(x, n):
    y = x[1]
    with contextlib.suppress(IndexError, ZeroDivisionError):
        y = x[n] * 2
        y = y * (float(y) / (n - 1))
    return y * x[0]


def newton(f, derivative, x):
    for _ in range(20):
        if abs(f(x)) < 1e-12:
            return x
        x = x - f(x) / derivative(x)
    raise ValueError("no convergence")


def without_root(x, n):
    try:
        root = newton(lambda t: t * t + x[1] * (n - 1), lambda t: 2 * t, 1.0)
    except ValueError:
        root = x[0] * x[1]
    return root


def left_half_done(x, n):
    y, total = x.copy(), 0.0
    try:
        for k in range(len(x)):
            y[k] = x[k] * 2
            total += y[k] ** 2
            if total > 7 - n:
                y[k] = 7.0 * x[k]
                raise OwnError
            total = total * 1.5
        else:
            total = total + x[1]
    except OwnError:
        total = total + 3 * x[0]
    return np.sum(y) + total


def left_while(x, n):
    k, total = -1, 0.0
    try:
        while x[k := k + 1] < n:
            total += x[k] ** 2
    except IndexError:
        total = total * 3 + k * x[0]
    return total


def in_turn(x, n):
    total = 0.0
    for k in range(5):
        try:
            try:
                if k == n:
                    raise KeyError(k)
                total += x[k] ** 2
            except IndexError:
                total += x[0]
                if k > n + 2:
                    raise
            else:
                total *= 1.1
            finally:
                total += 0.25 * x[0]
        except KeyError:
            continue
        except LookupError:
            break
        total *= 1.2
    return total


def of_the_outer_first(x, n):
    total = x[0]
    try:
        for k in range(3):
            try:
                j = 0
                while j < 3:
                    if x[j] * (k + 1) > 2 * n:
                        raise KeyError
                    j += 1
                total *= x[n + k]
            except IndexError:
                total += x[1]
    except KeyError:
        total *= 2
    return total + x[2] * k


def translated(x, n):
    def get(k):
        try:
            return x[k]
        except IndexError as error:
            raise OwnError(f"no item {k}") from error

    try:
        return get(n) + get(n - 1)
    except OwnError:
        return x[0] * 0.1


def whatever_the_run_does(x, n):
    table, y, total = {}, x.copy(), x[1]

    def write(k):
        y[k] = 10.0 * x[k]
        return table["a"]

    try:
        for k in range(n):
            total += x[k] ** 2
            raise OwnError
    except OwnError:
        total *= 3
    try:
        total += sum([table[k] for k in range(n)])
    except KeyError:
        total *= 5
    try:
        while total < n:
            total += write(2)
    except KeyError:
        total *= 7
    return total * np.sum(y)


def not_a_number(x, n):
    a = np.outer(x, x) + np.eye(3) * np.where(n > 2, np.nan, 1.0)
    try:
        return np.linalg.svdvals(a)[0] + np.linalg.eigvalsh(a)[2]
    except np.linalg.LinAlgError:
        return x[0]


def places(x, n):
    table = {"a": x[0]}
    counter = Counter(x)
    if x[0] < n:
        table["b"] = x[1]
        counter.more = x[2]
    try:
        y = table["b"]
    except KeyError:
        y = x[0] * x[1]
    try:
        more = counter.more
    except AttributeError:
        more = y
    return y + more


class Counter:
    def __init__(self, x):
        self.x, self.count = x, 0

    def step(self, k, n):
        self.count += 1
        if self.x[k] > n - 2:
            self.count += 10
            raise OwnError
        self.x[k] *= 2


def objects(x, n):
    counter = Counter(x.copy())
    try:
        for k in range(3):
            counter.step(k, n)
    except OwnError:
        counter.count *= 2
    return np.sum(counter.x) * counter.count


def transformed(x, n):
    @jg.checkpoint
    def cube(t):
        if t > n:
            raise ValueError
        return t**3

    try:
        if n == 1:
            return x[0]
        kept = []
        for k in range(2):
            kept.append(cube(x[k + 1]) * jg.grad(cube)(x[0]))
        return sum(kept)
    except ValueError:
        return x[0] * x[1]


def list_and_array(x, n):
    y, kept = x.copy(), []
    try:
        for _ in range(2):
            for k in range(3):
                y[k] += 1.0 * y[0]
                kept.append(y[k])
                if y[k] > n + 0.3:
                    raise OwnError
                y[k] *= 2
    except OwnError:
        y[1] = -y[1]
    return np.sum(y) + sum(kept) * len(kept)


def lists(x, n):
    kept = []
    for v in x:
        try:
            if v > n:
                raise OwnError
            kept.append(v * v)
        except OwnError:
            pass
    try:
        return sum([x[k + n] for k in range(2)]) + sum(kept)
    except IndexError:
        return sum(kept) * x[0]


RUN_TIME = [
    own_error, index, of_a_callee, assertion, numbers, factor, jitter, singular, anything, suppressed, without_root, left_half_done,
    left_while, in_turn, of_the_outer_first, translated, whatever_the_run_does, not_a_number, places,
    objects, transformed, list_and_array, lists,
]  # fmt: skip


@pytest.mark.parametrize("program", RUN_TIME, ids=lambda program: program.__name__)
def test_errors_of_the_run(program: Callable[..., Any]) -> None:
    """Values and gradients are those of the way that Python takes."""
    weights = np.linspace(1, 2, 9)

    def loss(x: Any, n: Any) -> Any:
        y = np.ravel(program(x, n))
        return np.sum(y * weights[: len(y)])

    X = np.array([0.5, -1.5, 2.1])
    with interpreting():
        compiled = jg.value_and_grad(loss)
        for n in (0, 1, 2, 3, 5):
            value, gradient = compiled(X, n)
            step = 1e-6 * np.eye(3)
            differences = [(loss(X + h, n) - loss(X - h, n)) / 2e-6 for h in step]
            np.testing.assert_allclose(value, loss(X, n), rtol=1e-12)
            np.testing.assert_allclose(gradient, differences, rtol=1e-5, atol=1e-7)


def test_errors_of_the_run_compiled() -> None:
    @jg.jit
    def solved(a: Any, b: Any) -> Any:
        try:
            return np.linalg.cholesky(a) @ b
        except np.linalg.LinAlgError:
            pass
        try:
            return np.linalg.solve(a, b)
        except np.linalg.LinAlgError as error:
            return b * len(str(error))

    for last in (np.eye(3) * 3, -np.eye(3), np.ones((3, 3))):
        a, b = np.stack([np.eye(3) * 2, last]), np.ones((2, 3, 1))
        for dtype in ("f4", "f8"):
            arguments = a.astype(dtype), b.astype(dtype)
            np.testing.assert_allclose(solved(*arguments), solved.__wrapped__(*arguments), rtol=1e-6)


def test_what_the_run_prints_it_prints_once(capsys: Any) -> None:
    @jg.jit
    def told(x: Any, n: Any) -> Any:
        try:
            print("before", n)
            y = x[n]
            print("after", n)
        except IndexError:
            print("caught", n)
            y = x[0]
        return y

    with interpreting():
        for n in (1, 7):
            told(X, n)
    assert capsys.readouterr().out.splitlines() == ["before 1", "after 1", "before 7", "caught 7"]


def test_what_an_exception_says(capsys: Any) -> None:
    def told(n: Any) -> Any:
        try:
            if n > 2:
                raise OwnError("large", n)
            if n > 1:
                raise KeyError(f"key {n}")
            if n > 0:
                raise OwnError(f"n = {n:.2f}")
        except (OwnError, KeyError) as error:
            print(error, str(error), f"<{error}>", "%s" % error, "{}".format(error))  # noqa: UP031, UP032
        return n

    compiled = jg.jit(told)
    with interpreting():
        for n in (0.0, 0.5, 1.5, 2.5):
            compiled(n)
            printed = capsys.readouterr().out
            told(n)
            assert printed == capsys.readouterr().out


def test_errors_that_are_not_caught_are_raised() -> None:
    @jg.jit
    def raising(x: Any, n: Any) -> Any:
        try:
            y = x[n]
            assert y < 1, "large"
        except AssertionError:
            y = x[n + 1]
        return y

    with interpreting():
        assert raising(X, 1) == X[1]
        for n in (3, 2):
            with pytest.raises(IndexError):
                raising(X, n)


def of_a_group(x, n):
    try:
        return x[n]
    except* IndexError:
        pass
    return x[0]


def by_another_name(x, n):
    y, context = x[0], contextlib.suppress(IndexError)
    with context:
        y = x[n]
    return y


def drawn(x, n):
    generator = np.random.default_rng(0)
    try:
        return x[n] * generator.normal()
    except IndexError:
        return x[0]


@pytest.mark.parametrize(
    ("program", "said"),
    [
        (of_a_group, "whether this raises IndexError is known only when the program runs"),
        (by_another_name, "whether this raises IndexError is known only when the program runs"),
        (drawn, "random numbers are drawn by Generator.normal in a loop or branch"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_is_not_handled_is_refused(program: Callable[..., Any], said: str) -> None:
    with interpreting(), pytest.raises(UnsupportedError, match=said) as caught:
        jg.jit(program)(X, 1)
    assert any(str(entry.path) == __file__ and entry.name == program.__name__ for entry in caught.traceback)


def fails_on_one_way(x, n):
    found = []
    for k in range(3):
        y = None
        try:
            if n == k:
                x = x + np.ones(len(x) + 1)
            elif n == k + 3:
                x = x + y
            elif n == k + 6:
                x = np.linalg.inv(x)
            elif n > 9:
                raise IndexError
            found.append(np.sum(x))
        except TypeError:
            found.append(-1.0)
        except ValueError:
            found.append(-2.0)
    return found


def test_a_handler_catches_what_fails_where_the_run_comes_to_it() -> None:
    with interpreting():
        for n in range(10):
            np.testing.assert_allclose(jg.jit(fails_on_one_way)(X, np.int64(n)), fails_on_one_way(X, n))


def catches_too_much(x, n):
    try:
        if n > 0:
            x = x[0] + "a"
    except TypeError:
        x = x * 0
    return x


def swallows(x, n):
    try:
        y = x * float(str(x[0]))
    except Exception:
        y = x * 0
    return y


def swallows_not_implemented(x, n):
    try:
        return tuple(v for v in x if v > 0)
    except NotImplementedError:
        return x * 0


def suppresses(x, n):
    with contextlib.suppress(Exception):
        return tuple(v for v in x if v > 0)
    return x * 0


@pytest.mark.parametrize(
    "program", [swallows, swallows_not_implemented, suppresses, catches_too_much], ids=lambda program: program.__name__
)
def test_no_handler_catches_what_is_refused(program: Callable[..., Any]) -> None:
    with interpreting(), pytest.raises(UnsupportedError, match=r"(is|are) known only when the program runs"):
        jg.jit(program)(X, np.int64(1))
