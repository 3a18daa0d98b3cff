"""Training steps and fit: in place, reproducible, and clear about what went wrong."""

import copy

import numpy as np
import pytest

import jitgrad as jg
from jitgrad import optim
from jitgrad.data import DataLoader, Dataset
from jitgrad.fitting import History, Record

RNG = np.random.default_rng(5)
X = RNG.normal(size=(22, 3))
Y = X @ np.array([1.0, -2.0, 0.5]) + 3.0
ADAM = optim.Adam(lr=0.05)
OPTIONS = {"batch_size": 4, "rng": 1}


def loss(params, x, y):
    return np.mean((x @ params["w"] + params["b"] - y) ** 2)


def fresh():
    return {"w": np.zeros(3), "b": np.zeros(1)}


def by_hand(params, batches, optimizer=ADAM):
    """The same training in NumPy."""
    state, losses = optimizer.init(params), []
    for x, y in batches:
        error = x @ params["w"] + params["b"] - y
        grads = {"w": 2 * x.T @ error / len(y), "b": 2 * np.mean(error, keepdims=True)}
        losses.append(np.mean(error**2))
        optimizer.update(params, grads, state)
    return losses


def addresses(tree):
    return [(id(leaf), leaf.ctypes.data) for leaf in jg.compiler.tree.flatten(tree)[0]]


def test_steps_equal_those_by_hand_and_stay_in_place():
    params, other = fresh(), fresh()
    step = jg.train_step(params, loss, ADAM)
    before = addresses((params, step.state))
    batches = [(X[:8], Y[:8]), (X[8:11], Y[8:11]), (X[11:], Y[11:])]
    losses = [step(*batch) for batch in batches]
    np.testing.assert_allclose(losses, by_hand(other, batches), rtol=1e-12)
    for name in params:
        np.testing.assert_allclose(params[name], other[name], rtol=1e-12)
    assert addresses((params, step.state)) == before
    assert len(step._compiled.programs) == 1
    assert step.parameters()["w"] is params["w"]


def test_arrays_that_are_exchanged_are_seen():
    params = fresh()
    step = jg.train_step(params, loss, ADAM)
    step(X[:8], Y[:8])
    params["w"] = np.full(3, 7.0)
    expected = loss(params, X[:8], Y[:8])
    assert step(X[:8], Y[:8]) == pytest.approx(expected)
    assert params["w"][0] != 7.0


def test_batches_of_other_kinds_find_their_program():
    params = fresh()
    step = jg.train_step(params, loss, ADAM)
    for x, y in ((X, Y), (X[::2], Y[::2]), (X.tolist(), Y), (X, Y)):
        expected = loss(params, np.array(x), y)
        assert step(np.array(x) if isinstance(x, list) else x, y) == pytest.approx(expected)


def linear(x, params):
    return x @ params


class Linear:
    """A callable pytree, as a module is."""

    def __init__(self, w):
        self.w = w

    def __call__(self, x):
        return x @ self.w


jg.compiler.tree.register(Linear, lambda m: ((m.w,), None, ("w",)), lambda _, children: Linear(*children))


def squared(prediction, target):
    return np.mean((prediction - target) ** 2)


def test_callable_models_are_applied_before_the_loss():
    model = Linear(np.zeros(3))
    expected = squared(np.zeros(22), Y)
    assert jg.train_step(model, squared, ADAM)(X, Y) == pytest.approx(expected)
    assert model.w.any()


def loss_and_errors(params, x, y):
    error = x @ params["w"] + params["b"] - y
    return np.mean(error**2), error


def test_aux_clipping_and_frozen_parameters():
    params = fresh()
    step = jg.train_step(
        params, loss_and_errors, optim.SGD(lr=1.0), has_aux=True, max_norm=0.5, trainable=lambda name: name == "w"
    )
    value, errors = step(X, Y)
    np.testing.assert_allclose(errors, -Y)
    assert value == pytest.approx(np.mean(Y**2))
    assert np.linalg.norm(params["w"]) == pytest.approx(0.5, rel=1e-5)
    assert params["b"] == 0
    assert step.state.keys() == {"step", "lr"}


def test_fit_in_memory_equals_training_by_hand():
    params, other = fresh(), fresh()
    history = jg.fit(params, loss, ADAM, (X, Y), epochs=3, **OPTIONS)
    loader = DataLoader((X, Y), 4, shuffle=True, rng=1)
    expected = by_hand(other, [batch for _ in range(3) for batch in loader])
    sizes = np.array([4] * 5 + [2])
    np.testing.assert_allclose(history.losses, [np.average(expected[6 * k : 6 * k + 6], weights=sizes) for k in range(3)])
    np.testing.assert_allclose(params["w"], other["w"], rtol=1e-10)
    assert history.stopped == "epochs"
    assert history.state["step"] == 18


def test_loaders_and_arrays_train_alike():
    results = []
    for data in (
        DataLoader((X, Y), 4, shuffle=True, rng=1),
        DataLoader((X, Y), 4, shuffle=True, rng=1, workers=2),
        DataLoader((X, Y), 4, workers=1),
    ):
        params = fresh()
        jg.fit(params, loss, ADAM, data, epochs=2, shuffle=False)
        results.append(params["w"])
    np.testing.assert_allclose(results[0], results[1], rtol=1e-12)
    assert not np.allclose(results[0], results[2])


def test_torch_loaders_are_taken():
    torch = pytest.importorskip("torch", reason="the loader is PyTorch's")
    dataset = torch.utils.data.TensorDataset(torch.from_numpy(X), torch.from_numpy(Y))
    params, other = fresh(), fresh()
    jg.fit(params, loss, ADAM, torch.utils.data.DataLoader(dataset, batch_size=4), epochs=2)
    jg.fit(other, loss, ADAM, DataLoader((X, Y), 4), epochs=2)
    np.testing.assert_allclose(params["w"], other["w"], rtol=1e-12)


def test_a_resumed_run_is_the_same_to_the_bit():
    whole, parts = fresh(), fresh()
    expected = jg.fit(whole, loss, ADAM, (X, Y), epochs=5, validation=(X, Y), schedule=optim.StepLR(0.05, 2), **OPTIONS)
    options = {"validation": (X, Y), "schedule": optim.StepLR(0.05, 2), "batch_size": 4}
    first = jg.fit(parts, loss, ADAM, (X, Y), epochs=2, rng=1, **options)
    resumed = jg.fit(parts, loss, ADAM, (X, Y), epochs=5, resume=copy.deepcopy(first), **options)
    for name in whole:
        np.testing.assert_array_equal(whole[name], parts[name])
    assert resumed.losses == expected.losses
    assert resumed.validation == expected.validation
    assert [record.epoch for record in resumed.records] == list(range(5))
    assert [record.lr for record in resumed.records] == [0.05, 0.05, 0.005, 0.005, 0.0005] or np.allclose(
        [record.lr for record in resumed.records], [0.05, 0.05, 0.005, 0.005, 0.0005]
    )


def test_patience_restores_the_best_weights():
    params, seen = fresh(), []

    def watch(record, step):
        seen.append((record.validation, params["w"].copy()))

    history = jg.fit(
        params, loss, ADAM, (X, Y), epochs=50, validation=(X[:5], -Y[:5]), patience=3, callbacks=[watch], **OPTIONS
    )
    assert history.stopped == "patience"
    best = min(range(len(seen)), key=lambda k: seen[k][0])
    assert history.best == best == len(seen) - 4
    np.testing.assert_array_equal(params["w"], seen[best][1])


def test_an_interrupt_keeps_the_best_weights():
    params, seen = fresh(), []

    def interrupt(record, step):
        seen.append(params["w"].copy())
        params["w"][...] = 99.0 if record.epoch == 2 else params["w"]
        if record.epoch == 2:
            raise KeyboardInterrupt

    history = jg.fit(params, loss, ADAM, (X, Y), epochs=50, callbacks=[interrupt], **OPTIONS)
    assert history.stopped == "interrupt"
    assert len(history.records) == 3
    np.testing.assert_array_equal(params["w"], seen[history.best])


def test_a_callback_may_end_the_training():
    history = jg.fit(fresh(), loss, ADAM, (X, Y), epochs=50, callbacks=[lambda record, _: record.epoch == 1], **OPTIONS)
    assert history.stopped == "callback"
    assert str(history.records[1]).startswith("epoch 1: loss ")


@pytest.mark.parametrize("kind", ["memory", "loader"])
def test_a_loss_that_is_not_finite_names_epoch_and_batch(kind):
    y = Y.copy()
    y[13] = np.nan
    data = (X, y) if kind == "memory" else DataLoader((X, y), 4, workers=1)
    with pytest.raises(FloatingPointError, match=r"nan in epoch 0, batch 3 \(both counted from 0\)"):
        jg.fit(fresh(), loss, ADAM, data, epochs=2, batch_size=4, shuffle=False)


def error(params, x, y):
    return np.max(np.abs(x @ params["w"] + params["b"] - y))


@pytest.mark.parametrize("kind", ["memory", "loader"])
def test_validation_and_metrics_are_means_over_items(kind):
    params = fresh()
    data = (X, Y) if kind == "memory" else DataLoader((X, Y), 4, workers=1)
    history = jg.fit(params, loss, ADAM, (X, Y), epochs=1, validation=data, metrics={"error": error}, **OPTIONS)
    assert history.validation[0] == pytest.approx(loss(params, X, Y))
    starts = range(0, 22, 4)
    expected = np.average([error(params, X[k : k + 4], Y[k : k + 4]) for k in starts], weights=[4] * 5 + [2])
    assert history.metric("error")[0] == pytest.approx(expected)


def test_plateau_lowers_the_rate():
    plateau = optim.ReduceLROnPlateau(0.05, patience=0, threshold=10.0, threshold_mode="abs", factor=0.5)
    history = jg.fit(fresh(), loss, ADAM, (X, Y), epochs=4, schedule=plateau, **OPTIONS)
    assert [record.lr for record in history.records] == [0.05, 0.05, 0.025, 0.0125] or history.records[-1].lr < 0.05


def test_a_progress_bar_is_shown_if_wanted(capsys):
    pytest.importorskip("tqdm", reason="the bar is tqdm's")
    jg.fit(fresh(), loss, ADAM, (X, Y), epochs=2, progress=True, **OPTIONS)
    assert "12/12" in capsys.readouterr().err


class Empty(Dataset):
    def __len__(self):
        return 0

    def __getitem__(self, index):
        raise IndexError


@pytest.mark.parametrize(
    ("act", "kind", "message"),
    [
        (lambda: jg.fit(fresh(), loss, ADAM, (X, Y), epochs=1), TypeError, "needs an rng"),
        (lambda: jg.fit(fresh(), loss, ADAM, iter([(X, Y)]), epochs=1), TypeError, "once per epoch"),
        (lambda: jg.fit(fresh(), loss, ADAM, Empty(), epochs=1, rng=0), ValueError, "not one batch"),
        (lambda: jg.fit(fresh(), loss, ADAM, (X, Y[:3]), epochs=1, rng=0), ValueError, "first axis"),
        (lambda: jg.fit(fresh(), loss, ADAM, (X, Y), epochs=1, rng=0, metrics={"e": error}), ValueError, "validation"),
        (
            lambda: jg.fit(
                fresh(), loss, optim.SGD(optim.StepLR(1.0, 1)), (X, Y), epochs=1, rng=0, schedule=optim.StepLR(1.0, 1)
            ),
            ValueError,
            "schedule already",
        ),
        (lambda: jg.train_step({"w": 0.5}, loss, ADAM), TypeError, "np.array"),
        (lambda: jg.train_step({"w": np.arange(3)}, loss, ADAM), ValueError, "nothing to train"),
        (lambda: jg.train_step(fresh(), loss, ADAM, trainable=lambda name: False), ValueError, "chosen by trainable"),
    ],
)
def test_mistakes_are_explained(act, kind, message):
    with pytest.raises(kind, match=message):
        act()


def test_history_prints_without_its_arrays():
    records = [Record(0, 2.0, np.nan, {}, 0.1, 1.0), Record(1, 0.5, np.nan, {}, 0.1, 1.0)]
    history = History({"momentum": np.ones(1000)}, records=records)
    assert repr(history) == "<History of 2 epochs, stopped by 'epochs', epoch 1: loss 0.5; best: epoch 1>"
    assert repr(History({})) == "<History of 0 epochs, stopped by 'epochs'>"
