"""Vectors for integers."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..transforms import stop_gradient
from . import init
from .module import Module


def embedding(ids: Any, weight: Any, padding_idx: int | None = None) -> Any:
    """The rows of a weight (count, dim) for integers of any shape; row ``padding_idx`` gets no gradient from them.

    >>> embedding(np.array([2, 0]), np.eye(3))
    array([[0., 0., 1.],
           [1., 0., 0.]])
    """
    if ids.dtype.kind not in "iu":
        raise TypeError(f"embedding: the input has dtype {ids.dtype}, expected integers")
    without_row = (ids < 0) | (ids >= weight.shape[0])
    if np.any(without_row):
        raise IndexError("embedding: an integer of the input is negative, or has no row in the weight")
    rows = weight[np.where(without_row, 0, ids)]  # which cannot fail by itself, with a message that says less
    if padding_idx is None:
        return rows
    return np.where((ids == padding_idx)[..., None], stop_gradient(rows), rows)


class Embedding(Module):
    """``embedding``: a table of ``num_embeddings`` normally distributed vectors, that of ``padding_idx`` being and staying 0.

    >>> Embedding(10, 3, rng=0)(np.array([[1, 2], [3, 4]])).shape
    (2, 2, 3)
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        *,
        rng: init.Rng = None,
        dtype: Any = np.float32,
    ) -> None:
        if padding_idx is not None and not -num_embeddings <= padding_idx < num_embeddings:
            raise ValueError(f"Embedding: padding_idx {padding_idx} is not one of the {num_embeddings} rows")
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        self.padding_idx = None if padding_idx is None else padding_idx % num_embeddings
        self.weight = init.normal((num_embeddings, embedding_dim), rng, dtype=dtype)
        if self.padding_idx is not None:
            self.weight[self.padding_idx] = 0

    def forward(self, ids: Any) -> Any:
        return embedding(ids, self.weight, self.padding_idx)

    def extra_repr(self) -> str:
        padding = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return f"{self.num_embeddings}, {self.embedding_dim}{padding}"
