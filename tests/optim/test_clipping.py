"""Clipping against PyTorch's."""

import numpy as np
import pytest

from jitgrad import optim


def grads(dtype, scale):
    rng = np.random.default_rng(1)
    return {"w": (scale * rng.normal(size=(4, 3))).astype(dtype), "b": (scale * rng.normal(size=3)).astype(dtype)}


def torch_parameters(torch, tree):
    params = []
    for g in tree.values():
        p = torch.nn.Parameter(torch.zeros(g.shape, dtype=torch.from_numpy(g).dtype))
        p.grad = torch.from_numpy(g.copy())
        params.append(p)
    return params


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scale", [0.01, 10.0])
def test_clipping_equals_torch(dtype, scale):
    torch = pytest.importorskip("torch", reason="PyTorch is the reference")
    by_norm, by_value = grads(dtype, scale), grads(dtype, scale)
    params = torch_parameters(torch, by_norm)
    expected = torch.nn.utils.clip_grad_norm_(params, 1.0)
    norm = optim.clip_grad_norm(by_norm, 1.0)
    np.testing.assert_allclose(norm, expected.numpy(), rtol=1e-6)
    for g, p in zip(by_norm.values(), params, strict=True):
        np.testing.assert_allclose(g, p.grad.numpy(), rtol=1e-6)
        assert g.dtype == dtype
    params = torch_parameters(torch, by_value)
    torch.nn.utils.clip_grad_value_(params, 0.5)
    optim.clip_grad_value(by_value, 0.5)
    for g, p in zip(by_value.values(), params, strict=True):
        np.testing.assert_array_equal(g, p.grad.numpy())


def test_zero_gradients_stay_zero():
    zero = [np.zeros(3)]
    assert optim.clip_grad_norm(zero, 1.0) == 0
    np.testing.assert_array_equal(zero[0], 0)
    assert optim.clip_grad_norm([], 1.0) == 0
