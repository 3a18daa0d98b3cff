"""What a module is: a pytree, with parameters, buffers, names and modes."""

import numpy as np
import pytest
from jitgrad.compiler.tree import flatten

import jitgrad as jg
from jitgrad import nn


class Counter(nn.Module):
    """A parameter, a buffer, a static number and containers."""

    def __init__(self, power=2):
        self.power = power
        self.scale = np.array([1.0, 2.0])
        self.calls = np.zeros(1, np.int64)
        self.pieces = [np.array([3.0]), {"inner": nn.Linear(2, 1, rng=0, dtype=np.float64)}]
        self.register_buffer("seen", np.zeros(2))

    def forward(self, x):
        self.calls[...] += 1
        self.seen[...] = 0.5 * self.seen + 0.5 * jg.stop_gradient(x)
        return self.pieces[1]["inner"]((x * self.scale) ** self.power) + self.pieces[0]


def test_names():
    module = Counter()
    assert [name for name, _ in module.named_parameters()] == [
        "scale",
        "pieces.0",
        "pieces.1.inner.weight",
        "pieces.1.inner.bias",
    ]
    assert [name for name, _ in module.named_buffers()] == ["calls", "seen"]
    assert [name for name, _ in module.named_modules()] == ["", "pieces.1.inner"]
    assert list(module.state_dict()) == ["scale", "pieces.0", "calls", "seen", "pieces.1.inner.weight", "pieces.1.inner.bias"]
    assert module.state_dict()["scale"] is module.scale


def test_flatten_and_unflatten():
    module = Counter()
    leaves, tree = flatten(module)
    again = tree.unflatten(leaves)
    assert type(again) is Counter
    assert again.scale is module.scale
    assert flatten(again)[1] == tree == flatten(Counter())[1]
    assert flatten(Counter(power=3))[1] != tree
    assert flatten(Counter(power=2.0))[1] != tree
    assert flatten(Counter().eval())[1] != tree
    numbers = tree.unflatten(range(len(leaves)))
    assert flatten(numbers)[0] == list(range(len(leaves)))


def test_gradient_and_buffers_through_compiled_code():
    module, x = Counter(), np.array([0.5, -1.0])
    eager = Counter()
    gradient = jg.grad(lambda module, x: np.sum(module(x)))(module, x)
    eager(x)
    assert type(gradient) is Counter
    assert gradient.calls is None and gradient.seen is None
    np.testing.assert_allclose(gradient.scale, 2 * x**2 * module.scale * module.pieces[1]["inner"].weight[0])
    np.testing.assert_array_equal(module.calls, eager.calls)
    np.testing.assert_array_equal(module.seen, eager.seen)
    assert [name for name, _ in gradient.named_parameters()] == [name for name, _ in module.named_parameters()]


def test_jit_of_a_module_reads_its_arrays_anew():
    module, x = Counter(), np.array([0.5, -1.0])
    compiled = jg.jit(module)
    np.testing.assert_allclose(compiled(x), module(x))
    module.scale = np.array([5.0, 6.0])
    np.testing.assert_allclose(compiled(x), module(x))
    np.testing.assert_array_equal(module.calls, [4])
    module.power = 3
    np.testing.assert_allclose(compiled(x), module(x))


def test_walking_over_a_module_in_a_traced_loss():
    model, x = nn.Sequential(nn.Linear(2, 1, rng=0, dtype=np.float64), nn.Tanh()), np.array([[0.5, -1.0]])

    def loss(model, x):
        penalty = sum(np.sum(p * p) for p in model.parameters())
        for layer in model:
            x = layer(x)
        return np.sum(x) + 0.5 * penalty

    gradient = jg.grad(loss)(model, x)
    slope = 1 - np.tanh(x @ model[0].weight.T + model[0].bias)[0] ** 2
    np.testing.assert_allclose(gradient[0].weight, model[0].weight + slope * x)
    np.testing.assert_allclose(gradient[0].bias, model[0].bias + slope)


def test_partition_and_combine():
    module = Counter()
    parameters, buffers = nn.partition(module)
    assert parameters.seen is None and buffers.scale is None and buffers.pieces[0] is None
    whole = nn.combine(parameters, buffers)
    assert all(a is b for a, b in zip(flatten(whole)[0], flatten(module)[0], strict=True))


def test_load_state_dict_is_all_or_nothing():
    model = nn.Sequential(nn.Linear(2, 3, rng=0), nn.ReLU(), nn.Linear(3, 1, rng=0))
    state = {name: array + 1 for name, array in model.state_dict().items()}
    before = model[0].weight.copy()
    wrong = {**state, "2.weight": np.zeros((1, 4)), "extra": np.zeros(1)}
    del wrong["0.bias"]
    with pytest.raises(
        ValueError, match=r"missing '0.bias'; unexpected 'extra'; '2.weight' has shape \(1, 4\), the model needs \(1, 3\)"
    ):
        model.load_state_dict(wrong)
    np.testing.assert_array_equal(model[0].weight, before)
    array = model[0].weight
    assert model.load_state_dict(state) == ([], [])
    assert model[0].weight is array
    np.testing.assert_array_equal(array, state["0.weight"])
    assert model.load_state_dict({"0.bias": np.zeros(3), "x": 0}, strict=False) == (["0.weight", "2.weight", "2.bias"], ["x"])


def test_modes_and_dtypes():
    model = nn.Sequential(nn.Dropout(0.5, rng=0), nn.Sequential(nn.BatchNorm1d(2)))
    assert not any(module.training for module in model.eval().modules())
    assert all(module.training for module in model.train().modules())
    assert model.astype(np.float64)[1][0].running_mean.dtype == np.float64
    with pytest.raises(TypeError, match="float32 or float64"):
        model.astype(np.int32)


def test_repr_and_containers():
    model = nn.Sequential(nn.Linear(2, 3), nn.ModuleList([nn.Tanh()]))
    assert repr(model) == (
        "Sequential(\n  (0): Linear(in_features=2, out_features=3, bias=True)\n  (1): ModuleList(\n    (0): Tanh()\n  )\n)"
    )
    assert repr(model[:1]) == "Sequential(\n  (0): Linear(in_features=2, out_features=3, bias=True)\n)"
    model[1] = nn.Tanh()
    assert model(np.zeros((1, 2), np.float32)).shape == (1, 3)
    named = nn.Sequential({"first": nn.Linear(2, 3), "second": nn.ReLU()})
    assert list(named.state_dict()) == ["first.weight", "first.bias"]
    with pytest.raises(TypeError, match="holds modules"):
        model.append(np.tanh)


def test_what_cannot_be_static_is_refused_when_compiled():
    class Odd(nn.Module):
        def __init__(self):
            self.rng = np.random.default_rng(0)

        def forward(self, x):
            return x

    with pytest.raises(TypeError, match="attribute rng of Odd is a Generator"):
        jg.jit(Odd())(np.ones(2))
    with pytest.raises(NotImplementedError, match="Odder defines no forward"):
        type("Odder", (nn.Module,), {})()(1)


def test_same_seed_same_values_as_documented():
    a, b = nn.Linear(100, 50, rng=3), nn.Linear(100, 50, rng=np.random.default_rng(3))
    np.testing.assert_array_equal(a.weight, b.weight)
    assert a.weight.dtype == np.float32
    assert 0.095 < np.abs(a.weight).max() <= 0.1
    assert nn.Conv2d(4, 8, 3, rng=0, dtype=np.float64).weight.shape == (8, 4, 3, 3)
    assert np.abs(nn.Conv2d(4, 8, 3, rng=0).weight).max() <= 1 / 6
    np.testing.assert_array_equal(nn.Embedding(4, 3, padding_idx=1, rng=0).weight[1], 0)
    assert np.std(nn.init.kaiming_normal((200, 100), 0)) == pytest.approx(np.sqrt(2 / 100), rel=0.05)
    assert np.abs(nn.init.xavier_uniform((20, 30), 0)).max() <= np.sqrt(6 / 50)


def test_summary_takes_an_array_for_layers_that_want_integers():
    model = nn.Sequential(nn.Embedding(5, 3, rng=0), nn.Linear(3, 2, rng=0))
    text = nn.summary(model, np.zeros((7, 4), np.int64))
    assert "(7, 4, 3)" in text and "(7, 4, 2)" in text
    assert nn.summary(model[1], np.zeros((4, 3), np.float32)) == nn.summary(model[1], (4, 3))
