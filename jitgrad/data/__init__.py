"""Data in batches: data sets, and a loader that shuffles, collates and reads ahead.

>>> import numpy as np
>>> x, y = np.arange(6.0).reshape(3, 2), np.arange(3)
>>> for xs, ys in DataLoader((x, y), batch_size=2):
...     print(xs.shape, ys)
(2, 2) [0 1]
(1, 2) [2]
"""

from .collating import collate, to_numpy
from .dataset import ArrayDataset, Dataset, Subset, random_split
from .loader import DataLoader

__all__ = ["ArrayDataset", "DataLoader", "Dataset", "Subset", "collate", "random_split", "to_numpy"]
