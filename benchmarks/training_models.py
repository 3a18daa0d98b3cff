"""The networks that `training.py` times, each written once: `ops` holds the functions of NumPy, PyTorch or JAX.

`MODELS` gives for each name the optimiser and its options, the weights, and a batch of a given size; all float32.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

CONTEXT, WIDTH, HEADS, BLOCKS, LETTERS = 32, 48, 4, 2, 65
DEPTH = 2


class Model(NamedTuple):
    loss: Callable[..., Any]
    weights: Callable[[np.random.Generator], dict[str, np.ndarray]]
    batch: Callable[[np.random.Generator, int], tuple[np.ndarray, ...]]
    optimizer: tuple[str, dict[str, float]]


def dense(rng: np.random.Generator, **shapes: tuple[int, ...]) -> dict[str, np.ndarray]:
    """Weights uniform within 1 / sqrt(inputs), one array for each shape, inputs first."""
    bound = {name: 1 / np.sqrt(np.prod(shape[1:]) if len(shape) == 4 else shape[0]) for name, shape in shapes.items()}
    return {name: rng.uniform(-bound[name], bound[name], shape).astype(np.float32) for name, shape in shapes.items()}


def regression(inputs: int, outputs: int) -> Callable[[np.random.Generator, int], tuple[np.ndarray, ...]]:
    def batch(rng: np.random.Generator, size: int) -> tuple[np.ndarray, ...]:
        return rng.normal(size=(size, inputs)).astype(np.float32), rng.normal(size=(size, outputs)).astype(np.float32)

    return batch


def two_layer(ops: Any, p: Any, x: Any, y: Any) -> Any:
    return ops.mse(ops.relu(x @ p["w1"] + p["b1"]) @ p["w2"] + p["b2"], y)


def curve_fit(ops: Any, p: Any, x: Any, y: Any) -> Any:
    h = ops.tanh(ops.tanh(x @ p["w1"] + p["b1"]) @ p["w2"] + p["b2"])
    return ops.mse(h @ p["w3"] + p["b3"], y)


def dynamic(ops: Any, p: Any, x: Any, y: Any) -> Any:
    h = ops.relu(x @ p["w1"] + p["b1"])
    for _ in range(DEPTH):
        h = ops.relu(h @ p["w2"] + p["b2"])
    return ops.mse(h @ p["w3"] + p["b3"], y)


def lenet(ops: Any, p: Any, x: Any, y: Any) -> Any:
    x = ops.max_pool(ops.relu(ops.conv(x, p["k1"], p["c1"])))
    x = ops.max_pool(ops.relu(ops.conv(x, p["k2"], p["c2"])))
    x = ops.relu(x.reshape(x.shape[0], 400) @ p["w1"] + p["b1"])
    x = ops.relu(x @ p["w2"] + p["b2"])
    return ops.cross_entropy(x @ p["w3"] + p["b3"], y)


def gpt(ops: Any, p: Any, x: Any, y: Any) -> Any:
    h = p["letter"][x] + p["place"]
    for k in range(BLOCKS):
        own = p["blocks"][k]
        h = h + attention(ops, own, ops.layer_norm(h, own["g1"], own["s1"]))
        h = h + ops.relu(ops.layer_norm(h, own["g2"], own["s2"]) @ own["wide"] + own["b1"]) @ own["narrow"] + own["b2"]
    logits = ops.layer_norm(h, p["g"], p["s"]) @ p["head"]
    return ops.cross_entropy(logits.reshape(x.shape[0] * CONTEXT, LETTERS), y.reshape(x.shape[0] * CONTEXT))


def attention(ops: Any, p: Any, x: Any) -> Any:
    q, k, v = (ops.heads((x @ p[name]).reshape(x.shape[0], CONTEXT, HEADS, WIDTH // HEADS)) for name in ("q", "k", "v"))
    mixed = ops.heads(ops.causal_attention(q, k, v))
    return mixed.reshape(x.shape[0], CONTEXT, WIDTH) @ p["out"]


def lenet_weights(rng: np.random.Generator) -> dict[str, np.ndarray]:
    small = {"c1": (6,), "c2": (16,), "b1": (120,), "b2": (84,), "b3": (10,)}
    return dense(rng, k1=(6, 1, 5, 5), k2=(16, 6, 5, 5), w1=(400, 120), w2=(120, 84), w3=(84, 10), **small)


def lenet_batch(rng: np.random.Generator, size: int) -> tuple[np.ndarray, ...]:
    return rng.uniform(size=(size, 1, 32, 32)).astype(np.float32), rng.integers(10, size=size)


def gpt_weights(rng: np.random.Generator) -> dict[str, Any]:
    def block() -> dict[str, np.ndarray]:
        square = dense(rng, q=(WIDTH, WIDTH), k=(WIDTH, WIDTH), v=(WIDTH, WIDTH), out=(WIDTH, WIDTH))
        net = dense(rng, wide=(WIDTH, 4 * WIDTH), narrow=(4 * WIDTH, WIDTH), b1=(4 * WIDTH,), b2=(WIDTH,))
        return {**square, **net, **norms("g1", "s1"), **norms("g2", "s2")}

    def norms(gain: str, shift: str) -> dict[str, np.ndarray]:
        return {gain: np.ones(WIDTH, np.float32), shift: np.zeros(WIDTH, np.float32)}

    tables = dense(rng, letter=(LETTERS, WIDTH), place=(CONTEXT, WIDTH), head=(WIDTH, LETTERS))
    return {**tables, **norms("g", "s"), "blocks": [block() for _ in range(BLOCKS)]}


def gpt_batch(rng: np.random.Generator, size: int) -> tuple[np.ndarray, ...]:
    return rng.integers(LETTERS, size=(size, CONTEXT)), rng.integers(LETTERS, size=(size, CONTEXT))


SGD, MOMENTUM, ADAM = ("SGD", {"lr": 1e-3}), ("SGD", {"lr": 1e-2, "momentum": 0.9}), ("Adam", {"lr": 1e-3})
DEEP = {"w1": (1000, 100), "b1": (100,), "w2": (100, 100), "b2": (100,), "w3": (100, 10), "b3": (10,)}
TANH = {"w1": (1, 32), "b1": (32,), "w2": (32, 32), "b2": (32,), "w3": (32, 1), "b3": (1,)}
FLAT = {"w1": (1000, 100), "b1": (100,), "w2": (100, 10), "b2": (10,)}

MODELS = {
    "two_layer": Model(two_layer, lambda rng: dense(rng, **FLAT), regression(1000, 10), SGD),
    "two_layer_adam": Model(two_layer, lambda rng: dense(rng, **FLAT), regression(1000, 10), ADAM),
    "curve_fit": Model(curve_fit, lambda rng: dense(rng, **TANH), regression(1, 1), MOMENTUM),
    "dynamic_net": Model(dynamic, lambda rng: dense(rng, **DEEP), regression(1000, 10), MOMENTUM),
    "lenet": Model(lenet, lenet_weights, lenet_batch, ADAM),
    "char_gpt": Model(gpt, gpt_weights, gpt_batch, ADAM),
}
