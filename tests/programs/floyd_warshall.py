"""Shortest paths between all pairs of nodes, relaxed in place.

Method: Floyd (1962), Warshall (1962); Cormen et al., Introduction to Algorithms, section 25.2.
"""

ARGNUMS = (0,)
SMOOTH = False
NUMBA = True
MUTATES = (0,)


def program(distance):
    """Replace edge lengths of shape (n, n) by path lengths and return their mean.

    The diagonal ends as the shortest round trip from each node.
    """
    n = distance.shape[0]
    for k in range(n):
        for i in range(n):
            for j in range(n):
                detour = distance[i, k] + distance[k, j]
                if detour < distance[i, j]:
                    distance[i, j] = detour
    return distance.sum() / n**2


def problem(rng, n):
    return (rng.uniform(1.0, 10.0, (n, n)),)


def arguments(rng):
    return problem(rng, 7)


def large_arguments(rng):
    return problem(rng, 150)
