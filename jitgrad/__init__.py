"""jitgrad: ordinary NumPy functions, and their gradients, as native kernels.

>>> import numpy as np, jitgrad as jg
>>> @jg.value_and_grad
... def loss(w, x, y):
...     return np.mean((x @ w - y) ** 2)
>>> value, gradient = loss(np.zeros(2), np.eye(2), np.ones(2))
>>> gradient
array([-1., -1.])
"""

from . import numpy
from .arguments import spec
from .control import cond, fori_loop, scan, while_loop
from .inspection import ir, source, stages
from .testing import check_grads
from .transforms import checkpoint, custom_vjp, grad, jit, jvp, stop_gradient, value_and_grad, vjp

__version__ = "0.1.0"

__all__ = [
    "check_grads",
    "checkpoint",
    "cond",
    "custom_vjp",
    "fori_loop",
    "grad",
    "ir",
    "jit",
    "jvp",
    "numpy",
    "scan",
    "source",
    "spec",
    "stages",
    "stop_gradient",
    "value_and_grad",
    "vjp",
    "while_loop",
]
