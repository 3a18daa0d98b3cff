"""A convolution layer of a neural network, written as seven scalar loops.

Method: LeCun et al., Gradient-Based Learning Applied to Document Recognition (1998).
"""

import numpy as np

ARGNUMS = (0, 1, 2)
SMOOTH = False
NUMBA = True


def program(images, filters, bias, stride):
    """Return the rectified response for images (n, c, h, w) and filters (o, c, kh, kw)."""
    n, channels, height, width = images.shape
    outputs, _, kh, kw = filters.shape
    rows = (height - kh) // stride + 1
    columns = (width - kw) // stride + 1
    result = np.zeros((n, outputs, rows, columns))
    for image in range(n):
        for o in range(outputs):
            for i in range(rows):
                for j in range(columns):
                    value = bias[o]
                    for c in range(channels):
                        for p in range(kh):
                            for q in range(kw):
                                pixel = images[image, c, i * stride + p, j * stride + q]
                                value += pixel * filters[o, c, p, q]
                    result[image, o, i, j] = max(value, 0.0)
    return result


def loss(images, filters, bias, stride):
    result = program(images, filters, bias, stride)
    return np.sum(result**2 * np.cos(np.arange(result.size)).reshape(result.shape))


def problem(rng, n, channels, outputs, size, kernel, stride):
    return (
        rng.normal(size=(n, channels, size, size)),
        rng.normal(size=(outputs, channels, kernel, kernel)),
        rng.normal(size=outputs),
        stride,
    )


def arguments(rng):
    return problem(rng, 2, 2, 3, 6, 3, 2)


def large_arguments(rng):
    return problem(rng, 4, 4, 8, 32, 3, 1)
