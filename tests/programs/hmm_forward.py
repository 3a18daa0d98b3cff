"""Log-likelihood of a sequence of symbols under a hidden Markov model: the forward algorithm.

Method: Rabiner, A Tutorial on Hidden Markov Models (1989), sections III.A and V.A (scaling).
"""

import numpy as np

ARGNUMS = (0, 1, 2)
SMOOTH = True
NUMBA = True


def normalise_rows(scores):
    """Return positive rows that sum to one."""
    weights = np.exp(scores)
    for row in weights:
        row /= row.sum()
    return weights


def program(start, transition, emission, symbols):
    """Return log p(symbols), all three parameters being unnormalised log-probabilities."""
    A = normalise_rows(transition)
    B = normalise_rows(emission)
    alpha = np.exp(start)
    alpha = alpha / alpha.sum() * B[:, symbols[0]]
    log_likelihood = 0.0
    for symbol in symbols[1:]:
        scale = alpha.sum()
        log_likelihood += np.log(scale)
        alpha = (alpha / scale) @ A * B[:, symbol]
    return log_likelihood + np.log(alpha.sum())


def problem(rng, states, kinds, steps):
    return (
        rng.normal(size=states),
        rng.normal(size=(states, states)),
        rng.normal(size=(states, kinds)),
        rng.integers(kinds, size=steps),
    )


def arguments(rng):
    return problem(rng, 3, 4, 9)


def large_arguments(rng):
    return problem(rng, 16, 10, 2000)
