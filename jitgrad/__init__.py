"""jitgrad: ordinary NumPy functions, and their gradients, as native kernels.

>>> import numpy as np, jitgrad as jg
>>> @jg.value_and_grad
... def loss(w, x, y):
...     return np.mean((x @ w - y) ** 2)
>>> value, gradient = loss(np.zeros(2), np.eye(2), np.ones(2))
>>> gradient
array([-1., -1.])
"""

from typing import Any

from . import numpy
from .arguments import spec
from .control import checkpointed_range, cond, fori_loop, scan, while_loop
from .inspection import ir, source, stages
from .testing import check_grads
from .transforms import checkpoint, custom_vjp, grad, jit, jvp, stop_gradient, value_and_grad, vjp

__version__ = "0.1.0"

_ON_DEMAND = {  # name: its module, or "" for a module itself
    "activations": "probing",
    "data": "",
    "elementwise": "symbolic",
    "fit": "fitting",
    "from_torch": "torch_import",
    "load": "saving",
    "models": "",
    "nn": "",
    "optim": "",
    "probe": "probing",
    "random": "",
    "save": "saving",
    "train_step": "training",
    "value_grad_and_probes": "probing",
}


def __getattr__(name: str) -> Any:
    if name not in _ON_DEMAND:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    module = import_module(f".{_ON_DEMAND[name] or name}", __name__)
    value = getattr(module, name) if _ON_DEMAND[name] else module
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_ON_DEMAND})


__all__ = [
    "activations",
    "check_grads",
    "checkpoint",
    "checkpointed_range",
    "cond",
    "custom_vjp",
    "data",
    "elementwise",
    "fit",
    "fori_loop",
    "from_torch",
    "grad",
    "ir",
    "jit",
    "jvp",
    "load",
    "models",
    "nn",
    "numpy",
    "optim",
    "probe",
    "random",
    "save",
    "scan",
    "source",
    "spec",
    "stages",
    "stop_gradient",
    "train_step",
    "value_and_grad",
    "value_grad_and_probes",
    "vjp",
    "while_loop",
]
