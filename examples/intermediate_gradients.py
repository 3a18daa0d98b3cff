"""The gradient of an intermediate value: name it with `jg.probe`, and ask for it by that name."""

import numpy as np

import jitgrad as jg


def loss(x):
    y = jg.probe(x + 2, "y")
    z = jg.probe(3 * y * y, "z")
    return np.mean(z)


def main():
    x = np.ones((2, 2))
    value, gradient, probes = jg.value_grad_and_probes(loss)(x)
    print(f"loss {value}\nd loss / dx\n{gradient}")
    for name, (activation, sensitivity) in probes.items():
        print(f"{name}\n{activation}\nd loss / d{name}\n{sensitivity}")
    np.testing.assert_allclose(probes["y"][1], 4.5)

    # Values alone, with no gradient: what a forward hook would collect.
    _, seen = jg.activations(loss)(x)
    print("activations:", {name: array.ravel().tolist() for name, array in seen.items()})

    # Everywhere else a probe is the identity, and costs nothing in a compiled function.
    print("plain NumPy:", loss(x), " compiled gradient:", jg.grad(loss)(x).ravel())


if __name__ == "__main__":
    main()
