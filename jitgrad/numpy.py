"""NumPy's functions under an explicit name, and what NumPy has no name for.

``import jitgrad.numpy as jnp`` in place of ``import numpy as np``: the same functions, on arrays and in traced functions alike, in
functions without source as well.

>>> import jitgrad.numpy as jnp
>>> float(jnp.logistic(0.0))
0.5
"""

from __future__ import annotations

from typing import Any

import numpy as _np


def __getattr__(name: str) -> Any:
    value = getattr(_np, name)
    from .compiler.trace.state import current_trace

    if current_trace() is not None and callable(value):
        from .compiler.trace.calls import call

        return call(value)
    return value


def __dir__() -> list[str]:
    return sorted({*dir(_np), *__all__})


def _elementwise(name: str, doc: str) -> Any:
    def apply(x: Any) -> Any:
        from .compiler.ops import OPS
        from .compiler.trace.state import current_trace

        if current_trace() is not None:
            from .compiler.ir.types import F64
            from .compiler.trace.elementwise import elementwise
            from .compiler.trace.promotion import as_array

            tracer = as_array(x)
            return elementwise(name, tracer, dtype=tracer.dtype if tracer.dtype.kind == "f" else F64)
        array = _np.asarray(x)
        array = array if array.dtype.kind == "f" else array.astype(_np.float64)
        return OPS[name].reference(array)[()]  # type: ignore[misc]

    apply.__name__ = apply.__qualname__ = name
    apply.__doc__ = doc
    return apply


logistic = _elementwise("logistic", "The logistic function 1 / (1 + exp(-x)), elementwise, with no overflow.")
softplus = _elementwise("softplus", "log(1 + exp(x)), elementwise, with no overflow.")
erf = _elementwise("erf", "The error function, elementwise.")
erfc = _elementwise("erfc", "The complementary error function, elementwise.")
lgamma = _elementwise("lgamma", "The logarithm of the absolute value of the gamma function, elementwise.")

__all__ = ["erf", "erfc", "lgamma", "logistic", "softplus"]
