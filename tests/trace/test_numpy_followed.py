"""NumPy's own functions that are Python code in terms of others, which tracing follows as it does the user's."""

from __future__ import annotations

import numpy as np
import pytest
from against_numpy import check, programs, some_variants, traced_program
from jitgrad.compiler.errors import UnsupportedError

PROGRAMS = programs("""
np.fft.fftshift(x)
np.fft.ifftshift(A)
np.fft.fftshift(A, axes=1)
np.fft.fftfreq(len(x), 0.1) * x
np.hamming(len(x)) * x
np.kaiser(x.size, 3.0) * x
np.i0(A)
np.isneginf(x)
np.isposinf(A)
np.poly(w)
np.histogram2d(np.arange(len(x)), np.arange(len(x)) * f, bins=2)
np.histogram_bin_edges(np.arange(len(x)) * f, 4)
np.mask_indices(3, np.triu)
np.unique_values(i)
np.unique_counts(i)
np.polynomial.polynomial.polyval(x, w)
np.polynomial.polynomial.polyval(x, [1.0, 2.0, 3.0])
np.polynomial.polynomial.polyder(w)
np.polynomial.polynomial.polyadd(w, x)
np.polynomial.polyutils.trimseq(x)
np.polynomial.polynomial.polyvander(x, 2)
np.polynomial.Polynomial([1.0, 2.0])(x)
np.polynomial.Polynomial(w)(x)
np.polynomial.Polynomial(w).deriv()(x)
np.polynomial.chebyshev.chebval(x, w)
np.polynomial.legendre.legval(x, w)
np.polynomial.legendre.legvander(x, 3)
np.polynomial.hermite.hermval(x, w)
np.polynomial.laguerre.lagval(x, w)
""")


@pytest.mark.parametrize("text", PROGRAMS)
def test_some_variants(text: str) -> None:
    check(text, some_variants(text))


def test_what_cannot_be_followed_is_named_with_the_reason() -> None:
    def program(p):
        return np.roots(p)

    with pytest.raises(UnsupportedError, match=r"^np\.roots is not compiled by jitgrad; .*np\.linalg\.eigvals"):
        traced_program(program, (np.array([1.0, -3.0, 2.0]),))


def test_what_is_not_python_is_named() -> None:
    def program(p):
        return np.packbits(p > 0)

    with pytest.raises(UnsupportedError, match=r"^np\.packbits is not compiled by jitgrad; .* of the traced function$"):
        traced_program(program, (np.array([1.0, -3.0, 2.0]),))
