"""Layers of jitgrad and PyTorch side by side: the same weights, inputs and cotangents."""

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the peer that layers are compared with; pip install torch")


def tensor(array: Any, grad: bool = True) -> Any:
    """A tensor of a copy of an array; floats ask for a gradient."""
    result = torch.tensor(np.array(array))
    return result.requires_grad_(grad and result.is_floating_point())


def leaves(value: Any) -> list:
    """The tensors or arrays in a result, None left out."""
    parts = value if isinstance(value, (tuple, list)) else (value,)
    return [part for part in parts if part is not None]


def matched(ours: Any, theirs: Any, dtype: Any) -> tuple[Any, Any]:
    """Both modules with one dtype and the weights of the second."""
    theirs = theirs.to(getattr(torch, np.dtype(dtype).name))
    ours = ours.astype(dtype)
    state = theirs.state_dict()
    assert list(ours.state_dict()) == list(state)
    ours.load_state_dict(state)
    return ours, theirs


def tolerance(dtype: Any) -> dict[str, float]:
    return {"rtol": 2e-5, "atol": 2e-5} if np.dtype(dtype) == np.float32 else {"rtol": 1e-10, "atol": 1e-11}


def assert_near(ours: Any, theirs: Any, dtype: Any, what: str = "") -> None:
    """Equal shapes, dtypes and values, to rounding."""
    for a, b in zip(leaves(ours), leaves(theirs), strict=True):
        b = b.detach().numpy() if isinstance(b, torch.Tensor) else b
        a = np.asarray(a)
        assert (a.shape, a.dtype) == (b.shape, b.dtype), what
        np.testing.assert_allclose(a, b, err_msg=what, **tolerance(dtype))


def weighted(value: Any, sines: Any) -> Any:
    """A scalar that depends on every element of a result in its own way; works on tensors and arrays alike."""
    return sum((part * s).sum() for part, s in zip(leaves(value), sines, strict=True))


def sines_for(value: Any) -> list[np.ndarray]:
    return [np.sin(1.0 + np.arange(part.size, dtype=part.dtype)).reshape(part.shape) for part in leaves(value)]


def check_gradients(pairs: dict[str, tuple[Any, Any, tuple]], dtype: Any) -> None:
    """Gradients of layers with respect to weights and float inputs against PyTorch's, all of them in one compiled program."""
    import jitgrad as jg

    layers = {name: ours for name, (ours, _, _) in pairs.items()}
    floats = {name: [x for x in inputs if x.dtype.kind == "f"] for name, (_, _, inputs) in pairs.items()}
    others = {name: [x for x in inputs if x.dtype.kind != "f"] for name, (_, _, inputs) in pairs.items()}
    order = {name: tuple(x.dtype.kind == "f" for x in inputs) for name, (_, _, inputs) in pairs.items()}
    sines = {name: sines_for(ours(*inputs)) for name, (ours, _, inputs) in pairs.items()}

    def loss(layers, floats, others, sines):
        total = 0.0
        for name in list(order):
            given, rest = list(floats[name]), list(others[name])
            inputs = [given.pop(0) if is_float else rest.pop(0) for is_float in order[name]]
            total = total + weighted(layers[name](*inputs), sines[name])
        return total

    value, (grads, input_grads) = jg.value_and_grad(loss, (0, 1))(layers, floats, others, sines)
    total = 0.0
    for name, (_, theirs, inputs) in pairs.items():
        tensors = [tensor(x) for x in inputs]
        result = weighted(theirs(*tensors), [tensor(s, grad=False) for s in sines[name]])
        result.backward()
        total += result.item()
        expected = {key: p.grad for key, p in theirs.named_parameters()}
        found = dict(grads[name].named_parameters())
        assert list(found) == list(expected)
        for key, gradient in found.items():
            assert_near(gradient, expected[key], dtype, f"{name}: gradient of {key}")
        for k, (gradient, x) in enumerate(zip(input_grads[name], [t for t in tensors if t.is_floating_point()], strict=True)):
            assert_near(gradient, x.grad, dtype, f"{name}: gradient of input {k}")
    np.testing.assert_allclose(value, total, rtol=1e-4 if np.dtype(dtype) == np.float32 else 1e-9)
