"""Files: what is saved comes back the same, and a bad file is refused and runs nothing."""

import json
import random as python_random
from itertools import pairwise

import numpy as np
import pytest
from jitgrad.compiler.tree import flatten

import jitgrad as jg
from jitgrad import models, nn, saving

safetensors = pytest.importorskip("safetensors")
from safetensors.numpy import load_file, save_file  # noqa: E402


class Net(nn.Module):
    def __init__(self, sizes, act, rng=None):
        rng = np.random.default_rng(rng)
        self.layers = [nn.Linear(a, b, rng=rng) for a, b in pairwise(sizes)]
        self.act, self.drop, self.norm = act, nn.Dropout(0.5, rng=rng), nn.BatchNorm1d(sizes[0])

    def forward(self, x):
        x = self.drop(self.norm(x))
        for layer in self.layers:
            x = self.act(layer(x))
        return x


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


def assert_same(a, b):
    (ours, tree), (theirs, other) = flatten(a), flatten(b)
    assert tree == other
    for x, y in zip(ours, theirs, strict=True):
        assert type(x) is type(y)
        np.testing.assert_array_equal(x, y, strict=True)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Net([3, 4, 2], nn.Tanh(), 0),
        lambda: Net((3, 2), act=nn.Sequential(nn.Linear(2, 2), nn.GELU("tanh")), rng=np.random.default_rng(1)).eval(),
        lambda: models.LeNet5(rng=0).astype(np.float64),
        lambda: nn.Sequential(nn.Conv2d(1, 2, 3, padding="same"), nn.ReLU()).append(nn.MaxPool2d(2)),
        lambda: nn.CrossEntropyLoss(np.array([0.5, 1.0]), label_smoothing=0.1),
        lambda: models.GPT(5, 4, 8, 2, 1, dropout=0.1, rng=0),
        lambda: nn.Linear(2, 3, dtype=np.float64),
    ],
)
def test_models_come_back(path, make):
    model = make()
    jg.save(model, path)
    again = jg.load(path)
    assert_same(model, again)
    assert repr(again) == repr(model)
    assert sorted(load_file(path)) == sorted(model.state_dict())


def test_trees_come_back(path):
    rng = np.random.default_rng(3)
    rng.standard_normal(5)
    tree = {
        "model": nn.Linear(2, 1, rng=0), "rates": (0.1, float("inf"), 3), 7: None, "flag": True, "names": ["a", "é"],
        "state": {"step": np.zeros((), np.int64), "mean": {"weight": np.ones((2, 3), np.float32)[:, ::-1]}},
        "last": np.float32(0.5),
        "rng": rng, "old": np.random.Generator(np.random.MT19937(1)), "dtype": np.dtype("float32"),
    }  # fmt: skip
    jg.save(tree, path)
    again = jg.load(path)
    assert list(again) == list(tree)
    for key in ("rates", 7, "flag", "names", "last", "dtype"):
        assert again[key] == tree[key] and type(again[key]) is type(tree[key])
    assert_same(again["state"], tree["state"])
    assert_same(again["model"], tree["model"])
    for key in ("rng", "old"):
        np.testing.assert_array_equal(again[key].standard_normal(3), tree[key].standard_normal(3))


def test_a_resumed_run_is_bit_identical(path):
    data = np.random.default_rng(0)
    x, y = data.standard_normal((20, 3)).astype(np.float32), data.standard_normal((20, 2)).astype(np.float32)
    checkpoint = {"model": Net([3, 2], nn.Tanh(), 0), "momentum": {}, "rng": np.random.default_rng(5)}
    checkpoint["momentum"] = {name: np.zeros_like(p) for name, p in checkpoint["model"].named_parameters()}
    step = jg.value_and_grad(lambda model, x, y: nn.functional.mse_loss(model(x), y))

    def train(run, steps):
        losses = []
        for _ in range(steps):
            rows = run["rng"].permutation(20)[:8]
            value, gradients = step(run["model"], x[rows], y[rows])
            grads = dict(gradients.named_parameters())
            for name, p in run["model"].named_parameters():
                run["momentum"][name] *= 0.9
                run["momentum"][name] += grads[name]
                p -= 0.1 * run["momentum"][name]
            losses.append(value)
        return losses

    train(checkpoint, 3)
    jg.save(checkpoint, path)
    resumed = jg.load(path)
    assert train(resumed, 3) == train(checkpoint, 3)
    assert_same(resumed["model"], checkpoint["model"])


def test_what_cannot_be_saved_is_named(path):
    for thing, message in (
        ({"a": [object()]}, r"a\.0 is <object"),
        (Net([2, 1], np.tanh), "an argument of Net.*tanh"),
        (np.array(["text"]), "dtype <U4"),
        ({"z": 1j}, "z is 1j"),
    ):
        with pytest.raises(TypeError, match=message):
            jg.save(thing, path)
    changed = Net([2, 1], nn.Tanh())
    changed.layers.append(nn.Linear(1, 1))
    with pytest.raises(TypeError, match="changed after it was made"):
        jg.save(changed, path)
    assert list(path.parent.iterdir()) == []


def test_damaged_files_are_refused(path):
    jg.save({"model": models.MLP([2, 3, 1], rng=0), "rng": np.random.default_rng(0)}, path)
    good = path.read_bytes()
    rng = python_random.Random(0)
    for cut in [0, 4, 8, 20, 100, len(good) // 2, len(good) - 1]:
        path.write_bytes(good[:cut])
        with pytest.raises(ValueError):
            jg.load(path)
    for _ in range(200):
        bad = bytearray(good)
        for _ in range(rng.randint(1, 4)):
            bad[rng.randrange(len(bad))] = rng.randrange(256)
        path.write_bytes(bad)
        try:
            jg.load(path)
        except ValueError:
            continue
    path.write_bytes(b"\x80\x04cos\nsystem\n")
    with pytest.raises(ValueError, match="damaged or no safetensors"):
        jg.load(path)


def header(content, **more):
    return {"jitgrad": json.dumps({"format": saving.FORMAT, "content": content, **more})}


ARGUMENTS = {"list": [{"list": [{"list": ["x"]}]}, {"dict": []}]}


@pytest.mark.parametrize(
    "content",
    [
        {"module": "os.system", "arguments": {"list": [{"list": ["touch ran"]}, {"dict": []}]}},
        {"module": "builtins.eval", "arguments": {"list": [{"list": ["open('ran', 'w')"]}, {"dict": []}]}},
        {"module": "antigravity.Net", "arguments": ARGUMENTS, "arrays": {}, "unsaved": {}, "training": True},
        {"module": "jitgrad.module_layout.Node", "arguments": ARGUMENTS},
        {"module": "jitgrad.nn.linear.Linear", "arguments": {"list": [{"list": [10**9, 10**9]}, {"dict": []}]}, "arrays": {},
         "unsaved": {}, "training": True},
        {"module": ["jitgrad.nn.linear.Linear"], "arguments": ARGUMENTS},
        {"generator": {"dict": [["bit_generator", "__import__"]]}},
        {"dtype": "O"},
        {"small": {"dtype": "object", "shape": [1], "values": ["x"]}},
        {"array": "missing"},
        {"pickle": "x"},
        {"a": 1, "b": 2},
        {"list": 3},
    ],
)  # fmt: skip
def test_malicious_files_run_nothing(path, content, monkeypatch):
    monkeypatch.chdir(path.parent)
    save_file({"x": np.zeros(1)}, path, metadata=header(content))
    before = set(__import__("sys").modules)
    with pytest.raises(ValueError):
        jg.load(path)
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    assert "antigravity" not in set(__import__("sys").modules) - before


def test_files_of_others_and_moved_classes(path):
    save_file({"x": np.zeros(1)}, path)
    with pytest.raises(ValueError, match="arrays only"):
        jg.load(path)
    save_file({"x": np.zeros(1)}, path, metadata={"jitgrad": json.dumps({"format": "jitgrad 99", "content": 1})})
    with pytest.raises(ValueError, match="format 'jitgrad 99'"):
        jg.load(path)
    jg.save(Net([2, 1], nn.Tanh(), 0), path)
    text = path.read_bytes().replace(f"{__name__}.Net".encode(), b"elsewhere.Net".ljust(len(__name__) + 4, b"_"))
    path.write_bytes(text)
    with pytest.raises(ValueError, match="import the file that defines it"):
        jg.load(path)
    Other = type("Net", (), {})  # a class that is no module is not made, whatever its name
    with pytest.raises(ValueError):
        jg.load(path, classes=[Other])


def test_pytorch_reads_the_weights(path):
    torch = pytest.importorskip("torch")
    from safetensors.torch import load_file as load_tensors
    from safetensors.torch import save_file as save_tensors

    ours = nn.Sequential(nn.Conv2d(1, 2, 3, rng=0), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(8, 3, rng=0)).eval()
    t = torch.nn
    theirs = t.Sequential(t.Conv2d(1, 2, 3), t.BatchNorm2d(2), t.Flatten(), t.Linear(8, 3)).eval()
    x = np.random.default_rng(0).standard_normal((5, 1, 4, 4)).astype(np.float32)
    jg.save(ours, path)
    theirs.load_state_dict(load_tensors(path))
    np.testing.assert_allclose(theirs(torch.tensor(x)).detach().numpy(), ours(x), rtol=1e-5, atol=1e-6)
    for parameter in theirs.parameters():
        torch.nn.init.normal_(parameter)
    save_tensors(theirs.state_dict(), path)
    ours.load_state_dict(load_file(path))
    np.testing.assert_allclose(theirs(torch.tensor(x)).detach().numpy(), ours(x), rtol=1e-5, atol=1e-6)
