"""Lloyd's algorithm with classes and comprehensions: points go to the nearest of some centres, which move to their mean."""

import numpy as np

ARGNUMS = (0,)
SMOOTH = False
NUMBA = False
CLUSTERS, ROUNDS = 3, 4


class Centres:
    """The centres, and how far they moved in each round."""

    def __init__(self, places):
        self.places = places
        self.moves = []

    def distances(self, points):
        return np.array([np.sum((points - place) ** 2, axis=1) for place in self.places])

    def update(self, points):
        nearest = np.argmin(self.distances(points), axis=0)
        places = [
            np.sum(np.where((nearest == k)[:, None], points, 0.0), axis=0) / max(np.sum(nearest == k), 1)
            for k in range(len(self.places))
        ]
        self.moves.append(max(np.linalg.norm(new - old) for new, old in zip(places, self.places, strict=True)))
        self.places = np.array(places)
        return nearest


def program(points):
    """Return the centres in the order of their first coordinates, the size of each cluster, and the moves."""
    centres = Centres(points[:CLUSTERS].copy())
    for _ in range(ROUNDS):
        nearest = centres.update(points)
    order = sorted(range(CLUSTERS), key=lambda k: centres.places[k, 0])
    return np.array([centres.places[k] for k in order]), [np.sum(nearest == k) for k in order], centres.moves


def loss(points):
    places, _, moves = program(points)
    return np.sum(places * np.arange(1.0, places.size + 1).reshape(places.shape)) + 0.1 * sum(moves[:2])


def arguments(rng):
    return (rng.normal(size=(12, 2)),)


def large_arguments(rng):
    return (rng.normal(size=(2000, 2)),)
