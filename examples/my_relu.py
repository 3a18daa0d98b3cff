"""A function with a backward pass of its own: ReLU, trained with in a two-layer net."""

import numpy as np

import jitgrad as jg


@jg.custom_vjp
def my_relu(x):
    return np.maximum(x, 0)


def forward(x):
    """The result, and what the backward pass needs."""
    return np.maximum(x, 0), x


def backward(x, cotangent):
    """One gradient per argument."""
    return (np.where(x > 0, cotangent, 0.0),)


my_relu.defvjp(forward, backward)


@jg.value_and_grad
def loss(params, x, y):
    return np.sum((my_relu(x @ params["w1"]) @ params["w2"] - y) ** 2)


def main():
    print("gradient at -1, 0, 2:", jg.grad(lambda x: np.sum(my_relu(x)))(np.array([-1.0, 0.0, 2.0])))

    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(64, 1000)), rng.normal(size=(64, 10))
    params = {"w1": rng.normal(size=(1000, 100)), "w2": rng.normal(size=(100, 10))}
    losses = []
    for step in range(500):
        value, grads = loss(params, x, y)
        losses.append(value)
        for name, w in params.items():
            w -= 1e-6 * grads[name]
        if step % 100 == 99:
            print(f"step {step + 1}: loss {value:.6g}")
    assert losses[-1] < 1e-3 * losses[0]


if __name__ == "__main__":
    main()
