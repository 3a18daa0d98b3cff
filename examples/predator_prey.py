"""Hares and lynxes: the equations of Lotka and Volterra fitted to 21 years of pelts, by NumPy code that knows nothing of derivatives.

The solver chooses its own steps (``while``), rejects those that fail (``if``) and writes into an array; the optimiser is a ``for`` with a
line search and a ``break``. jitgrad compiles all of it, gradient and optimiser included, into one program.

python examples/predator_prey.py [picture.png]

Data: thousands of pelts sold by the Hudson's Bay Company in 1900-1920 (Howard 2009). Carpenter (2018, Stan case study "Predator-Prey
Population Dynamics") finds the rates 0.55, 0.028, 0.80 and 0.024.
"""

import sys
import time
from pathlib import Path

import numpy as np

import jitgrad as jg

HARES = [30, 47.2, 70.2, 77.4, 36.3, 20.6, 18.1, 21.4, 22, 25.4, 27.1, 40.3, 57, 76.6, 52.3, 19.5, 11.2, 7.6, 14.6, 16.2, 24.7]
LYNXES = [4, 6.1, 9.8, 35.2, 59.4, 41.7, 19, 13, 8.3, 9.1, 7.4, 8, 12.3, 19.5, 45.7, 51.1, 29.7, 15.8, 9.7, 10.1, 8.6]


def change(y, rates):
    """What hares and lynxes gain in a year."""
    birth, predation, death, growth = rates
    return np.array([y[0] * (birth - predation * y[1]), y[1] * (growth * y[0] - death)])


def simulate(start, rates, times, tolerance=1e-6):
    """Both populations at each time, by the embedded pair of Bogacki and Shampine (1989)."""
    y, t, h = start, times[0], 0.1
    populations = np.empty((times.size, 2))
    populations[0] = y
    for k in range(1, times.size):
        while t < times[k]:
            step = min(h, times[k] - t)
            k1 = change(y, rates)
            k2 = change(y + step * 0.5 * k1, rates)
            k3 = change(y + step * 0.75 * k2, rates)
            new = y + step * (2 * k1 + 3 * k2 + 4 * k3) / 9
            k4 = change(new, rates)
            error = np.max(np.abs(step * (-5 * k1 / 72 + k2 / 12 + k3 / 9 - k4 / 8)) / (1 + np.abs(new))) / tolerance
            if error <= 1:
                y, t = new, times[k] if step < h else t + step
            h = step * min(4.0, max(0.2, 0.9 * (error + 1e-10) ** (-1 / 3)))
        populations[k] = y
    return populations


def misfit(logarithms, times, pelts):
    """Mean squared error of the logarithms; the unknowns are logarithms, too, as all of them are positive."""
    unknowns = np.exp(logarithms)
    return np.mean((np.log(simulate(unknowns[:2], unknowns[2:], times)) - np.log(pelts)) ** 2)


@jg.jit
def fit(x, times, pelts, tolerance, most):
    """The method of Broyden, Fletcher, Goldfarb and Shanno: the unknowns, their misfit, and the number of steps."""
    inverse, steps = np.eye(x.size), 0
    value, gradient = jg.value_and_grad(misfit)(x, times, pelts)
    for _ in range(most):
        if np.max(np.abs(gradient)) < tolerance:
            break
        steps += 1
        direction = -inverse @ gradient
        slope, length = direction @ gradient, 1.0
        while misfit(x + length * direction, times, pelts) > value + 1e-4 * length * slope and length > 1e-10:
            length *= 0.5
        step, before = length * direction, gradient
        x = x + step
        value, gradient = jg.value_and_grad(misfit)(x, times, pelts)
        difference = gradient - before
        curvature = step @ difference
        if curvature > 0:
            reflection = np.eye(x.size) - np.outer(step, difference) / curvature
            inverse = reflection @ inverse @ reflection.T + np.outer(step, step) / curvature
    return x, value, steps


def picture(path, years, pelts, unknowns):
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(8, 4), layout="constrained")
    fine = np.linspace(0, 20, 401)
    for k, (name, colour) in enumerate([("hares", "tab:blue"), ("lynxes", "tab:orange")]):
        axes.plot(years, pelts[:, k], "o", color=colour)
        axes.plot(1900 + fine, simulate(unknowns[:2], unknowns[2:], fine)[:, k], color=colour, label=name)
    axes.set(xlabel="year", ylabel="thousands of pelts")
    axes.legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
    print(f"picture in {path}")


def main():
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "output" / "predator_prey.png"
    pelts, times = np.stack([HARES, LYNXES], axis=1), np.arange(21.0)
    guess = np.log([30, 4, 0.5, 0.02, 0.5, 0.02])
    fit(guess, times, pelts, 1e-6, 0)  # compiles
    start = time.perf_counter()
    found, value, steps = fit(guess, times, pelts, 1e-6, 200)
    print(f"{steps} steps in {time.perf_counter() - start:.3f} s; one simulation by NumPy alone:", end=" ")
    start = time.perf_counter()
    plain = misfit(found, times, pelts)
    print(f"{time.perf_counter() - start:.3f} s")
    unknowns = np.exp(found)
    print("birth {:.3f}  predation {:.4f}  death {:.3f}  growth {:.4f}".format(*unknowns[2:]))
    print(f"mean squared error of the logarithms {misfit(guess, times, pelts):.3f} -> {value:.4f}")
    picture(path, 1900 + times, pelts, unknowns)
    assert np.isclose(value, plain) and np.allclose(unknowns[2:], [0.55, 0.028, 0.80, 0.024], rtol=0.1)


if __name__ == "__main__":
    main()
