"""Attention."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np

from ..random import advance, bernoulli, key
from . import init
from .activations import softmax
from .linear import Linear, linear
from .module import Module


def attention_weights(query: Any, keys: Any, mask: Any = None, is_causal: bool = False) -> Any:
    """softmax(query @ keys.T / sqrt(d)) for query (..., L, d) and keys (..., S, d): shape (..., L, S).

    A mask of truth values is True where attention is allowed; one of floats is added. Causal: place i sees places up to i.
    """
    scores = (query * (1 / sqrt(query.shape[-1].__index__()))) @ np.swapaxes(keys, -1, -2)
    if is_causal:
        seen = np.arange(keys.shape[-2]) <= np.arange(query.shape[-2])[:, None]
        scores = np.where(seen, scores, -np.inf)
    if mask is not None:
        scores = np.where(mask, scores, -np.inf) if mask.dtype.kind == "b" else scores + mask
    return softmax(scores, -1)


def scaled_dot_product_attention(query: Any, keys: Any, values: Any, attn_mask: Any = None, is_causal: bool = False) -> Any:
    """The values (..., S, e) weighted by ``attention_weights``: shape (..., L, e) (Vaswani et al., arXiv:1706.03762, equation
    1).

    >>> same = np.ones((3, 2))
    >>> scaled_dot_product_attention(same, same, np.eye(3), is_causal=True).round(2)
    array([[1.  , 0.  , 0.  ],
           [0.5 , 0.5 , 0.  ],
           [0.33, 0.33, 0.33]])
    """
    return attention_weights(query, keys, attn_mask, is_causal) @ values


class MultiheadAttention(Module):
    """Attention with several heads, each on its share of the last axis, with PyTorch's parameters and masks.

    Parameters
    ----------
    embed_dim, num_heads : size of the last axis, and into how many heads it is divided.
    dropout : probability with which weights are dropped in training.
    batch_first : whether inputs are (n, length, embed_dim) rather than (length, n, embed_dim); two axes are one sequence.

    >>> layer = MultiheadAttention(4, 2, batch_first=True, rng=0)
    >>> x = np.ones((3, 5, 4), np.float32)
    >>> output, weights = layer(x, x, x)
    >>> output.shape, weights.shape
    ((3, 5, 4), (3, 5, 5))
    """

    key: np.ndarray

    def __init__(
        self, embed_dim: int, num_heads: int, dropout: float = 0.0, bias: bool = True, batch_first: bool = False,
        *, rng: init.Rng = None, dtype: Any = np.float32,
    ) -> None:  # fmt: skip
        if embed_dim % num_heads:
            raise ValueError(f"MultiheadAttention: embed_dim {embed_dim} cannot be divided into {num_heads} heads")
        rng = init.generator(rng)
        self.embed_dim, self.num_heads, self.dropout, self.batch_first = embed_dim, num_heads, dropout, batch_first
        self.in_proj_weight = init.xavier_uniform((3 * embed_dim, embed_dim), rng, dtype=dtype)
        self.in_proj_bias = np.zeros(3 * embed_dim, dtype) if bias else None
        self.out_proj = Linear(embed_dim, embed_dim, bias, rng=rng, dtype=dtype)
        if self.out_proj.bias is not None:
            self.out_proj.bias[...] = 0
        if dropout:
            self.register_buffer("key", key(rng), persistent=False)

    def forward(
        self, query: Any, key: Any, value: Any, key_padding_mask: Any = None, need_weights: bool = True, attn_mask: Any = None,
        average_attn_weights: bool = True, is_causal: bool = False,
    ) -> tuple[Any, Any]:  # fmt: skip
        """(output, weights), the weights being the mean over the heads, or None if not needed.

        Masks are PyTorch's: True, or -inf, where attention is not allowed. ``attn_mask`` is (L, S) or (n * heads, L, S);
        ``key_padding_mask`` is (n, S).
        """
        for name, x in (("query", query), ("key", key), ("value", value)):
            if x.ndim not in (2, 3) or x.shape[-1] != self.embed_dim:
                raise ValueError(
                    f"MultiheadAttention: {name} has shape {x.shape}; its last axis must have size {self.embed_dim}"
                )
        single = query.ndim == 2
        if single:
            query, key, value = query[None], key[None], value[None]
        elif not self.batch_first:
            query, key, value = (np.swapaxes(x, 0, 1) for x in (query, key, value))
        q, k, v = self._heads(query, 0), self._heads(key, 1), self._heads(value, 2)
        weights = attention_weights(q, k, self._mask(attn_mask, key_padding_mask, q, k), is_causal and attn_mask is None)
        kept = self._dropped(weights)
        mixed = np.swapaxes(kept @ v, 1, 2).reshape(query.shape[0], query.shape[1], self.embed_dim)
        output = self.out_proj(mixed)
        shown = None if not need_weights else kept.mean(axis=1) if average_attn_weights else kept
        if single:
            return output[0], None if shown is None else shown[0]
        return output if self.batch_first else np.swapaxes(output, 0, 1), shown

    def _heads(self, x: Any, block: int) -> Any:
        """Query, key or value of each head: (n, heads, length, size of a head)."""
        rows = slice(block * self.embed_dim, (block + 1) * self.embed_dim)
        projected = linear(x, self.in_proj_weight[rows], None if self.in_proj_bias is None else self.in_proj_bias[rows])
        return np.swapaxes(projected.reshape(x.shape[0], x.shape[1], self.num_heads, self.embed_dim // self.num_heads), 1, 2)

    def _mask(self, attn_mask: Any, padding: Any, q: Any, k: Any) -> Any:
        """What is added to the scores (n, heads, L, S)."""
        total = None
        if attn_mask is not None:
            total = self._added(attn_mask, q.dtype)
            if attn_mask.ndim == 3:
                total = total.reshape(q.shape[0], self.num_heads, q.shape[2], k.shape[2])
        if padding is not None:
            added = self._added(padding, q.dtype).reshape(k.shape[0], 1, 1, k.shape[2])
            total = added if total is None else total + added
        return total

    def _added(self, mask: Any, dtype: Any) -> Any:
        return np.where(mask, np.asarray(-np.inf, dtype), np.asarray(0, dtype)) if mask.dtype.kind == "b" else mask

    def _dropped(self, weights: Any) -> Any:
        if not (self.training and self.dropout):
            return weights
        kept = bernoulli(self.key, 1 - self.dropout, weights.shape)
        advance(self.key, weights.size)
        return np.where(kept, weights * (1 / (1 - self.dropout)), 0)
