"""Items put together to batches, and tensors of other libraries seen as NumPy arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np


def collate(items: Sequence[Any]) -> Any:
    """One batch of items of the same structure: numbers and arrays are stacked, tuples, lists and dicts item by item.

    >>> collate([(1.0, {"name": "a"}), (2.0, {"name": "b"})])
    (array([1., 2.]), {'name': ['a', 'b']})
    """
    first = items[0]
    if isinstance(first, Mapping):
        return {key: collate([item[key] for item in items]) for key in first}
    if isinstance(first, tuple):
        columns = [collate(column) for column in zip(*items, strict=True)]
        return type(first)(*columns) if hasattr(first, "_fields") else tuple(columns)
    if isinstance(first, list):
        return [collate(column) for column in zip(*items, strict=True)]
    if isinstance(first, (str, bytes)) or first is None:
        return list(items)
    return _stack([to_numpy(item) for item in items])


def _stack(arrays: list[Any]) -> Any:
    shapes = {np.shape(a) for a in arrays}
    if len(shapes) > 1:
        raise ValueError(
            f"items of one batch must have one shape, found {sorted(shapes)}; pass a collate function that pads them"
        )
    return np.stack(arrays)


def to_numpy(batch: Any) -> Any:
    """A batch with tensors replaced by NumPy arrays on the same memory, where that is possible.

    Whatever has a method ``numpy``, or else ``__array__``, is a tensor. Tensors on a GPU are copied to the CPU.
    """
    if isinstance(batch, (np.ndarray, np.generic, int, float, str, bytes)) or batch is None:
        return batch
    if isinstance(batch, Mapping):
        return {key: to_numpy(value) for key, value in batch.items()}
    if isinstance(batch, (tuple, list)):
        parts = [to_numpy(value) for value in batch]
        return type(batch)(*parts) if hasattr(batch, "_fields") else type(batch)(parts)
    if hasattr(batch, "detach"):
        return batch.detach().cpu().numpy()
    if hasattr(batch, "numpy"):
        return batch.numpy()
    return np.asarray(batch) if hasattr(batch, "__array__") else batch
