"""Gradients of small functions, beside what the rules of calculus give."""

import numpy as np

import jitgrad as jg


def show(name, found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    print(f"{name:34} {np.array2string(np.asarray(found), precision=4)}")


def main():
    x = np.array([1.0, 2.0, 3.0, 4.0, 5.0])

    # A function of arrays has no one gradient: a cotangent says which combination of its results is meant.
    _, pull = jg.vjp(lambda x: 2 * x, x)
    show("2x, cotangent (1, 2, 3, 4, 5)", pull(np.array([1.0, 2.0, 3.0, 4.0, 5.0]))[0], [2, 4, 6, 8, 10])

    # A scalar function does.
    show("sum(x^2)", jg.grad(lambda x: np.sum(x**2))(x), 2 * x)
    show("mean(3 (x + 2)^2)", jg.grad(lambda x: np.mean(3 * (x + 2) ** 2))(x), 6 * (x + 2) / 5)
    show("sum(tanh(x))", jg.grad(lambda x: np.sum(np.tanh(x)))(x), 1 - np.tanh(x) ** 2)

    # Several arguments, a Python number, and a gradient of a gradient.
    da, db = jg.grad(lambda a, b: 3 * a**3 - b**2, argnums=(0, 1))(2.0, 6.0)
    show("3a^3 - b^2 at (2, 6)", (da, db), (36, -12))
    show("x^4, second derivative at 2", jg.grad(jg.grad(lambda x: x**4))(2.0), 48)

    # Python's own loops and branches are part of the function.
    def halvings(x):
        while abs(x) > 1:
            x = x / 2
        return x if x > 0 else -x

    show("|x| halved until it is below 1", [jg.grad(halvings)(v) for v in (0.5, 5.0, -3.0)], [1, 1 / 8, -1 / 4])

    # The slope along one direction, without any gradient.
    _, slope = jg.jvp(np.sin, (x,), (np.ones(5),))
    show("sin along (1, ..., 1)", slope, np.cos(x))


if __name__ == "__main__":
    main()
