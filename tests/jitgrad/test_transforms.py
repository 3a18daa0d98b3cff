"""The public transforms: structure, nesting, auxiliary results, decorators, against closed forms and finite differences."""

from __future__ import annotations

import dataclasses
from collections import namedtuple

import numpy as np
import pytest
from interpreted import interpreting

import jitgrad as jg

Point = namedtuple("Point", "x y")


@dataclasses.dataclass
class Line:
    slope: np.ndarray
    offset: np.ndarray
    name: str = "line"


def test_gradient_has_the_structure_of_its_argument():
    def loss(params, data):
        line, points = params["line"], params["points"]
        values = line.slope * data + line.offset
        return np.sum(values**2) + np.sum(points.x) * points.y[0] + np.sum(params["more"][1] ** 3)

    params = {
        "line": Line(np.array(2.0), np.array([1.0, -1.0, 0.5])),
        "points": Point(np.arange(3.0), [np.float32(2.0)]),
        "more": (None, np.ones((2, 2), np.float32)),
    }
    data = np.array([1.0, 2.0, 3.0])
    found = jg.grad(loss)(params, data)
    residual = 2.0 * data + params["line"].offset
    assert isinstance(found["line"], Line) and found["line"].name == "line"
    assert found["line"].slope.shape == () and found["line"].slope.dtype == np.float64
    np.testing.assert_allclose(found["line"].slope, np.sum(2 * residual * data))
    np.testing.assert_allclose(found["line"].offset, 2 * residual)
    assert isinstance(found["points"], Point)
    np.testing.assert_allclose(found["points"].x, np.full(3, 2.0))
    assert found["points"].y[0].dtype == np.float32 and found["points"].y[0] == 3.0
    assert found["more"][0] is None and found["more"][1].dtype == np.float32
    np.testing.assert_allclose(found["more"][1], 3 * np.ones((2, 2)))


def test_argnums_and_auxiliary_results():
    def loss(a, b, *, scale=1.0):
        product = a * b * scale
        return np.sum(product), {"product": product, "label": "kept"}

    a, b = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    (value, aux), (da, db) = jg.value_and_grad(loss, argnums=(0, 1), has_aux=True)(a, b, scale=2.0)
    assert value == 22.0 and aux["label"] == "kept"
    np.testing.assert_array_equal(aux["product"], [6.0, 16.0])
    np.testing.assert_array_equal(da, 2 * b)
    np.testing.assert_array_equal(db, 2 * a)
    gradient, aux = jg.grad(loss, argnums=-1, has_aux=True)(a, b)
    np.testing.assert_array_equal(gradient, a)
    assert set(aux) == {"product", "label"}


def test_vjp_and_jvp_agree_with_the_jacobian():
    def f(x):
        return np.array([x[0] * x[1], np.sin(x[2]), x[0] ** 2])

    x = np.array([1.0, 2.0, 0.5])
    jacobian = np.array([[2.0, 1.0, 0.0], [0.0, 0.0, np.cos(0.5)], [2.0, 0.0, 0.0]])
    direction, weight = np.array([0.3, -1.0, 2.0]), np.array([1.0, 0.5, -2.0])
    value, tangent = jg.jvp(f, (x,), (direction,))
    np.testing.assert_allclose(value, f(x))
    np.testing.assert_allclose(tangent, jacobian @ direction)
    value, pullback = jg.vjp(f, x)
    np.testing.assert_allclose(value, f(x))
    np.testing.assert_allclose(pullback(weight)[0], weight @ jacobian)


def test_transforms_nest_and_may_be_called_inside():
    def f(x):
        return np.sum(np.sin(x) * x**2)

    def hessian_vector_product(x, v):
        return jg.jvp(jg.grad(f), (x,), (v,))[1]

    def directional(x, v):
        return jg.grad(lambda y: np.vdot(jg.grad(f)(y), v))(x)

    x, v = np.array([0.3, 1.2, -0.7]), np.array([1.0, -2.0, 0.5])
    second = -np.sin(x) * x**2 + 4 * x * np.cos(x) + 2 * np.sin(x)
    np.testing.assert_allclose(jg.jit(hessian_vector_product)(x, v), second * v)
    np.testing.assert_allclose(jg.jit(directional)(x, v), second * v)
    third = jg.grad(lambda x: jg.grad(lambda y: jg.grad(lambda z: z**4)(y))(x))
    assert third(2.0) == 48.0


def test_inner_derivative_does_not_confuse_its_variable_with_the_outer_one():
    f = jg.grad(lambda x: x * jg.grad(lambda y: x + y)(1.0))
    assert f(2.0) == 1.0
    g = jg.grad(lambda x: x * jg.jvp(lambda y: x * y, (2.0,), (1.0,))[1])
    assert g(3.0) == 6.0


def test_stop_gradient():
    x = np.array([1.0, 2.0])
    found = jg.grad(lambda x: np.sum(x * jg.stop_gradient(x) + jg.stop_gradient({"a": x})["a"]))(x)
    np.testing.assert_array_equal(found, x)
    np.testing.assert_array_equal(jg.stop_gradient(x), x)


def test_custom_vjp_is_used_at_every_order():
    @jg.custom_vjp
    def cube(x):
        return x**3

    cube.defvjp(lambda x: (x**3, x), lambda x, ct: (10 * x**2 * ct,))
    assert cube(2.0) == 8.0
    assert jg.grad(cube)(2.0) == 40.0
    assert jg.grad(jg.grad(cube))(2.0) == 40.0  # of 10 x**2
    found = jg.grad(lambda x: np.sum(cube(x) * x))(np.array([1.0, 2.0]))
    np.testing.assert_allclose(found, [11.0, 88.0])


def test_custom_vjp_with_pytrees_and_closures():
    scale = np.array([2.0, 3.0])

    @jg.custom_vjp
    def weighted(p, x):
        return {"out": p["w"] * x}

    def forward(p, x):
        return weighted(p, x), (p, x)

    def backward(saved, ct):
        _p, x = saved
        return {"w": scale * ct["out"] * x}, None

    weighted.defvjp(forward, backward)
    p, x = {"w": np.array([1.0, 1.0])}, np.array([5.0, 7.0])
    found = jg.grad(lambda p, x: np.sum(weighted(p, x)["out"]), argnums=(0, 1))(p, x)
    np.testing.assert_allclose(found[0]["w"], scale * x)
    np.testing.assert_array_equal(found[1], np.zeros(2))


def test_custom_vjp_without_rules_says_so():
    @jg.custom_vjp
    def f(x):
        return x

    with pytest.raises(TypeError, match=r"f\.defvjp"):
        jg.grad(f)(1.0)


def test_decorators_with_and_without_arguments_and_on_methods():
    @jg.grad
    def plain(x):
        return x**2

    @jg.grad(argnums=1)
    def second(x, y):
        return x * y

    @jg.jit(static_argnames="power")
    def raised(x, power):
        return x**power

    class Model:
        def __init__(self):
            self.weight = np.array([1.0, 2.0])
            self.calls = 0

        @jg.jit
        def __call__(self, x):
            self.calls += 1
            return self.weight * x

        @jg.value_and_grad(argnums=1)
        def loss(self, x):
            return np.sum(self.weight * x**2)

    assert plain(3.0) == 6.0 and second(3.0, 4.0) == 3.0
    np.testing.assert_array_equal(raised(np.array([2.0, 3.0]), power=3), [8.0, 27.0])
    model = Model()
    np.testing.assert_array_equal(model(np.ones(2)), [1.0, 2.0])
    model.weight = np.array([5.0, 6.0])
    np.testing.assert_array_equal(model(np.ones(2)), [5.0, 6.0])
    assert model.calls == 2
    value, gradient = model.loss(np.ones(2))
    assert value == 11.0
    np.testing.assert_array_equal(gradient, [10.0, 12.0])


def test_kinds_of_results():
    @jg.jit
    def f(x, n, s):
        return x * 2, np.sum(x), n + 1, s * 2, {"none": None, "text": "kept"}, x.shape[0], np.zeros(()), x > 1

    x = np.array([1.0, 2.0], np.float32)
    doubled, total, count, number, rest, size, zero, mask = f(x, 3, 0.5)
    assert doubled.dtype == np.float32 and type(total) is np.float32
    assert type(count) is int and count == 4
    assert type(number) is float and number == 1.0
    assert rest == {"none": None, "text": "kept"}
    assert type(size) is int and size == 2
    assert type(zero) is np.ndarray and zero.shape == ()
    assert mask.dtype == np.bool_


def test_one_program_serves_every_size():
    @jg.value_and_grad
    def loss(w, x, y):
        return np.mean((x @ w - y) ** 2)

    rng = np.random.default_rng(0)
    for rows in (5, 64, 1, 17, 2):
        x, y, w = rng.normal(size=(rows, 3)), rng.normal(size=rows), rng.normal(size=3)
        value, gradient = loss(w, x, y)
        np.testing.assert_allclose(value, np.mean((x @ w - y) ** 2))
        np.testing.assert_allclose(gradient, 2 * x.T @ (x @ w - y) / rows)
    assert sum(map(len, loss.programs.values())) == 1


def test_a_guard_that_fails_leads_to_another_program():
    @jg.jit
    def f(x):
        return x.sum() if x.shape[0] > 3 else x.prod()

    assert f(np.full(5, 2.0)) == 10.0
    assert f(np.full(3, 2.0)) == 8.0
    assert f(np.full(4, 2.0)) == 8.0
    assert sum(map(len, f.programs.values())) == 2


def test_written_arguments_reach_the_caller():
    @jg.jit
    def f(a, b):
        a += 1
        b[1:, ::2] *= a[0]
        return a

    a, b = np.zeros(3), np.ones((3, 4))
    assert f(a, b) is a
    np.testing.assert_array_equal(a, np.ones(3))
    strided = np.zeros((6, 4))[::2]
    f(a, strided)
    np.testing.assert_array_equal(a, np.full(3, 2.0))
    frozen = np.zeros(3)
    frozen.flags.writeable = False
    with pytest.raises(ValueError, match="argument a is read-only"):
        f(frozen, b)


def test_overlapping_written_arguments_are_refused():
    @jg.jit
    def f(a, b):
        a += b

    base = np.arange(5.0)
    with pytest.raises(ValueError, match="overlap in memory"):
        f(base[1:], base[:-1])
    x = np.arange(3.0)
    f(x, x)
    np.testing.assert_array_equal(x, [0.0, 2.0, 4.0])


def test_captured_arrays_are_read_at_each_call():
    table = np.array([1.0, 2.0])
    f = jg.jit(lambda x: x * table)
    np.testing.assert_array_equal(f(np.ones(2)), [1.0, 2.0])
    table[0] = 7.0
    np.testing.assert_array_equal(f(np.ones(2)), [7.0, 2.0])


@pytest.mark.parametrize(
    "edit",
    [lambda x, n: np.repeat(x, n), lambda x, n: np.delete(x, n), lambda x, n: np.insert(x, n, 7.0)],
    ids=["repeat", "delete", "insert"],
)
def test_captured_positions_are_read_at_each_call(edit):
    places, x = np.array([1, 2, 3, 0]), np.arange(4.0)
    f = jg.jit(lambda x: edit(x, places))
    with interpreting():
        np.testing.assert_array_equal(f(x), edit(x, places))
        places[0] = 2
        np.testing.assert_array_equal(f(x), edit(x, places))


def test_functions_without_source():
    scope = {"np": np}
    exec("def f(x):\n    y = np.zeros(3)\n    y[0] = x.sum()\n    return np.sum(y * 2)", scope)
    np.testing.assert_array_equal(jg.grad(scope["f"])(np.ones(2)), [2.0, 2.0])
    first, second = (lambda x: x * 2), (lambda x: x * 3)  # fmt: skip
    assert jg.grad(first)(1.0) == 2.0 and jg.grad(second)(1.0) == 3.0


def test_explicit_control_flow():
    @jg.grad
    def f(x, n):
        total = jg.fori_loop(0, n, lambda i, s: s + x**i, 0.0)
        total = jg.while_loop(lambda v: v < 100.0, lambda v: v * 2.0, total)
        return jg.cond(total > 150.0, lambda v: v * x, lambda v: v, total)

    def reference(x, n):
        total = sum(x**i for i in range(n))
        while total < 100.0:
            total *= 2.0
        return total * x if total > 150.0 else total

    h = 1e-6
    for x in (1.1, 1.9):
        np.testing.assert_allclose(f(x, 4), (reference(x + h, 4) - reference(x - h, 4)) / (2 * h), rtol=1e-7)


def test_scan():
    def step(carry, x):
        carry = {"sum": carry["sum"] + x["a"] * x["b"]}
        return carry, (carry["sum"], x["a"])

    def f(a, b):
        carry, (sums, _) = jg.scan(step, {"sum": 0.0}, {"a": a, "b": b})
        return carry["sum"] + np.sum(sums)

    a, b = np.array([1.0, 2.0, 3.0]), np.array([4.0, 5.0, 6.0])
    np.testing.assert_allclose(jg.grad(f)(a, b), b * np.array([4.0, 3.0, 2.0]))


def test_checkpoint_changes_no_gradient():
    def block(x, w):
        return np.tanh(x * w) * w

    x, w = np.array([0.1, 0.2]), np.array([1.0, 2.0])
    plain = jg.grad(lambda w: np.sum(block(block(x, w), w)))(w)
    saved = jg.grad(lambda w: np.sum(jg.checkpoint(block)(jg.checkpoint(block)(x, w), w)))(w)
    np.testing.assert_allclose(saved, plain, rtol=1e-14)


def test_check_grads_finds_a_wrong_derivative():
    jg.check_grads(lambda x: np.sin(x) * np.exp(x), (np.array([0.3, 1.2]),), order=2)

    @jg.custom_vjp
    def wrong(x):
        return x**2

    wrong.defvjp(lambda x: (x**2, x), lambda x, ct: (x * ct,))
    with pytest.raises(AssertionError, match="reverse mode differs"):
        jg.check_grads(wrong, (np.array([1.0, 2.0]),), order=1, modes=("rev",))


def test_numpy_calls_on_captured_arrays_are_made_at_each_call():
    table = np.ones(3)
    f = jg.jit(lambda x: x * np.sum(table) + table.max())
    np.testing.assert_array_equal(f(np.ones(2)), [4.0, 4.0])
    table[:] = 2.0
    np.testing.assert_array_equal(f(np.ones(2)), [8.0, 8.0])


def test_pullback_belongs_to_the_point_where_it_was_made():
    x, shared = np.array([1.0, 2.0]), {"w": np.array([3.0, 4.0])}
    value, pullback = jg.vjp(lambda x, p: x * x * p["w"], x, shared)
    x[:], shared["w"][:] = 100.0, 100.0
    gx, gp = pullback(np.ones(2))
    np.testing.assert_array_equal(value, [3, 16])
    np.testing.assert_array_equal(gx, [6, 16])
    np.testing.assert_array_equal(gp["w"], [1, 4])


def test_differentiated_numbers_of_python_stay_numbers_of_python():
    """Their dtype gives way to that of the arrays they meet, as it does in the function itself."""

    def loss(scale, x):
        assert type(scale) is float and not hasattr(scale, "shape")
        return np.sum(scale * x)

    x = np.arange(3, dtype=np.float32)
    for value in (
        jg.value_and_grad(loss)(0.1, x)[0],
        jg.jvp(lambda s: loss(s, x), (0.1,), (1.0,))[0],
        jg.vjp(lambda s: loss(s, x), 0.1)[0],
        jg.jit(jg.checkpoint(loss))(0.1, x),
    ):
        assert value.dtype == np.float32 and value == loss(0.1, x)
    assert jg.grad(loss)(0.1, x) == 3.0
