"""A two-layer net in column layout, one sample per column, with weights and biases in a dict."""

import numpy as np

import jitgrad as jg


def predict(params, x):
    h = np.maximum(params["w1"] @ x + params["b1"], 0)
    return params["w2"] @ h + params["b2"]


@jg.value_and_grad
def loss(params, x, y):
    return np.sum((predict(params, x) - y) ** 2)


def main():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(1000, 64)), rng.normal(size=(10, 64))
    params = {
        "w1": rng.normal(size=(100, 1000)),
        "b1": np.zeros((100, 1)),
        "w2": rng.normal(size=(10, 100)),
        "b2": np.zeros((10, 1)),
    }
    first = None
    for step in range(501):
        value, grads = loss(params, x, y)
        first = value if first is None else first
        for name, p in params.items():
            p -= 1e-6 * grads[name]
        if step % 50 == 0:
            print(f"step {step:3}: loss {value:.6g}")
    assert value < 1e-3 * first
    print({name: g.shape for name, g in grads.items()})


if __name__ == "__main__":
    main()
