"""Layers, losses and models as plain NumPy code, with PyTorch's names, layouts and first values.

>>> import numpy as np, jitgrad as jg
>>> from jitgrad import nn
>>> class Net(nn.Module):
...     def __init__(self, rng=None):
...         rng = np.random.default_rng(rng)
...         self.hidden = nn.Linear(2, 8, rng=rng)
...         self.output = nn.Linear(8, 1, rng=rng)
...     def forward(self, x):
...         return self.output(np.tanh(self.hidden(x)))
>>> net = Net(rng=0)
>>> net(np.ones((3, 2), np.float32)).shape  # NumPy, as it stands
(3, 1)
>>> jg.jit(net)(np.ones((3, 2), np.float32)).shape  # compiled
(3, 1)
"""

from ..module_state import combine, partition
from . import functional, init
from .activations import GELU, LeakyReLU, LogSoftmax, ReLU, Sigmoid, SiLU, Softmax, Tanh
from .attention import MultiheadAttention
from .containers import ModuleList, Sequential
from .convolution import Conv2d
from .dropout import Dropout
from .embedding import Embedding
from .linear import Flatten, Identity, Linear
from .losses import BCEWithLogitsLoss, CrossEntropyLoss, HuberLoss, L1Loss, MSELoss, NLLLoss
from .module import Module
from .normalization import BatchNorm1d, BatchNorm2d, LayerNorm
from .pooling import AvgPool2d, MaxPool2d
from .recurrent import GRUCell, LSTMCell, RNNCell
from .summary import summary

__all__ = [
    "GELU", "AvgPool2d", "BCEWithLogitsLoss", "BatchNorm1d", "BatchNorm2d", "Conv2d", "CrossEntropyLoss", "Dropout",
    "Embedding", "Flatten", "GRUCell", "HuberLoss", "Identity", "L1Loss", "LSTMCell", "LayerNorm", "LeakyReLU",
    "Linear", "LogSoftmax", "MSELoss", "MaxPool2d", "Module", "ModuleList", "MultiheadAttention", "NLLLoss",
    "RNNCell", "ReLU", "Sequential", "SiLU", "Sigmoid", "Softmax", "Tanh", "combine", "functional", "init",
    "partition", "summary",
]  # fmt: skip
