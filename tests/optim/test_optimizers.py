"""Each optimiser against PyTorch's of the same name: ten updates of two parameters with the same gradients."""

import copy

import numpy as np
import pytest

import jitgrad as jg
from jitgrad import optim

CASES = {
    "sgd": ("SGD", {"lr": 0.1}),
    "momentum": ("SGD", {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.01}),
    "dampening": ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.3}),
    "nesterov": ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
    "adam": ("Adam", {"lr": 0.01}),
    "adam_decay": ("Adam", {"lr": 0.01, "betas": (0.8, 0.95), "eps": 1e-6, "weight_decay": 0.1}),
    "amsgrad": ("Adam", {"lr": 0.01, "amsgrad": True}),
    "adamw": ("AdamW", {"lr": 0.01}),
    "adamw_amsgrad": ("AdamW", {"lr": 0.01, "weight_decay": 0.1, "amsgrad": True}),
    "rmsprop": ("RMSprop", {"lr": 0.01}),
    "rmsprop_all": ("RMSprop", {"lr": 0.01, "alpha": 0.9, "weight_decay": 0.1, "momentum": 0.9, "centered": True}),
    "adagrad": ("Adagrad", {"lr": 0.1}),
    "adagrad_all": ("Adagrad", {"lr": 0.1, "lr_decay": 0.1, "weight_decay": 0.1, "initial_accumulator_value": 0.5}),
}
STEPS = 10


def problem(dtype):
    rng = np.random.default_rng(3)
    params = {"w": rng.normal(size=(3, 4)).astype(dtype), "b": np.zeros(4, dtype)}
    grads = [{k: rng.normal(size=v.shape).astype(dtype) for k, v in params.items()} for _ in range(STEPS)]
    return params, grads


def run_torch(name, options, params, grads):
    torch = pytest.importorskip("torch", reason="PyTorch is the reference")
    tensors = {k: torch.nn.Parameter(torch.from_numpy(v.copy())) for k, v in params.items()}
    optimizer = getattr(torch.optim, name)(tensors.values(), foreach=False, **options)
    for g in grads:
        for k, tensor in tensors.items():
            tensor.grad = torch.from_numpy(g[k].copy())
        optimizer.step()
    return {k: t.detach().numpy() for k, t in tensors.items()}


def tolerance(dtype):
    return {"rtol": 2e-14, "atol": 1e-15} if dtype == np.float64 else {"rtol": 5e-6, "atol": 1e-7}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", CASES)
def test_ten_updates_equal_torch(case, dtype):
    name, options = CASES[case]
    params, grads = problem(dtype)
    expected = run_torch(name, options, params, grads)
    optimizer = getattr(optim, name)(**options)
    state = optimizer.init(params)
    arrays = {k: (id(v), v.ctypes.data) for k, v in params.items()}
    for g in grads:
        optimizer.update(params, g, state)
    for k in params:
        np.testing.assert_allclose(params[k], expected[k], **tolerance(dtype))
        assert params[k].dtype == dtype
    assert arrays == {k: (id(v), v.ctypes.data) for k, v in params.items()}
    assert state["step"] == STEPS


@pytest.mark.parametrize(
    ("cases", "dtype"),
    [
        (("momentum", "adam"), np.float32),
        pytest.param(tuple(CASES), np.float64, marks=pytest.mark.slow),
    ],
)
def test_compiled_updates_equal_eager_ones(cases, dtype):
    optimizers = {case: getattr(optim, CASES[case][0])(**CASES[case][1]) for case in cases}
    params, grads = problem(dtype)
    weights = {case: params["b"].copy() for case in cases}
    states = {case: optimizer.init(weights[case]) for case, optimizer in optimizers.items()}
    eager, eager_states = copy.deepcopy(weights), copy.deepcopy(states)

    @jg.jit
    def update(weights, grad, states):
        for case in optimizers:
            optimizers[case].update(weights[case], grad, states[case])

    memory = [w.ctypes.data for w in weights.values()]
    for g in grads[:3]:
        update(weights, g["b"], states)
        for case, optimizer in optimizers.items():
            optimizer.update(eager[case], g["b"], eager_states[case])
    for case in cases:
        np.testing.assert_allclose(weights[case], eager[case], **tolerance(dtype))
        assert weights[case].dtype == dtype
    assert memory == [w.ctypes.data for w in weights.values()]
    assert len(update.programs) == 1


def test_a_new_rate_compiles_nothing():
    sgd = optim.SGD(lr=0.5)
    w = np.ones(2)
    state = sgd.init(w)
    update = jg.jit(sgd.update)
    update(w, np.ones(2), state)
    state["lr"][...] = 0.25
    update(w, np.ones(2), state)
    np.testing.assert_array_equal(w, [0.25, 0.25])
    assert len(update.programs) == 1


def test_schedule_as_rate_counts_updates():
    sgd = optim.SGD(lr=optim.StepLR(1.0, step_size=2, gamma=0.5))
    w = np.zeros(1)
    state = sgd.init(w)
    seen = []
    for _ in range(5):
        before = w.copy()
        sgd.update(w, np.ones(1), state)
        seen.append(float(before[0] - w[0]))
    assert seen == [1.0, 1.0, 0.5, 0.5, 0.25]
    assert "lr" not in state


def test_zero_dimensional_parameters():
    adam = optim.Adam(lr=0.1)
    w = {"a": np.array(1.0, np.float32)}
    state = adam.init(w)
    kept = w["a"]
    adam.update(w, {"a": np.array(2.0, np.float32)}, state)
    assert kept.dtype == np.float32
    assert kept == pytest.approx(0.9)


@pytest.mark.parametrize(
    ("params", "message"),
    [({"w": 0.5}, r"parameter\['w'\] is 0.5.*np.array"), ([np.arange(3)], r"parameter\[0\] has dtype int64")],
)
def test_what_cannot_be_optimised_is_refused(params, message):
    with pytest.raises(TypeError, match=message):
        optim.SGD(lr=0.1).init(params)


def test_gradients_of_another_structure_are_refused():
    w = {"a": np.ones(1)}
    sgd = optim.SGD(lr=0.1)
    with pytest.raises(ValueError, match="structure"):
        sgd.update(w, {"b": np.ones(1)}, sgd.init(w))


@pytest.mark.parametrize(
    "make",
    [
        lambda: optim.SGD(lr=-1.0),
        lambda: optim.SGD(0.1, nesterov=True),
        lambda: optim.Adam(betas=(0.9, 1.0)),
        lambda: optim.RMSprop(eps=-1.0),
    ],
)
def test_hyperparameters_out_of_range_are_refused(make):
    with pytest.raises(ValueError, match=r"SGD|Adam|RMSprop"):
        make()
