"""Programs for test_cuda, and a script that runs them on numba's CUDA simulator and saves their results:

    NUMBA_ENABLE_CUDASIM=1 python cuda_cases.py results.npz

The simulator runs each thread of a block as a thread of Python, so blocks are small here, except for one network.
"""

import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import jitgrad as jg

BATCHES = {"a": (5, 19, 17, 3), "b": (9, 4, 6, 2), "c": (1, 1, 1, 1), "d": (0, 4, 3, 2)}
DTYPES = ("float32", "float64")


def loss(params, x, y):
    h = np.maximum(x @ params["w1"] + params["b1"], 0)
    return np.mean((h @ params["w2"] + params["b2"] - y) ** 2)


def step(params, x, y, lr):
    value, gradients = jg.value_and_grad(loss)(params, x, y)
    for name in params:
        params[name] -= lr * gradients[name]
    return value


def network(dtype: str, batch: str) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """Parameters, inputs and targets of a two-layer network."""
    rows, inputs, hidden, outputs = BATCHES[batch]
    r = np.random.default_rng(7)
    shapes = {"w1": (inputs, hidden), "b1": (hidden,), "w2": (hidden, outputs), "b2": (outputs,)}
    params = {name: r.normal(size=shape).astype(dtype) for name, shape in shapes.items()}
    return params, r.normal(size=(rows, inputs)).astype(dtype), r.normal(size=(rows, outputs)).astype(dtype)


def differentiate(value_and_grad: Callable[..., Any], dtype: str, batch: str) -> Iterator[tuple[str, Any]]:
    """The value and the gradients of the loss."""
    value, gradients = value_and_grad(*network(dtype, batch))
    yield "value", value
    yield from ((f"gradient {name}", gradient) for name, gradient in gradients.items())


def train(take_step: Callable[..., Any], dtype: str, batch: str) -> Iterator[tuple[str, Any]]:
    """The losses of two steps, and what they make of the parameters."""
    arguments = network(dtype, batch)
    yield "losses", np.array([take_step(*arguments, 0.1) for _ in range(2)])
    yield from arguments[0].items()


def value_and_grad_by_hand(params, x, y):
    """Backpropagation written with NumPy; the derivative of maximum at a tie is a half."""
    a = x @ params["w1"] + params["b1"]
    h = np.maximum(a, 0)
    d = h @ params["w2"] + params["b2"] - y
    dy = x.dtype.type(2) / x.dtype.type(d.size) * d
    da = dy @ params["w2"].T * np.where(a > 0, 1, np.where(a == 0, 0.5, 0)).astype(x.dtype)
    return np.mean(d**2), {"w1": x.T @ da, "b1": da.sum(0), "w2": h.T @ dy, "b2": dy.sum(0)}


def step_by_hand(params, x, y, lr):
    value, gradients = value_and_grad_by_hand(params, x, y)
    for name in params:
        params[name] -= params[name].dtype.type(lr) * gradients[name]
    return value


# single operations, whose meaning is NumPy's


def set_rows(x):
    y = np.zeros((6, 7), x.dtype)
    y[1:] = x
    y[0] = x[1]
    y[1:, 2] += 1
    return y


def iterate(x, n):
    for _ in range(n):
        x = np.tanh(x @ x.T) @ x
    return x


def decay_product(p):
    p -= 0.1 * (p @ p)
    return p, p.sum()


def replace_rows(p, n):
    for _ in range(n):
        p[:] = np.tanh(p @ p)
    return p


def softmax(x):
    e = np.exp(x - x.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def apply_all(functions: tuple[Callable[..., Any], ...]) -> Callable[..., Any]:
    return lambda *x: tuple(f(*x) for f in functions)


R = np.random.default_rng(1)
A, B = R.normal(size=(5, 7)).astype("float32"), R.normal(size=(7, 6)).astype("float32")
S, T = R.normal(size=(4, 4)), R.normal(size=(3, 5, 7))
V, P = R.normal(size=7).astype("float32"), np.abs(A) + np.float32(0.1)
I, K = R.integers(-5, 5, size=(4, 6)), R.integers(1, 5, size=(4, 6)).astype("int32")

OPERATIONS: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "sums": (lambda x: (np.sum(x), x.sum(0), x.sum(1), np.var(x)), (A,)),
    "sums in three dimensions": (lambda x: (x.sum(1), x.sum((0, 2)), x.max((1, 2))), (T,)),
    "extremes": (lambda x: (np.max(x), x.min(1), x.prod(0)), (A,)),
    "integer reductions": (lambda x: (np.max(x), x.min(1), x.sum(0), x.prod(1)), (I,)),
    "narrow integers": (lambda x: (np.max(x), x.sum(0, dtype=np.int32), x * x, x @ x.T), (K,)),
    "truth values": (lambda x: (np.all(x), np.any(x, 1), x.sum(0), x @ x.T), (I > 0,)),
    "positions": (lambda x: (np.argmax(x[0]), np.argmax(x, 1), np.argmin(x, 0)), (A,)),
    "vector products": (lambda x, v: (x @ v, v @ x.T, x.T @ x[:, 0], v @ v), (A, V)),
    "matrix products": (lambda x, y: (x @ y, y.T @ x.T, x.T @ x), (A, B)),
    "products that go on": (lambda x, y: np.sum(np.maximum(x @ y, 0)), (A, B)),
    "product with two readers": (lambda x, y: (lambda d: (d.sum(1), np.tanh(d), d.max()))(x @ y), (A, B)),
    "sum of products": (lambda x, y: x @ y + x @ (2 * y) + (3 * x) @ y, (A, B)),
    "batched product": (lambda x: x @ np.transpose(x, (0, 2, 1)), (T,)),
    "product in place": (decay_product, (S,)),
    "softmax": (softmax, (A,)),
    "trigonometry": (apply_all((np.sin, np.cos, np.tan)), (A,)),
    "functions": (apply_all((np.tanh, np.exp2, np.cbrt, np.rint, np.floor, np.trunc, np.sign, np.arctan)), (A,)),
    "logarithms": (apply_all((np.sqrt, np.log, np.log2, np.log10, np.log1p)), (P,)),
    "predicates": (apply_all((np.isnan, np.isinf, np.isfinite, np.signbit)), (A,)),
    "pairs": (
        apply_all((np.maximum, np.fmin, np.hypot, np.arctan2, np.fmod, np.remainder, np.floor_divide, np.logaddexp, np.power)),
        (P, P[::-1].copy()),
    ),
    "integer pairs": (apply_all((np.remainder, np.floor_divide, np.fmod, np.power)), (K, K[::-1].copy())),
    "slices": (lambda x: (x[1:, ::2] * 2, x[::-1], x.T * 1, np.where(x > 0, x, 0)), (A,)),
    "writes": (set_rows, (A,)),
    "joined": (lambda x: (np.concatenate([x, x], 1), np.stack([x, x])), (A,)),
    "loop": (iterate, (A, 3)),
    "gradient of a loop": (lambda x, n: jg.grad(lambda x: np.sum(iterate(x, n)))(x), (A / 3, 2)),
    "argument bound anew": (replace_rows, (S, 3)),
    "single elements": (lambda x: x[0] + x[2] * 2, (V,)),
    "nothing": (lambda x: (x.sum(0), x.sum(1), x * 2, x @ x.T, x.T @ x), (np.zeros((0, 3)),)),
}  # fmt: skip


def operate(name: str, wrap: Callable[[Any], Any]) -> Iterator[tuple[str, Any]]:
    """The results of an operation."""
    function, arguments = OPERATIONS[name]
    results = wrap(function)(*[a.copy() if isinstance(a, np.ndarray) else a for a in arguments])
    yield from ((str(k), r) for k, r in enumerate(results if isinstance(results, tuple) else (results,)))


def main(path: str) -> None:
    from jitgrad.compiler.emit.cuda import blocks

    value_and_grad, take_step = jg.value_and_grad(loss, target="cuda"), jg.jit(step, target="cuda")
    found = {f"full blocks/{key}": value for key, value in differentiate(value_and_grad, "float32", "a")}
    blocks.TILE, blocks.THREADS, blocks.ACROSS, blocks.ALONG = 4, 8, (4, 2), (2, 4)
    value_and_grad, take_step = jg.value_and_grad(loss, target="cuda"), jg.jit(step, target="cuda")
    for dtype in DTYPES:
        for batch in BATCHES:
            results = (*differentiate(value_and_grad, dtype, batch), *train(take_step, dtype, batch))
            found |= {f"{dtype} {batch}/{key}": value for key, value in results}
    for name in OPERATIONS:
        found |= {f"{name}/{key}": value for key, value in operate(name, lambda f: jg.jit(f, target="cuda"))}
    np.savez(path, **found)


if __name__ == "__main__":
    main(sys.argv[1])
