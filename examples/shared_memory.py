"""Arrays stay the caller's: compiled functions read them where they are, and write into them where the Python code would."""

import numpy as np

import jitgrad as jg


@jg.jit
def normalise(x):
    x -= x.mean()
    x /= x.std()


@jg.jit
def double_into(x, out):
    out[:] = 2 * x


def main():
    x = np.arange(5.0)
    alias = x[1:3]
    place = x.ctypes.data
    normalise(x)
    print("written in place:      ", x.round(3), x.ctypes.data == place)
    print("seen through a view:   ", alias.round(3), np.shares_memory(alias, x))

    # A view of a larger array is an argument like any other.
    table = np.zeros((3, 5))
    double_into(x, table[1])
    print("written into one row:  ", table[1].round(3))

    # Read-only arrays, such as memory-mapped files, are read, and protected as by NumPy.
    x.flags.writeable = False
    print("read-only, read:       ", jg.grad(lambda x: np.sum(x**3))(x).round(3))
    try:
        normalise(x)
    except ValueError as error:
        print("read-only, not written:", error)

    # So are overlapping arguments, of which one is written to.
    y = np.arange(6.0)
    try:
        double_into(y[:5], y[1:])
    except ValueError as error:
        print("overlap:               ", error)


if __name__ == "__main__":
    main()
