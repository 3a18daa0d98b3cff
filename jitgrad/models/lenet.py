"""LeNet-5, a convolutional network for digits (LeCun et al., Gradient-Based Learning Applied to Document Recognition, 1998)."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import nn


class LeNet5(nn.Module):
    """Scores of 10 classes for images (n, 1, 32, 32): two convolutions with pooling, three linear layers, ReLU between.

    >>> print(nn.summary(LeNet5(rng=0), (1, 1, 32, 32)))
    layer           output shape    parameters
    conv1 (Conv2d)  (1, 6, 28, 28)         156
    conv2 (Conv2d)  (1, 16, 10, 10)      2,416
    fc1 (Linear)    (1, 120)            48,120
    fc2 (Linear)    (1, 84)             10,164
    fc3 (Linear)    (1, 10)                850
    total                               61,706
    """

    def __init__(self, classes: int = 10, channels: int = 1, *, rng: nn.init.Rng = None, dtype: Any = np.float32) -> None:
        rng = nn.init.generator(rng)
        self.conv1 = nn.Conv2d(channels, 6, 5, rng=rng, dtype=dtype)
        self.conv2 = nn.Conv2d(6, 16, 5, rng=rng, dtype=dtype)
        self.fc1 = nn.Linear(16 * 5 * 5, 120, rng=rng, dtype=dtype)
        self.fc2 = nn.Linear(120, 84, rng=rng, dtype=dtype)
        self.fc3 = nn.Linear(84, classes, rng=rng, dtype=dtype)

    def forward(self, x: Any) -> Any:
        relu, max_pool2d = nn.functional.relu, nn.functional.max_pool2d
        x = max_pool2d(relu(self.conv1(x)), 2)
        x = max_pool2d(relu(self.conv2(x)), 2)
        x = relu(self.fc1(x.reshape(x.shape[0], -1)))
        x = relu(self.fc2(x))
        return self.fc3(x)
