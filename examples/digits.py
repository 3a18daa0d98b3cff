"""Train a two-layer network on handwritten digits, with the gradient that jitgrad compiles from plain NumPy.

In: the 1,797 digits that scikit-learn ships. Out: the loss as it falls, the accuracy on digits held out, and what the compiler
made of the loss: forward IR, backward IR, and a kernel.

    python examples/digits.py
"""

import time

import numpy as np
from sklearn.datasets import load_digits

import jitgrad as jg

HIDDEN, BATCH, EPOCHS, RATE = 64, 64, 40, 1.0
HELD_OUT = 397


def predict(params, x):
    hidden = np.maximum(x @ params["w1"] + params["b1"], 0)
    return hidden @ params["w2"] + params["b2"]


@jg.value_and_grad
def loss(params, x, y):
    return np.mean((predict(params, x) - y) ** 2)


def initial_params(rng):
    return {
        "w1": rng.standard_normal((64, HIDDEN)) * np.sqrt(2 / 64),
        "b1": np.zeros(HIDDEN),
        "w2": rng.standard_normal((HIDDEN, 10)) * np.sqrt(2 / HIDDEN),
        "b2": np.zeros(10),
    }


def read_digits(rng):
    """Images as rows of 64 numbers in [0, 1], and the digits that they show; first to train on, then held out."""
    images, digits = load_digits(return_X_y=True)
    order = rng.permutation(len(images))
    images, digits = images[order] / 16, digits[order]
    return images[:-HELD_OUT], digits[:-HELD_OUT], images[-HELD_OUT:], digits[-HELD_OUT:]


def train(params, images, targets, rng):
    """Stochastic gradient descent, in place; returns the seconds that each step took."""
    seconds = []
    for epoch in range(1, EPOCHS + 1):
        order = rng.permutation(len(images))
        total = 0.0
        for start in range(0, len(order), BATCH):  # the last batch is smaller; nothing is compiled for it
            batch = order[start : start + BATCH]
            x, y = images[batch], targets[batch]
            began = time.perf_counter()
            value, gradients = loss(params, x, y)
            for name in params:
                params[name] -= RATE * gradients[name]
            seconds.append(time.perf_counter() - began)
            total += value * len(batch)
        if epoch == 1 or epoch % 5 == 0:
            print(f"epoch {epoch:3}  loss {total / len(order):.5f}")
    return seconds


def first_kernel(source):
    """The first function of an emitted module."""
    return "@njit" + source.split("@njit")[1].rstrip()


def show_stages(params, x, y):
    """Print what the compiler made, and how long it took."""
    stages = jg.stages(loss, params, x, y)
    print(f"The loss as traced (forward):\n\n{jg.ir(loss.__wrapped__, params, x, y)}")
    print(f"The loss and its gradient, optimised (forward and backward):\n\n{stages.optimised}")
    print(f"One of the kernels made of it:\n\n{first_kernel(stages.source)}\n")
    return stages.seconds


def main():
    rng = np.random.default_rng(0)
    images, digits, test_images, test_digits = read_digits(rng)
    targets = np.eye(10)[digits]
    params = initial_params(rng)
    seconds = show_stages(params, images[:BATCH], targets[:BATCH])
    steps = train(params, images, targets, rng)
    accuracy = np.mean(np.argmax(predict(params, test_images), axis=1) == test_digits)
    print(f"\n{accuracy:.1%} of {len(test_digits)} digits held out are recognised")
    print(f"{loss}")
    for stage, taken in seconds.items():
        print(f"{stage:>8} {1000 * taken:8.1f} ms")
    print(f"{'a step':>8} {1000 * np.median(steps):8.3f} ms (median of {len(steps)})")
    if accuracy < 0.95:
        raise SystemExit("expected at least 95 %")


if __name__ == "__main__":
    main()
