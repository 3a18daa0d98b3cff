"""A 1-32-32-1 tanh net learns 4 sin(pi x) cos(6 pi x^2) by gradient descent with momentum; 6,000 epochs in one compiled loop.

python examples/curve_fit.py [picture.png]
"""

import sys
import time
from pathlib import Path

import numpy as np

import jitgrad as jg

EPOCHS, RATE, MOMENTUM = 6000, 0.02, 0.9


def target(x):
    return 4 * np.sin(np.pi * x) * np.cos(6 * np.pi * x**2)


def predict(params, x):
    h = np.tanh(x @ params["w1"] + params["b1"])
    h = np.tanh(h @ params["w2"] + params["b2"])
    return h @ params["w3"] + params["b3"]


def loss(params, x, y):
    return np.mean((predict(params, x) - y) ** 2)


@jg.jit
def train(params, velocity, x, y, losses):
    """As many epochs as ``losses`` has room for."""
    for epoch in range(losses.shape[0]):
        losses[epoch], grads = jg.value_and_grad(loss)(params, x, y)
        for name in params:
            velocity[name] *= MOMENTUM
            velocity[name] -= RATE * grads[name]
            params[name] += velocity[name]


def initial(rng):
    params = {}
    for k, (rows, columns) in enumerate(((1, 32), (32, 32), (32, 1)), start=1):
        params[f"w{k}"] = rng.normal(size=(rows, columns)) * (6.0 if k == 1 else 1.0) / np.sqrt(rows)
        params[f"b{k}"] = rng.uniform(-3, 3, columns) if k == 1 else np.zeros(columns)
    return params


def picture(path, x, y, fitted, losses):
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    left.plot(x, y, label="4 sin(πx) cos(6πx²)")
    left.plot(x, fitted, "--", label="net")
    left.legend()
    right.semilogy(losses)
    right.set(xlabel="epoch", ylabel="mean squared error")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
    print(f"picture in {path}")


def main():
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "output" / "curve_fit.png"
    x = np.linspace(-1, 1, 200)[:, None]
    y = target(x)
    params = initial(np.random.default_rng(0))
    velocity = {name: np.zeros_like(p) for name, p in params.items()}
    train(params, velocity, x, y, np.zeros(2))  # compiles
    losses = np.zeros(EPOCHS)
    start = time.perf_counter()
    train(params, velocity, x, y, losses)
    print(f"{EPOCHS} epochs in {time.perf_counter() - start:.2f} s")
    for epoch in (0, 1000, 2000, 4000, EPOCHS - 1):
        print(f"epoch {epoch:4}: loss {losses[epoch]:.6f}")
    picture(path, x, y, predict(params, x), losses)
    assert losses[-1] < 0.05


if __name__ == "__main__":
    main()
