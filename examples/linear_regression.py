"""Linear regression: from 100 noisy points back to the line y = -1 + 2 x they were drawn from."""

import numpy as np

import jitgrad as jg


@jg.value_and_grad
def loss(params, x, y):
    return np.mean((params["intercept"] + params["slope"] * x - y) ** 2)


def main():
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, 100)
    y = -1 + 2 * x + 0.05 * rng.normal(size=100)
    params = {"intercept": np.zeros(1), "slope": np.zeros(1)}
    for step in range(200):
        value, grads = loss(params, x, y)
        for name, p in params.items():
            p -= 0.5 * grads[name]
        if step % 50 == 0:
            print(f"step {step:3}: loss {value:.5f}, line {params['intercept'][0]:.4f} + {params['slope'][0]:.4f} x")
    found = np.array([params["intercept"][0], params["slope"][0]])
    exact = np.linalg.lstsq(np.stack([np.ones(100), x], axis=1), y, rcond=None)[0]
    print("found", found.round(4), " least squares", exact.round(4), " true", [-1, 2])
    np.testing.assert_allclose(found, exact, atol=1e-6)
    np.testing.assert_allclose(found, [-1, 2], atol=0.05)


if __name__ == "__main__":
    main()
