"""The same small problems in jitgrad, hand-written numba, NumPy, PyTorch and JAX, for `table.py`.

In: a problem's name and a peer's name. Out: ``make(problem, peer)``, a function of no arguments that computes the loss and its
gradients from data that is ready in the peer's own kind of array; ``arrays(result)`` are its numbers. Each peer is written as
its experts would write it, computes everything anew at each call, and returns gradients that it does not overwrite later.
"""

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

NETWORKS = {"64x1000x100x10": (64, 1000, 100, 10), "4x10x6x3": (4, 10, 6, 3)}
PROBLEMS = {
    "gradient of 2 numbers, f64": ("jitgrad", "numba", "torch", "jax"),
    **{f"{sizes}, {dtype}": ("jitgrad", "numba", "numpy", "torch", "jax") for sizes in NETWORKS for dtype in ("f32", "f64")},
    "elementwise, 100,000 f32": ("jitgrad", "numba", "numpy", "torch", "jax"),
    "tanh fit 200-1-32-32-1, f32": ("jitgrad", "numpy", "torch", "jax"),
}
Step = Callable[[], Any]


def make(problem: str, peer: str) -> Step:
    """The step of a problem, as the peer does it."""
    name = problem.replace(",", "").split()[0]
    kind = {"gradient": "pair", "elementwise": "elementwise", "tanh": "fit"}.get(name, "network")
    return globals()[f"{peer}_{kind}"](*data(kind, problem))


def arrays(result: Any) -> list[np.ndarray]:
    """The numbers of a result, in order: loss, then gradients."""
    if isinstance(result, (tuple, list)):
        return [array for part in result for array in arrays(part)]
    return [np.asarray(result)]


def data(kind: str, problem: str) -> tuple[Any, ...]:
    """The arguments of a problem's loss."""
    rng = np.random.default_rng(0)
    dtype = np.float64 if problem.endswith("f64") else np.float32
    if kind == "pair":
        return (np.array([np.pi, 1.0]),)
    if kind == "elementwise":
        return (rng.standard_normal(100_000).astype(dtype),)
    sizes = (200, 1, 32, 32, 1) if kind == "fit" else NETWORKS[problem.split(",")[0]]
    params: list[np.ndarray] = []
    for rows, columns in itertools.pairwise(sizes[1:]):
        params += [(rng.standard_normal((rows, columns)) / np.sqrt(rows)).astype(dtype), np.zeros(columns, dtype)]
    x, y = (rng.standard_normal((sizes[0], size)).astype(dtype) for size in (sizes[1], sizes[-1]))
    return tuple(params), x, y


# The losses, in NumPy.


def pair_loss(w):
    return 2 * w[0] * w[1] + w[1] * np.cos(w[0])


def network_loss(params, x, y):
    w1, b1, w2, b2 = params
    hidden = np.maximum(x @ w1 + b1, 0)
    return np.mean((hidden @ w2 + b2 - y) ** 2)


def fit_loss(params, x, y):
    w1, b1, w2, b2, w3, b3 = params
    hidden = np.tanh(np.tanh(x @ w1 + b1) @ w2 + b2)
    return np.mean((hidden @ w3 + b3 - y) ** 2)


# jitgrad


def jitgrad_pair(w):
    import jitgrad as jg

    gradient = jg.grad(pair_loss)
    return lambda: gradient(w)


def jitgrad_network(params, x, y):
    import jitgrad as jg

    step = jg.value_and_grad(network_loss)
    return lambda: step(params, x, y)


def jitgrad_fit(params, x, y):
    import jitgrad as jg

    step = jg.value_and_grad(fit_loss)
    return lambda: step(params, x, y)


def jitgrad_elementwise(x):
    import jitgrad as jg
    from jitgrad.numpy import logistic

    step = jg.value_and_grad(lambda x: np.sum(np.tanh(x) * np.exp(-(x**2)) + logistic(x)))
    return lambda: step(x)


# numba, by hand


def numba_pair(w):
    import numba

    @numba.njit
    def gradient(w):
        result = np.empty(2)
        result[0] = 2 * w[1] - w[1] * math.sin(w[0])
        result[1] = 2 * w[0] + math.cos(w[0])
        return result

    return lambda: gradient(w)


def numba_network(params, x, y):
    import numba

    @numba.njit(error_model="numpy", fastmath={"contract", "nsz", "reassoc"})
    def step(w1, b1, w2, b2, x, y):
        hidden = np.dot(x, w1)
        for i in range(hidden.shape[0]):
            for j in range(hidden.shape[1]):
                value = hidden[i, j] + b1[j]
                hidden[i, j] = value if value > 0 else value * 0
        pull = np.dot(hidden, w2)
        pull_b2 = np.zeros_like(b2)
        scale = pull.dtype.type(2 / pull.size)
        loss = 0.0
        for i in range(pull.shape[0]):
            for j in range(pull.shape[1]):
                error = pull[i, j] + b2[j] - y[i, j]
                loss += error * error
                pull[i, j] = scale * error
                pull_b2[j] += scale * error
        pull_w2 = np.dot(hidden.T, pull)
        pull_hidden = np.dot(pull, w2.T)
        pull_b1 = np.zeros_like(b1)
        for i in range(hidden.shape[0]):
            for j in range(hidden.shape[1]):
                value = pull_hidden[i, j] if hidden[i, j] > 0 else pull_hidden[i, j] * 0
                pull_hidden[i, j] = value
                pull_b1[j] += value
        return loss / pull.size, np.dot(x.T, pull_hidden), pull_b1, pull_w2, pull_b2

    return lambda: step(*params, x, y)


def numba_elementwise(x):
    import numba

    @numba.njit(error_model="numpy", fastmath={"contract", "nsz", "reassoc"})
    def step(x):
        one = x.dtype.type(1)
        gradient = np.empty_like(x)
        loss = 0.0
        for i in range(x.size):
            t, e, s = math.tanh(x[i]), math.exp(-x[i] * x[i]), one / (one + math.exp(-x[i]))
            loss += t * e + s
            gradient[i] = (one - t * t - (x[i] + x[i]) * t) * e + s * (one - s)
        return loss, gradient

    return lambda: step(x)


# NumPy, by hand


def numpy_network(params, x, y):
    w1, b1, w2, b2 = params

    def step():
        hidden = x @ w1
        hidden += b1
        np.maximum(hidden, 0, out=hidden)
        error = hidden @ w2
        error += b2
        error -= y
        loss = np.vdot(error, error) / error.size
        error *= 2 / error.size
        pull = error @ w2.T
        pull *= hidden > 0
        return loss, x.T @ pull, pull.sum(axis=0), hidden.T @ error, error.sum(axis=0)

    return step


def numpy_elementwise(x):
    def step():
        t, e, s = np.tanh(x), np.exp(-x * x), 1 / (1 + np.exp(-x))
        return np.sum(t * e + s), (1 - t * t - 2 * x * t) * e + s * (1 - s)

    return step


def numpy_fit(params, x, y):
    w1, b1, w2, b2, w3, b3 = params

    def step():
        first = np.tanh(x @ w1 + b1)
        second = np.tanh(first @ w2 + b2)
        error = second @ w3 + b3 - y
        pull = error * (2 / error.size)
        pull_second = (pull @ w3.T) * (1 - second * second)
        pull_first = (pull_second @ w2.T) * (1 - first * first)
        return (
            np.mean(error * error), x.T @ pull_first, pull_first.sum(axis=0), first.T @ pull_second,
            pull_second.sum(axis=0), second.T @ pull, pull.sum(axis=0),
        )  # fmt: skip

    return step


# PyTorch, eager


def torch_step(loss: Callable[..., Any], params: Any, *constants: Any) -> Step:
    import torch

    torch.set_num_threads(1)
    leaves = [torch.from_numpy(p.copy()).requires_grad_() for p in params]
    rest = [torch.from_numpy(c) for c in constants]

    def step():
        value = loss(leaves, *rest)
        return value.detach(), torch.autograd.grad(value, leaves)

    return step


def torch_pair(w):
    import torch

    step = torch_step(lambda p: 2 * p[0][0] * p[0][1] + p[0][1] * torch.cos(p[0][0]), [w])
    return lambda: step()[1][0]


def torch_network(params, x, y):
    import torch
    from torch.nn.functional import mse_loss

    return torch_step(
        lambda p, x, y: mse_loss(torch.addmm(p[3], torch.relu(torch.addmm(p[1], x, p[0])), p[2]), y), params, x, y
    )


def torch_elementwise(x):
    import torch

    return torch_step(lambda p: (torch.tanh(p[0]) * torch.exp(-(p[0] ** 2)) + torch.sigmoid(p[0])).sum(), [x])


def torch_fit(params, x, y):
    import torch
    from torch.nn.functional import mse_loss

    def loss(p, x, y):
        hidden = torch.tanh(torch.addmm(p[3], torch.tanh(torch.addmm(p[1], x, p[0])), p[2]))
        return mse_loss(torch.addmm(p[5], hidden, p[4]), y)

    return torch_step(loss, params, x, y)


# JAX, jitted


def jax_step(loss: Callable[..., Any], *arguments: Any, grad: str = "value_and_grad") -> Step:
    import jax

    jax.config.update("jax_enable_x64", True)
    step = jax.jit(getattr(jax, grad)(loss))
    placed = jax.device_put(arguments)
    return lambda: jax.block_until_ready(step(*placed))


def jax_pair(w):
    import jax.numpy as jnp

    return jax_step(lambda w: 2 * w[0] * w[1] + w[1] * jnp.cos(w[0]), w, grad="grad")


def jax_network(params, x, y):
    import jax.numpy as jnp

    def loss(params, x, y):
        w1, b1, w2, b2 = params
        return jnp.mean((jnp.maximum(x @ w1 + b1, 0) @ w2 + b2 - y) ** 2)

    return jax_step(loss, params, x, y)


def jax_elementwise(x):
    import jax
    import jax.numpy as jnp

    return jax_step(lambda x: jnp.sum(jnp.tanh(x) * jnp.exp(-(x**2)) + jax.nn.sigmoid(x)), x)


def jax_fit(params, x, y):
    import jax.numpy as jnp

    def loss(params, x, y):
        w1, b1, w2, b2, w3, b3 = params
        hidden = jnp.tanh(jnp.tanh(x @ w1 + b1) @ w2 + b2)
        return jnp.mean((hidden @ w3 + b3 - y) ** 2)

    return jax_step(loss, params, x, y)
