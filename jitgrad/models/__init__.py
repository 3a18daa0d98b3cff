"""Small models as ordinary modules: to use, and to read as examples of how one is written.

>>> from jitgrad import models, nn
>>> len(models.LeNet5(rng=0).parameters())
10
"""

from .gpt import GPT
from .lenet import LeNet5
from .mlp import MLP, TwoLayerNet

__all__ = ["GPT", "MLP", "LeNet5", "TwoLayerNet"]
