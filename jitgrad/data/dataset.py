"""Data sets: what has a length and gives an item for a number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


class Dataset:
    """Base of data sets; any object with these two methods is one.

    >>> class Squares(Dataset):
    ...     def __len__(self):
    ...         return 3
    ...     def __getitem__(self, index):
    ...         return index, index**2
    >>> Squares()[2]
    (2, 4)
    """

    def __len__(self) -> int:
        raise NotImplementedError(f"{type(self).__name__} must define __len__")

    def __getitem__(self, index: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} must define __getitem__")


class ArrayDataset(Dataset):
    """Arrays that agree in the length of their first axis; an item is a row of each.

    Arrays are kept as they are, memory-mapped ones on disk. An index may be a number, a slice or an array of numbers.

    >>> ArrayDataset(np.arange(3), np.arange(3) ** 2)[1]
    (np.int64(1), np.int64(1))
    """

    def __init__(self, *arrays: Any) -> None:
        if not arrays:
            raise ValueError("ArrayDataset takes at least one array")
        self.arrays = tuple(a if isinstance(a, np.ndarray) else np.asarray(a) for a in arrays)
        lengths = [len(a) if a.ndim else None for a in self.arrays]
        if None in lengths or len(set(lengths)) > 1:
            shapes = ", ".join(str(a.shape) for a in self.arrays)
            raise ValueError(f"the arrays of a data set must agree in the length of their first axis; found shapes {shapes}")

    def __len__(self) -> int:
        return len(self.arrays[0])

    def __getitem__(self, index: Any) -> tuple[Any, ...]:
        return tuple(a[index] for a in self.arrays)


class Subset(Dataset):
    """The items of a data set at some indices."""

    def __init__(self, dataset: Any, indices: Sequence[int] | np.ndarray) -> None:
        self.dataset, self.indices = dataset, np.asarray(indices, np.int64)

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: Any) -> Any:
        found = self.indices[index]
        return self.dataset[int(found) if found.ndim == 0 else found]


def random_split(dataset: Any, fractions: Sequence[float], rng: np.random.Generator) -> list[Subset]:
    """Disjoint random parts of a data set, in these fractions of its length, which sum to one.

    >>> [len(part) for part in random_split(range(10), (0.7, 0.3), np.random.default_rng(0))]
    [7, 3]
    """
    if not np.isclose(sum(fractions), 1.0) or min(fractions) < 0:
        raise ValueError(f"fractions must be positive and sum to 1, found {tuple(fractions)}")
    order = rng.permutation(len(dataset))
    ends = np.round(np.cumsum(fractions) * len(order)).astype(int)
    return [Subset(dataset, part) for part in np.split(order, ends[:-1])]
