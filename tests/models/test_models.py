"""The models: shapes, sizes, and training against PyTorch's equivalents."""

import numpy as np
import pytest

import jitgrad as jg
from jitgrad import models, nn


def test_two_layer_net_is_what_it_says():
    net, x = models.TwoLayerNet(4, 5, 3, rng=0), np.random.default_rng(0).standard_normal((2, 4)).astype(np.float32)
    hidden = np.maximum(x @ net.linear1.weight.T + net.linear1.bias, 0)
    np.testing.assert_allclose(net(x), hidden @ net.linear2.weight.T + net.linear2.bias, rtol=1e-6)


def test_mlp():
    net = models.MLP([1, 32, 32, 1], "tanh", rng=0, dtype=np.float64)
    assert [type(layer).__name__ for layer in net] == ["Linear", "Tanh", "Linear", "Tanh", "Linear"]
    assert net(np.zeros((200, 1))).dtype == np.float64
    with pytest.raises(ValueError, match="activation is one of"):
        models.MLP([1, 1], "softsign")
    with pytest.raises(ValueError, match="sizes"):
        models.MLP([1])


def test_lenet_has_ten_parameters():
    net = models.LeNet5(rng=0)
    assert [array.shape for array in net.parameters()] == [
        (6, 1, 5, 5), (6,), (16, 6, 5, 5), (16,), (120, 400), (120,), (84, 120), (84,), (10, 84), (10,)
    ]  # fmt: skip
    assert net(np.zeros((3, 1, 32, 32), np.float32)).shape == (3, 10)


def test_gpt_does_not_see_the_future():
    gpt = models.GPT(11, context=6, width=8, heads=2, layers=2, rng=0)
    ids = np.random.default_rng(0).integers(0, 11, (2, 6))
    other = ids.copy()
    other[:, 4:] = (other[:, 4:] + 1) % 11
    np.testing.assert_array_equal(gpt(ids)[:, :4], gpt(other)[:, :4])
    assert np.any(gpt(ids)[:, 4:] != gpt(other)[:, 4:])
    assert gpt.generate(ids, 3, rng=0).shape == (2, 9)
    np.testing.assert_array_equal(gpt.generate(ids, 2, temperature=0), gpt.generate(ids, 2, temperature=0))
    with pytest.raises(ValueError, match="length at most 6"):
        gpt(np.zeros((1, 7), np.int64))


@pytest.mark.slow
def test_lenet_gradients_equal_those_of_pytorch():
    torch = pytest.importorskip("torch")
    t = torch.nn
    peer = t.Sequential(
        t.Conv2d(1, 6, 5), t.ReLU(), t.MaxPool2d(2), t.Conv2d(6, 16, 5), t.ReLU(), t.MaxPool2d(2), t.Flatten(),
        t.Linear(400, 120), t.ReLU(), t.Linear(120, 84), t.ReLU(), t.Linear(84, 10),
    ).double()  # fmt: skip
    net, rng = models.LeNet5(dtype=np.float64), np.random.default_rng(0)
    net.load_state_dict(dict(zip(net.state_dict(), peer.state_dict().values(), strict=True)))
    x, y = rng.standard_normal((3, 1, 32, 32)), rng.integers(0, 10, 3)
    expected = t.functional.cross_entropy(peer(torch.tensor(x)), torch.tensor(y))
    expected.backward()
    value, gradients = jg.value_and_grad(lambda net, x, y: nn.functional.cross_entropy(net(x), y))(net, x, y)
    assert value == pytest.approx(expected.item(), rel=1e-12)
    for (name, gradient), parameter in zip(gradients.named_parameters(), peer.parameters(), strict=True):
        np.testing.assert_allclose(gradient, parameter.grad.numpy(), rtol=1e-9, atol=1e-12, err_msg=name)


@pytest.mark.slow
def test_gpt_learns_a_sequence():
    text = np.arange(40) % 4
    gpt = models.GPT(4, context=8, width=16, heads=2, layers=1, rng=0)
    rows = text[np.arange(16)[:, None] + np.arange(9)]
    step = jg.value_and_grad(lambda gpt, ids, y: nn.functional.cross_entropy(gpt(ids).reshape(-1, 4), y.reshape(-1)))
    losses = []
    for _ in range(60):
        value, gradients = step(gpt, rows[:, :-1], rows[:, 1:])
        losses.append(value)
        for parameter, gradient in zip(gpt.parameters(), gradients.parameters(), strict=True):
            parameter -= 0.3 * gradient
    assert losses[-1] < 0.1 < 1.2 < losses[0]
    assert gpt.generate(rows[:1, :4], 4, temperature=0)[0].tolist() == [0, 1, 2, 3, 0, 1, 2, 3]
