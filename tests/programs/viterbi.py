"""Most probable path through a hidden Markov model, with its score.

Method: Viterbi (1967); Forney, The Viterbi Algorithm (1973).
"""

import numpy as np

ARGNUMS = (0, 1)
SMOOTH = False
NUMBA = True


def program(transition, scores):
    """Return the best total score and the path for scores of shape (steps, states)."""
    steps, states = scores.shape
    came_from = np.zeros((steps, states), dtype=np.int64)
    best = scores[0].copy()
    for t in range(1, steps):
        new = np.empty(states)
        for s in range(states):
            options = best + transition[:, s]
            came_from[t, s] = np.argmax(options)
            new[s] = options[came_from[t, s]] + scores[t, s]
        best = new

    path = np.empty(steps, dtype=np.int64)
    path[-1] = np.argmax(best)
    for t in range(steps - 1, 0, -1):
        path[t - 1] = came_from[t, path[t]]
    return best[path[-1]], path


def loss(transition, scores):
    score, path = program(transition, scores)
    return score + 0.1 * score * path[0]


def problem(rng, steps, states):
    return rng.normal(size=(states, states)), rng.normal(size=(steps, states))


def arguments(rng):
    return problem(rng, 7, 4)


def large_arguments(rng):
    return problem(rng, 1000, 30)
