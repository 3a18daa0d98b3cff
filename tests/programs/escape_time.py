"""Brightness of a Mandelbrot picture with a continuous escape count, by its position and width.

Method: Peitgen and Richter, The Beauty of Fractals, section 2; continuous count after Peitgen
and Saupe, The Science of Fractal Images, appendix D.
"""

import numpy as np

ARGNUMS = (0, 1, 2)
SMOOTH = True
NUMBA = True


def escape_count(cx, cy, limit):
    """Return the fractional number of steps until z leaves a large disc, or `limit`."""
    x, y = 0.0, 0.0
    count = 0
    while count < limit and x * x + y * y < 1e4:
        x, y = x * x - y * y + cx, 2.0 * x * y + cy
        count += 1
    if count == limit:
        return float(limit)
    return count + 1.0 - np.log2(0.5 * np.log(x * x + y * y))


def program(centre_x, centre_y, width, pixels, limit):
    """Return the mean brightness of a square of `pixels` by `pixels` points."""
    brightness = 0.0
    for i in range(pixels):
        for j in range(pixels):
            cx = centre_x + width * ((j + 0.5) / pixels - 0.5)
            cy = centre_y + width * ((i + 0.5) / pixels - 0.5)
            brightness += np.exp(-0.2 * escape_count(cx, cy, limit))
    return brightness / pixels**2


def arguments(rng):
    return 0.9 + 0.01 * rng.normal(), 0.8 + 0.01 * rng.normal(), 0.4, 5, 40


def large_arguments(rng):
    return 0.9 + 0.01 * rng.normal(), 0.8 + 0.01 * rng.normal(), 0.4, 400, 40
