"""Each layer against PyTorch's of the same name: forward in plain NumPy, gradients compiled."""

import numpy as np
import pytest
from peer import assert_near, check_gradients, matched, tensor, torch

import jitgrad as jg
from jitgrad import nn

pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same'")  # what PyTorch says of its own way to do it

DTYPES = (np.float32, np.float64)


def floats(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape)


def integers(seed, high, *shape):
    return np.random.default_rng(seed).integers(0, high, shape)


# name of the layer, its arguments, and the shapes of its inputs
CASES = [
    ("Linear", (3, 4), {}, [(5, 3)]),
    ("Linear", (3, 4), {"bias": False}, [(2, 5, 3)]),
    ("Linear", (3, 4), {}, [(0, 3)]),
    ("Linear", (3, 4), {}, [(3,)]),
    ("Conv2d", (2, 3, 3), {}, [(2, 2, 6, 5)]),
    ("Conv2d", (2, 3, (3, 2)), {"stride": (2, 1), "padding": (1, 2)}, [(1, 2, 7, 5)]),
    ("Conv2d", (4, 6, 3), {"dilation": 2, "groups": 2, "bias": False}, [(2, 4, 8, 9)]),
    ("Conv2d", (2, 2, 4), {"padding": "same"}, [(1, 2, 5, 6)]),
    ("Conv2d", (1, 1, 1), {"padding": "valid"}, [(1, 1, 1, 1)]),
    ("Conv2d", (2, 3, 3), {}, [(0, 2, 6, 5)]),
    ("MaxPool2d", (2,), {}, [(2, 3, 6, 5)]),
    ("MaxPool2d", (3,), {"stride": 2, "padding": 1}, [(1, 2, 7, 8)]),
    ("MaxPool2d", (2,), {"stride": 1, "dilation": 2}, [(1, 2, 7, 8)]),
    ("AvgPool2d", (2,), {}, [(2, 3, 6, 5)]),
    ("AvgPool2d", ((3, 2),), {"stride": 2, "padding": 1}, [(1, 2, 7, 8)]),
    ("AvgPool2d", (3,), {"stride": 2, "padding": 1, "count_include_pad": False}, [(1, 2, 7, 8)]),
    ("Flatten", (), {}, [(2, 3, 4, 5)]),
    ("Flatten", (0, 1), {}, [(2, 3, 4)]),
    ("ReLU", (), {}, [(4, 3)]),
    ("LeakyReLU", (0.2,), {}, [(4, 3)]),
    ("GELU", (), {}, [(4, 3)]),
    ("GELU", (), {"approximate": "tanh"}, [(4, 3)]),
    ("SiLU", (), {}, [(4, 3)]),
    ("Tanh", (), {}, [(4, 3)]),
    ("Sigmoid", (), {}, [(4, 3)]),
    ("Softmax", (1,), {}, [(4, 3)]),
    ("Softmax", (0,), {}, [(4, 3)]),
    ("LogSoftmax", (-1,), {}, [(2, 4, 3)]),
    ("BatchNorm1d", (3,), {}, [(4, 3)]),
    ("BatchNorm1d", (3,), {"momentum": None, "eps": 1e-3}, [(4, 3, 5)]),
    ("BatchNorm1d", (3,), {"affine": False, "track_running_stats": False}, [(4, 3)]),
    ("BatchNorm2d", (3,), {}, [(4, 3, 2, 5)]),
    ("LayerNorm", (4,), {}, [(3, 4)]),
    ("LayerNorm", ((3, 4),), {"bias": False}, [(2, 3, 4)]),
    ("LayerNorm", (4,), {"elementwise_affine": False}, [(3, 4)]),
    ("RNNCell", (3, 4), {}, [(5, 3), (5, 4)]),
    ("RNNCell", (3, 4), {"nonlinearity": "relu", "bias": False}, [(5, 3)]),
    ("GRUCell", (3, 4), {}, [(5, 3), (5, 4)]),
    ("GRUCell", (3, 4), {}, [(3,)]),
    ("LSTMCell", (3, 4), {}, [(5, 3)]),
]
IDS = [f"{name}-{k}" for k, (name, *_) in enumerate(CASES)]


def pair(case, dtype):
    name, args, kwargs, shapes = case
    ours, theirs = matched(getattr(nn, name)(*args, **kwargs), getattr(torch.nn, name)(*args, **kwargs), dtype)
    return ours, theirs, tuple(floats(k, *shape).astype(dtype) for k, shape in enumerate(shapes))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_forward(case, dtype):
    ours, theirs, inputs = pair(case, dtype)
    assert_near(ours(*inputs), theirs(*(tensor(x) for x in inputs)), dtype)
    for (name, buffer), (_, expected) in zip(ours.named_buffers(), theirs.named_buffers(), strict=True):
        np.testing.assert_allclose(buffer, expected.numpy(), rtol=1e-6, err_msg=name)
    assert_near(ours.eval()(*inputs), theirs.eval()(*(tensor(x) for x in inputs)), dtype)


def cases(*words):
    return [k for k, case in enumerate(CASES) if any(word in case[0] for word in words)]


GROUPS = {
    "few": [0, 27, 4],
    "dense": cases("Linear", "LU", "Tanh", "Sigmoid"),
    "normalised": cases("Norm", "oftmax"),
    "images": cases("2d", "Flatten"),
    "recurrent": cases("Cell"),
}
COMBINATIONS = [
    pytest.param(
        group, dtype, marks=[] if (group, dtype) == ("few", np.float64) else pytest.mark.slow, id=f"{group}-{dtype.__name__}"
    )
    for group in GROUPS
    for dtype in DTYPES
]


@pytest.mark.parametrize("group, dtype", COMBINATIONS)
def test_gradients(group, dtype):
    check_gradients({IDS[k]: pair(CASES[k], dtype) for k in GROUPS[group]}, dtype)


def test_lstm_cell_returns_both_states():
    ours, theirs = matched(nn.LSTMCell(3, 4, rng=0), torch.nn.LSTMCell(3, 4), np.float64)
    x, h, c = floats(0, 5, 3), floats(1, 5, 4), floats(2, 5, 4)
    assert_near(ours(x, (h, c)), theirs(tensor(x), (tensor(h), tensor(c))), np.float64)


@pytest.mark.parametrize("padding_idx", [None, 2, -1])
def test_embedding(padding_idx):
    ours, theirs = matched(nn.Embedding(5, 3, padding_idx, rng=0), torch.nn.Embedding(5, 3, padding_idx), np.float64)
    ids = integers(0, 5, 4, 6)
    assert_near(ours(ids), theirs(tensor(ids)), np.float64)
    assert ours(ids[:0]).shape == (0, 6, 3)


@pytest.mark.slow
def test_embedding_gradients():
    pairs = {}
    for name, padding in (("plain", None), ("padded", 2)):
        ours, theirs = matched(nn.Embedding(5, 3, padding, rng=0), torch.nn.Embedding(5, 3, padding), np.float64)
        pairs[name] = ours, theirs, (integers(0, 5, 4, 6),)
    check_gradients(pairs, np.float64)


def test_max_pooling_gives_the_gradient_of_a_tie_to_the_first():
    import jitgrad as jg

    x = np.zeros((1, 1, 2, 4))
    gradient = jg.grad(lambda x: np.sum(nn.functional.max_pool2d(x, 2)))(x)
    np.testing.assert_array_equal(gradient[0, 0], [[1, 0, 1, 0], [0, 0, 0, 0]])


def test_max_pooling_passes_nan_on():
    x = np.array([[np.nan, 1.0], [2.0, 3.0]]).reshape(1, 1, 2, 2)
    assert np.isnan(nn.functional.max_pool2d(x, 2)).all()
    assert np.isnan(nn.functional.max_pool2d(x[..., ::-1, ::-1], 2)).all()


def test_wrong_shapes_are_refused_by_name():
    x = np.zeros((2, 3))
    for layer, message in (
        (nn.Linear(4, 5), "Linear.*in_features=4.*last axis of the input has size 3"),
        (nn.Conv2d(1, 2, 3), "Conv2d.*expected an input"),
        (nn.BatchNorm1d(4), "BatchNorm1d.*second of size 4"),
        (nn.LayerNorm(4), "last axes"),
        (nn.GRUCell(4, 5), "GRUCell.*size 3"),
    ):
        with pytest.raises(ValueError, match=message):
            layer(x)
    with pytest.raises(ValueError, match="does not fit"):
        nn.Conv2d(1, 2, 5)(np.zeros((1, 1, 4, 4)))
    with pytest.raises(ValueError, match="more than half"):
        nn.MaxPool2d(2, padding=2)(np.zeros((1, 1, 4, 4)))
    with pytest.raises(TypeError, match=r"embedding.*float64"):
        nn.Embedding(4, 2)(x)
    with pytest.raises(ValueError, match="one value per channel"):
        nn.BatchNorm1d(3)(np.zeros((1, 3)))


def test_integers_without_a_row_are_refused_compiled_too():
    import jitgrad as jg

    table = nn.Embedding(4, 2, rng=0)
    compiled = jg.jit(table)
    np.testing.assert_array_equal(compiled(np.array([3, 0])), table(np.array([3, 0])))
    for call in (table, compiled):
        for bad in (-1, 4):
            with pytest.raises(IndexError, match=r"embedding|weight"):
                call(np.array([0, bad]))


def test_integers_without_a_row_are_named_by_compiled_programs() -> None:
    layer = nn.Embedding(5, 3)
    with pytest.raises(IndexError, match="embedding: an integer of the input is negative, or has no row in the weight"):
        jg.jit(lambda ids: layer(ids))(np.array([1, 7]))
    loss = jg.jit(lambda x, y, w: nn.functional.cross_entropy(x, y, w))
    with pytest.raises(IndexError, match="cross_entropy: a target is not the number of a class"):
        loss(np.zeros((2, 3)), np.array([0, 5]), np.ones(3))
