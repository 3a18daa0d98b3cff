"""NumPy's objects that are indexed, iterated or called (``np.mgrid``, ``np.ndenumerate``, ``np.vectorize``), sets and polynomials."""

from __future__ import annotations

import pytest
from against_numpy import check, programs, some_variants

PROGRAMS = programs("""
np.mgrid[0:len(x)] * x
np.mgrid[0:A.shape[0], 0:A.shape[1]] * A
np.mgrid[0:1:5j, f:3:4j]
np.mgrid[:k, 0.5:f]
np.ogrid[:A.shape[0], :A.shape[1]][1] * A
np.r_[x, 1.0, y]
np.r_[x, v[1:], 2]
np.r_[0:len(x)] * x
np.r_[g:f:3j]
np.c_[x, y]
np.c_[A, w]
np.c_[x, x[::-1], np.ones(len(x))]
np.vectorize(lambda p: (p, p * p))(A)
np.vectorize(lambda p, q: p * q[0] + q[1], excluded={1})(x, [2.0, 3.0])
np.vectorize(lambda p, q: p * q, excluded=["q"])(x, q=f)
np.vectorize(lambda p, q=2: p * q)(A, q=f)
np.vectorize(lambda p: np.sum(p * p), signature="(n)->()")(A)
np.vectorize(lambda p, q: p @ q, signature="(n),(n)->()")(A, v)
np.vectorize(lambda p: p - p[0], signature="(n)->(n)")(A)
np.vectorize(lambda p: (np.sum(p), p * 2), signature="(m,n)->(),(m,n)")(T)
np.ndarray(x.shape, x.dtype)[:0]
np.add.reduceat(x, [0, 2, 3])
np.add.reduceat(x, [2, 0, 2])
np.multiply.reduceat(A, [0, 1])
np.maximum.reduceat(A, [0, 2], axis=1)
np.add.reduceat(x, i)
not x.any()
g in x
100.0 in x
100.0 not in x
x.tolist()
np.poly1d(w)(x)
np.poly1d(v).deriv()(x)
np.poly1d(v).integ()(x)
np.poly1d([1.0, 2.0])(x)
np.poly1d(np.polyfit(np.arange(len(x)), x, 2))(y)
np.polymul(np.abs(w) + 1, np.abs(v) + 1)
np.setxor1d(x, y)
np.trim_zeros(x)
np.trim_zeros(np.maximum(x, 0), "b")
np.fromiter((p * 2 for p in x), float)
np.fromiter(x, np.float32)
A.view() + 1
    A.view()[0] = 1
    return A
    A.flat = 1
    return A
    A.flat = [1, 2]
    return A
    A.flat = v
    return A
    return [(p, e + 1) for p, e in np.ndenumerate(x[0])]
    for p, e in np.ndenumerate(z):
        z[p] = e + 1
    return z
    t = 0.0
    for (a, b), e in np.ndenumerate(A):
        t = t + a * e + b
    return t
    with np.nditer(x, op_flags=["readwrite"]) as it:
        for e in it:
            e[...] = 2 * e
    return x
    for e in np.nditer(A, op_flags=[["readwrite"]]):
        e += e * e
    return A
A.tolist()
z.tolist()
np.unique(x)
np.unique(A, return_counts=True)
np.unique(x, return_index=True, return_inverse=True, return_counts=True)
np.unique(A, return_inverse=True)
np.unique(x, equal_nan=False)
np.union1d(x, y)
np.intersect1d(x, y)
np.setdiff1d(x, y)
np.histogram(y, bins=4, range=(-2, 2))
np.histogram(A, bins=np.array([-3.0, -1.0, 0.0, 2.5]))
np.histogram(x, bins=3, range=(-2, 2), weights=y)
np.polyadd(x, v)
np.polysub(v, x)
np.polyder(x)
np.polyint(v)
np.polyint(v, 2, [1.0, 2.0])
np.linalg.vecdot(A, B)
    total = 0
    for (p, q), e in np.ndenumerate(A):
        total = total + (p + 2 * q) * e
    return total
    total = 0
    for e in np.nditer(A):
        total = total + e * e
    return total
    made = np.ndarray((3,))
    made[:] = w
    return made
""")


@pytest.mark.parametrize("text", PROGRAMS)
def test_against_numpy(text: str) -> None:
    check(text, some_variants(text))


@pytest.mark.parametrize("text", ["np.polyfit(np.arange(len(x)), x, 2)", "np.polyfit(np.arange(len(x)), x, 1, w=np.ones(len(x)))",
                                  "np.polyfit(np.arange(len(x)), x, 1, full=True)[:4]",
                                  "np.polyfit(np.arange(len(x)) * f, np.stack([x, y]).T, 1, cov=True)",
                                  "np.polyfit(np.arange(len(x)), x, 1, w=np.abs(y) + 1, cov='unscaled')",
                                  "np.polyfit(np.arange(len(x)), x, 1, cov=True)", "np.polyfit(v, x, 2)", "np.polyfit(A, x, 2)",
                                  "np.polymul([], v[:2] + 9)", "np.histogram(x, 3)", "np.histogram(x, 3, density=True)"])  # fmt: skip
def test_of_finite_numbers(text: str) -> None:
    check(text, ("float64", "spread", "fortran"))
