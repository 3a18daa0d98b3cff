"""Fast Fourier transform in place, on separate arrays of real and imaginary parts.

Method: Cooley and Tukey (1965); Press et al., Numerical Recipes, section 12.2.
"""

import numpy as np

ARGNUMS = (0, 1)
SMOOTH = True
NUMBA = True
MUTATES = (0, 1)


def reverse_bits(re, im):
    """Reorder both arrays so that each element stands at its index read backwards in binary."""
    n = len(re)
    j = 0
    for i in range(1, n):
        bit = n >> 1
        while j & bit:
            j ^= bit
            bit >>= 1
        j ^= bit
        if i < j:
            re[i], re[j] = re[j], re[i]
            im[i], im[j] = im[j], im[i]


def program(re, im):
    """Transform in place (length a power of two) and return the power spectrum."""
    n = len(re)
    reverse_bits(re, im)
    half = 1
    while half < n:
        for k in range(half):
            angle = -np.pi * k / half
            c, s = np.cos(angle), np.sin(angle)
            for i in range(k, n, 2 * half):
                j = i + half
                x = c * re[j] - s * im[j]
                y = s * re[j] + c * im[j]
                re[j], im[j] = re[i] - x, im[i] - y
                re[i], im[i] = re[i] + x, im[i] + y
        half *= 2
    return re**2 + im**2


def loss(re, im):
    power = program(re, im)
    return np.cos(np.arange(power.size)) @ power


def problem(rng, n):
    return rng.normal(size=n), rng.normal(size=n)


def arguments(rng):
    return problem(rng, 16)


def large_arguments(rng):
    return problem(rng, 2**15)
