"""Each loss against PyTorch's of the same name."""

import numpy as np
import pytest
from peer import assert_near, check_gradients, tensor, torch

from jitgrad import nn

RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((4, 3)), RNG.standard_normal((4, 3))
LABELS, WEIGHT = np.array([2, 0, 1, 2]), np.array([0.5, 2.0, 1.0])
PARTLY = np.array([2, -100, 1, -100])
PROBABILITIES = np.exp(Y) / np.exp(Y).sum(axis=1, keepdims=True)
IMAGES, PIXELS = RNG.standard_normal((2, 3, 4, 5)), RNG.integers(0, 3, (2, 4, 5))

# loss, its arguments, the input and the target
CASES = [
    ("MSELoss", {}, X, Y),
    ("L1Loss", {}, X, Y),
    ("HuberLoss", {}, X, Y),
    ("HuberLoss", {"delta": 0.3}, X, Y),
    ("BCEWithLogitsLoss", {}, X, (Y > 0) * 1.0),
    ("BCEWithLogitsLoss", {"weight": WEIGHT, "pos_weight": WEIGHT[::-1].copy()}, 100 * X, PROBABILITIES),
    ("NLLLoss", {}, X, LABELS),
    ("NLLLoss", {"weight": WEIGHT, "ignore_index": 1}, IMAGES, PIXELS),
    ("CrossEntropyLoss", {}, X, LABELS),
    ("CrossEntropyLoss", {"weight": WEIGHT}, 50 * X, PARTLY),
    ("CrossEntropyLoss", {"label_smoothing": 0.2, "weight": WEIGHT}, X, PARTLY),
    ("CrossEntropyLoss", {"label_smoothing": 0.2}, X, PROBABILITIES),
    ("CrossEntropyLoss", {"weight": WEIGHT}, IMAGES, np.abs(IMAGES)),
    ("CrossEntropyLoss", {"label_smoothing": 0.1}, IMAGES, PIXELS),
    ("CrossEntropyLoss", {}, X[0], LABELS[0]),
    ("CrossEntropyLoss", {"label_smoothing": 0.3}, X[0], PROBABILITIES[0]),
]
IDS = [f"{name}-{k}" for k, (name, *_) in enumerate(CASES)]


def pair(case, reduction, dtype):
    name, options, x, target = case
    given = {key: value.astype(dtype) if isinstance(value, np.ndarray) else value for key, value in options.items()}
    theirs = {key: tensor(value, grad=False) if isinstance(value, np.ndarray) else value for key, value in given.items()}
    target = np.asarray(target)
    target = target.astype(dtype) if target.dtype.kind == "f" else target
    return (
        getattr(nn, name)(reduction=reduction, **given),
        getattr(torch.nn, name)(reduction=reduction, **theirs),
        (x.astype(dtype), target),
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_values(case, reduction, dtype):
    ours, theirs, (x, target) = pair(case, reduction, dtype)
    assert_near(ours(x, target), theirs(tensor(x), tensor(target, grad=False)), dtype)


@pytest.mark.parametrize(
    "some",
    [
        pytest.param(slice(8, 9)),
        pytest.param(slice(0, 8), marks=pytest.mark.slow),
        pytest.param(slice(8, None), marks=pytest.mark.slow),
    ],
)
def test_gradients(some):
    check_gradients(
        {name: pair(case, "mean", np.float64) for name, case in list(zip(IDS, CASES, strict=True))[some]}, np.float64
    )


def test_known_values():
    assert nn.MSELoss()(np.zeros(3), np.array([1.0, 0.0, -1.0])) == pytest.approx(0.6667, abs=5e-5)
    scores, classes = np.array([[-1.0, 1.0], [-1.0, 1.0], [1.0, -1.0]]), np.array([1, 1, 0])
    assert nn.CrossEntropyLoss()(scores, classes) == pytest.approx(0.1269, abs=5e-5)


@pytest.mark.parametrize("reduction", ["sum", "none"])
def test_empty_batches(reduction):
    loss = nn.CrossEntropyLoss(reduction=reduction)
    expected = torch.nn.CrossEntropyLoss(reduction=reduction)(torch.zeros(0, 3), torch.zeros(0, dtype=torch.int64))
    assert_near(loss(np.zeros((0, 3), np.float32), np.zeros(0, np.int64)), expected, np.float32)


def test_mistakes_are_named():
    with pytest.raises(ValueError, match=r"mse_loss.*\(4, 3\).*\(4,\)"):
        nn.MSELoss()(X, LABELS * 1.0)
    with pytest.raises(ValueError, match=r"cross_entropy.*expected"):
        nn.CrossEntropyLoss()(X, LABELS[:2])
    with pytest.raises(TypeError, match=r"nll_loss.*float64"):
        nn.NLLLoss()(X, LABELS * 1.0)
    with pytest.raises(ValueError, match='MSELoss: reduction is "mean"'):
        nn.MSELoss("average")
    with pytest.raises(ValueError, match="delta"):
        nn.HuberLoss(delta=0.0)(X, Y)


def test_labels_out_of_range_are_refused_compiled_too():
    import jitgrad as jg

    loss = nn.CrossEntropyLoss()
    compiled = jg.jit(lambda x, target: loss(x, target))
    assert_near(compiled(X, LABELS), loss(X, LABELS), np.float64)
    for call in (loss, compiled):
        for bad in (3, -1):
            with pytest.raises(IndexError, match="cross_entropy: a target"):
                call(X, np.array([0, 1, bad, 2]))
