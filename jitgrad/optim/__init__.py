"""Optimisers, learning-rate schedules and gradient clipping, as NumPy code on pytrees of arrays.

An optimiser holds numbers only. What it remembers of the parameters is a state that it makes and that the caller keeps:

>>> import numpy as np
>>> from jitgrad import optim
>>> params = {"w": np.ones(2)}
>>> sgd = optim.SGD(lr=0.1)
>>> state = sgd.init(params)
>>> sgd.update(params, {"w": np.array([1.0, 2.0])}, state)
>>> params
{'w': array([0.9, 0.8])}

``update`` writes into the arrays of parameters and state, in a compiled function as well as outside of one. The results are
those of PyTorch's optimisers of the same names, to rounding.
"""

from .adam import Adam, AdamW
from .adaptive import Adagrad, RMSprop
from .clipping import clip_grad_norm, clip_grad_value
from .optimizer import Optimizer
from .plateau import ReduceLROnPlateau
from .schedules import (
    CosineAnnealingLR,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    MultiStepLR,
    Schedule,
    SequentialLR,
    StepLR,
)
from .sgd import SGD

__all__ = [
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "CosineAnnealingLR",
    "ExponentialLR",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "Optimizer",
    "RMSprop",
    "ReduceLROnPlateau",
    "Schedule",
    "SequentialLR",
    "StepLR",
    "clip_grad_norm",
    "clip_grad_value",
]
