"""Probes: intermediate values and their gradients by name."""

import numpy as np
import pytest

import jitgrad as jg

X = np.array([0.5, -1.0, 2.0])


def chain(x):
    y = jg.probe(2 * x, "y")
    z = jg.probe(np.sin(y), "z")
    return np.sum(z**2 * y)


def test_values_and_gradients_of_intermediate_values():
    value, gradient, probes = jg.value_grad_and_probes(chain)(X)
    y, z = 2 * X, np.sin(2 * X)
    assert value == pytest.approx(np.sum(z**2 * y))
    np.testing.assert_allclose(probes["y"][0], y)
    np.testing.assert_allclose(probes["z"][0], z)
    np.testing.assert_allclose(probes["z"][1], 2 * z * y)
    np.testing.assert_allclose(probes["y"][1], z**2 + 2 * z * y * np.cos(y), rtol=1e-12)
    np.testing.assert_allclose(gradient, 2 * probes["y"][1])


def test_functions_with_probes_are_the_same_without_collector():
    assert chain(X) == pytest.approx(float(jg.jit(chain)(X)))
    np.testing.assert_allclose(jg.grad(chain)(X), jg.value_grad_and_probes(chain)(X)[1])


def test_activations():
    result, probes = jg.activations(chain)(X)
    assert result == pytest.approx(chain(X))
    assert probes.keys() == {"y", "z"}


def test_several_arguments_and_other_dtypes():
    def f(x, w, labels):
        h = jg.probe(x * w, "h")
        picked = jg.probe(labels + 1, "labels")
        return np.sum(h[picked - 1])

    value, (dw,), probes = jg.value_grad_and_probes(f, argnums=(1,))(
        X.astype(np.float32), X.astype(np.float32), np.array([0, 2])
    )
    np.testing.assert_allclose(dw, [0.5, 0, 2.0])
    np.testing.assert_array_equal(probes["h"][1], [1, 0, 1])
    assert probes["h"][1].dtype == np.float32
    np.testing.assert_array_equal(probes["labels"][0], [1, 3])
    assert probes["labels"][1] is None
    assert value == pytest.approx(0.25 + 4.0)


def test_a_probe_in_a_loop_is_refused():
    def f(x):
        for k in range(x.shape[0]):
            x[k] = jg.probe(x[k] * 2, "item")
        return np.sum(x)

    with pytest.raises(NotImplementedError, match="'item' is in a loop"):
        jg.activations(f)(X.copy())


def test_names_are_strings_and_unique():
    def twice(x):
        return np.sum(jg.probe(jg.probe(x, "a"), "a"))

    with pytest.raises(ValueError, match="two probes of the name 'a'"):
        jg.value_grad_and_probes(twice)(X)
    with pytest.raises(TypeError, match="has a name"):
        jg.probe(X, 3)
