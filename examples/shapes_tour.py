"""Broadcasting, reshaping and slicing as NumPy has them, in a compiled function and in its gradient."""

import numpy as np

import jitgrad as jg


def check(name, function, *arrays):
    """Compiled value against NumPy's, and the gradient of its sum: how often each element is used."""
    result = jg.jit(function)(*arrays)
    np.testing.assert_array_equal(result, function(*arrays))
    used = jg.grad(lambda *a: np.sum(function(*a)), argnums=tuple(range(len(arrays))))(*arrays)
    shapes = " with ".join(str(a.shape) for a in arrays)
    print(f"{name:26} {shapes:22} -> {result.shape!s:12} each element counts {[np.unique(u).tolist() for u in used]}")


def main():
    a, b, row = np.arange(12.0).reshape(3, 4), np.ones((3, 1)), np.arange(4.0)
    check("add a row", lambda a, row: a + row, a, row)
    check("add a column", lambda a, b: a + b, a, b)
    check("outer sum", lambda b, row: b + row, b, row)
    check("reshape and flatten", lambda a: a.reshape(2, -1).ravel(), a)
    check("transpose", lambda a: a.T, a)
    check("new axis", lambda row: row[:, None], row)
    check("stride and reverse", lambda a: a[::2, ::-1], a)
    check("one row, many times", lambda a: a[[0, 0, 2]], a)
    check("concatenate", lambda a, b: np.concatenate([a, b], axis=1), a, b)
    check("stack", lambda row: np.stack([row, row, row]), row)
    check("squeeze and tile", lambda b: np.tile(np.squeeze(b), 2), b)
    check("broadcast_to", lambda row: np.broadcast_to(row, (3, 4)) + 0, row)

    # One program serves all sizes: a new number of rows compiles nothing.
    centre = jg.jit(lambda a: a - a.mean(axis=0))
    for rows in (2, 5, 1000):
        centre(np.ones((rows, 3)))
    print(centre)


if __name__ == "__main__":
    main()
