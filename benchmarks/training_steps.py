"""One training step of a model in each framework.

`STEPS[contestant](model)` gives two functions, `prepare(batch)` and `step(prepared) -> loss`. The weights start from the
same numbers everywhere. JAX's updates are written out here, donate their memory, and are compiled with the gradient.
"""

import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
from training_models import HEADS, WIDTH, Model

SCALE = 1 / math.sqrt(WIDTH // HEADS)
Step = tuple[Callable[..., Any], Callable[..., float]]


def jitgrad_step(model: Model) -> Step:
    import jitgrad as jg
    from jitgrad.nn import functional as f

    ops = SimpleNamespace(
        relu=f.relu,
        tanh=np.tanh,
        mse=f.mse_loss,
        conv=f.conv2d,
        max_pool=lambda x: f.max_pool2d(x, 2),
        cross_entropy=f.cross_entropy,
        layer_norm=lambda x, gain, shift: f.layer_norm(x, (WIDTH,), gain, shift),
        heads=lambda x: x.transpose(0, 2, 1, 3),
        causal_attention=lambda q, k, v: f.scaled_dot_product_attention(q, k, v, is_causal=True),
    )
    params = model.weights(np.random.default_rng(0))
    name, options = model.optimizer

    def loss(p: Any, *batch: Any) -> Any:
        return model.loss(ops, p, *batch)

    step = jg.train_step(params, loss, getattr(jg.optim, name)(**options))
    return lambda batch: batch, lambda batch: float(step(*batch))


def torch_step(model: Model, compiled: bool = False) -> Step:
    import torch
    from torch.nn import functional as f

    torch.set_num_threads(1)
    ops = SimpleNamespace(
        relu=torch.relu,
        tanh=torch.tanh,
        mse=f.mse_loss,
        conv=f.conv2d,
        max_pool=lambda x: f.max_pool2d(x, 2),
        cross_entropy=f.cross_entropy,
        layer_norm=lambda x, gain, shift: f.layer_norm(x, (WIDTH,), gain, shift),
        heads=lambda x: x.transpose(1, 2),
        causal_attention=lambda q, k, v: f.scaled_dot_product_attention(q, k, v, is_causal=True),
    )
    leaves: list[Any] = []

    def tensor(tree: Any) -> Any:
        if isinstance(tree, dict):
            return {key: tensor(value) for key, value in tree.items()}
        if isinstance(tree, list):
            return [tensor(value) for value in tree]
        leaves.append(torch.from_numpy(tree).requires_grad_())
        return leaves[-1]

    params = tensor(model.weights(np.random.default_rng(0)))
    name, options = model.optimizer
    optimizer = getattr(torch.optim, name)(leaves, **options)

    def loss(*batch: Any) -> Any:
        return model.loss(ops, params, *batch)

    run = torch.compile(loss) if compiled else loss

    def step(batch: Any) -> float:
        optimizer.zero_grad()
        value = run(*batch)
        value.backward()
        optimizer.step()
        return value.item()

    return lambda batch: tuple(map(torch.from_numpy, batch)), step


def jax_step(model: Model) -> Step:
    import jax
    import jax.numpy as jnp

    def mean_square(p: Any, y: Any) -> Any:
        return jnp.mean((p - y) ** 2)

    def layer_norm(x: Any, gain: Any, shift: Any) -> Any:
        centred = x - x.mean(axis=-1, keepdims=True)
        return centred * jax.lax.rsqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-5) * gain + shift

    def attend(q: Any, k: Any, v: Any) -> Any:
        scores = q @ k.transpose(0, 1, 3, 2) * SCALE
        return jax.nn.softmax(jnp.where(jnp.tri(scores.shape[-1], dtype=bool), scores, -jnp.inf)) @ v

    ops = SimpleNamespace(
        relu=jax.nn.relu,
        tanh=jnp.tanh,
        mse=mean_square,
        conv=lambda x, w, b: jax.lax.conv(x, w, (1, 1), "VALID") + b[:, None, None],
        max_pool=lambda x: jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID"),
        cross_entropy=lambda x, y: -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(x), y[:, None], axis=1)),
        layer_norm=layer_norm,
        heads=lambda x: x.transpose(0, 2, 1, 3),
        causal_attention=attend,
    )
    params = jax.tree.map(jnp.asarray, model.weights(np.random.default_rng(0)))
    update = {"SGD": jax_sgd, "Adam": jax_adam}[model.optimizer[0]](jax, jnp, model.optimizer[1])
    state = (jnp.zeros((), jnp.int32), jax.tree.map(jnp.zeros_like, params), jax.tree.map(jnp.zeros_like, params))

    def whole(params: Any, state: Any, batch: Any) -> Any:
        value, grads = jax.value_and_grad(lambda p: model.loss(ops, p, *batch))(params)
        return value, *update(params, grads, state)

    run = jax.jit(whole, donate_argnums=(0, 1))
    kept = [params, state]

    def step(batch: Any) -> float:
        value, *kept[:] = run(*kept, batch)
        jax.block_until_ready(kept)
        return float(value)

    return lambda batch: tuple(map(jax.device_put, batch)), step


def jax_sgd(jax: Any, jnp: Any, options: dict[str, float]) -> Callable[..., Any]:
    def update(params: Any, grads: Any, state: Any) -> Any:
        count, velocity, unused = state
        if "momentum" in options:
            velocity = jax.tree.map(lambda v, g: options["momentum"] * v + g, velocity, grads)
            grads = velocity
        return jax.tree.map(lambda p, g: p - options["lr"] * g, params, grads), (count, velocity, unused)

    return update


def jax_adam(jax: Any, jnp: Any, options: dict[str, float]) -> Callable[..., Any]:
    def update(params: Any, grads: Any, state: Any) -> Any:
        count, mean, square = state
        count = count + 1
        mean = jax.tree.map(lambda m, g: m + 0.1 * (g - m), mean, grads)
        square = jax.tree.map(lambda s, g: 0.999 * s + 0.001 * g * g, square, grads)
        rate, scale = options["lr"] / (1 - 0.9**count), jnp.sqrt(1 - 0.999**count)
        params = jax.tree.map(lambda p, m, s: p - rate * m / (jnp.sqrt(s) / scale + 1e-8), params, mean, square)
        return params, (count, mean, square)

    return update


STEPS = {
    "jitgrad": jitgrad_step,
    "torch": torch_step,
    "compile": lambda model: torch_step(model, compiled=True),
    "jax": jax_step,
}
