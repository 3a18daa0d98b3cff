"""A two-layer net three ways: derivatives by hand in NumPy, derivatives by `grad`, and modules with an optimiser.

All three start from the same weights and must agree. Each way's code, and its compiled program, is the same for both
sizes.
"""

import numpy as np

import jitgrad as jg
from jitgrad import nn, optim

STEPS = 500


def data(samples, inputs, hidden, outputs):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(samples, inputs)), rng.normal(size=(samples, outputs))
    return x, y, rng.normal(size=(inputs, hidden)), rng.normal(size=(hidden, outputs))


def by_hand(x, y, w1, w2, rate):
    """Forward and backward pass written out."""
    w1, w2, losses = w1.copy(), w2.copy(), []
    for _ in range(STEPS):
        h = x @ w1
        relu = np.maximum(h, 0)
        error = relu @ w2 - y
        losses.append(np.sum(error**2))
        grad_w2 = relu.T @ (2 * error)
        grad_h = (2 * error) @ w2.T
        grad_h[h < 0] = 0
        w1 -= rate * (x.T @ grad_h)
        w2 -= rate * grad_w2
    return losses


@jg.value_and_grad
def loss(weights, x, y):
    w1, w2 = weights
    return np.sum((np.maximum(x @ w1, 0) @ w2 - y) ** 2)


def by_grad(x, y, w1, w2, rate):
    """The forward pass alone; its derivative is compiled."""
    weights, losses = [w1.copy(), w2.copy()], []
    for _ in range(STEPS):
        value, grads = loss(weights, x, y)
        losses.append(value)
        for w, g in zip(weights, grads, strict=True):
            w -= rate * g
    return losses


def by_modules(x, y, w1, w2, rate):
    """Layers, a loss and an optimiser; a step is one compiled program that updates the weights in place."""
    model = nn.Sequential(
        nn.Linear(*w1.shape, bias=False, dtype=np.float64), nn.ReLU(), nn.Linear(*w2.shape, bias=False, dtype=np.float64)
    )
    model.load_state_dict({"0.weight": w1.T, "2.weight": w2.T})
    step = jg.train_step(model, nn.MSELoss(reduction="sum"), optim.SGD(lr=rate))
    return [step(x, y) for _ in range(STEPS)]


def main():
    for sizes, rate in (((64, 1000, 100, 10), 1e-6), ((100, 64, 1000, 10), 1e-6)):
        print("samples x inputs x hidden x outputs:", "x".join(map(str, sizes)))
        arrays = data(*sizes)
        found = [way(*arrays, rate) for way in (by_hand, by_grad, by_modules)]
        for step in (0, 99, 199, STEPS - 1):
            print(f"  step {step + 1:3}: loss", *(f"{losses[step]:.6e}" for losses in found))
        np.testing.assert_allclose(found[1], found[0], rtol=1e-6)
        np.testing.assert_allclose(found[2], found[0], rtol=1e-6)


if __name__ == "__main__":
    main()
