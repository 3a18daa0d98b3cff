"""A small transformer that continues text, character by character (Radford et al. 2019, Language Models are Unsupervised
Multitask Learners: layer norms before each part, GELU, learned positions)."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np

from .. import nn


class Block(nn.Module):
    """Attention to earlier places, then a two-layer net at each place, each added to its input."""

    def __init__(self, width: int, heads: int, dropout: float, *, rng: np.random.Generator, dtype: Any) -> None:
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width, dtype=dtype), nn.LayerNorm(width, dtype=dtype)
        self.qkv = nn.Linear(width, 3 * width, rng=rng, dtype=dtype)
        self.project = nn.Linear(width, width, rng=rng, dtype=dtype)
        self.expand = nn.Linear(width, 4 * width, rng=rng, dtype=dtype)
        self.contract = nn.Linear(4 * width, width, rng=rng, dtype=dtype)
        self.dropout = nn.Dropout(dropout, rng=rng)

    def attend(self, x: Any) -> Any:
        """Each place gathers from itself and those before it: (n, length, width) to the same."""
        n, length, width = x.shape
        parts = self.qkv(x).reshape(n, length, 3, self.heads, width // self.heads)
        q, k, v = (np.swapaxes(parts[:, :, i], 1, 2) for i in range(3))
        gathered = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.project(np.swapaxes(gathered, 1, 2).reshape(n, length, width))

    def forward(self, x: Any) -> Any:
        x = x + self.dropout(self.attend(self.norm1(x)))
        hidden = nn.functional.gelu(self.expand(self.norm2(x)), "tanh")
        return x + self.dropout(self.contract(hidden))


class GPT(nn.Module):
    """Scores of the next character, (n, length, vocabulary), for characters (n, length) given as integers.

    Parameters
    ----------
    vocabulary : how many characters there are.
    context : how many characters back the model sees; the longest input.
    width, heads, layers : size of the vector at each place, heads of attention, and blocks.
    dropout : probability, in training.

    >>> gpt = GPT(65, context=8, width=16, heads=2, layers=1, rng=0)
    >>> gpt(np.zeros((4, 8), np.int64)).shape
    (4, 8, 65)
    """

    def __init__(
        self, vocabulary: int, context: int = 64, width: int = 64, heads: int = 4, layers: int = 2, dropout: float = 0.0,
        *, rng: nn.init.Rng = None, dtype: Any = np.float32,
    ) -> None:  # fmt: skip
        if width % heads:
            raise ValueError(f"GPT: width {width} cannot be divided into {heads} heads")
        rng = nn.init.generator(rng)
        self.context = context
        self.characters = nn.Embedding(vocabulary, width, rng=rng, dtype=dtype)
        self.positions = nn.Embedding(context, width, rng=rng, dtype=dtype)
        self.blocks = [Block(width, heads, dropout, rng=rng, dtype=dtype) for _ in range(layers)]
        self.norm = nn.LayerNorm(width, dtype=dtype)
        self.head = nn.Linear(width, vocabulary, bias=False, rng=rng, dtype=dtype)
        self._scale_down(layers)

    def _scale_down(self, layers: int) -> None:
        """Deviation 0.02 for embeddings, and less for what is added up over the layers, as in GPT-2."""
        for table in (self.characters, self.positions):
            table.weight *= 0.02
        for block in self.blocks:
            for layer in (block.project, block.contract):
                layer.weight *= 1 / sqrt(2 * layers)

    def forward(self, ids: Any) -> Any:
        if ids.ndim != 2 or ids.shape[1] > self.context:
            raise ValueError(f"GPT: expected integers (n, length) of length at most {self.context}, found shape {ids.shape}")
        x = self.characters(ids) + self.positions.weight[: ids.shape[1]]
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))

    def generate(
        self, ids: np.ndarray, count: int, rng: nn.init.Rng = None, temperature: float = 1.0, score: Any = None
    ) -> np.ndarray:
        """Continue rows of characters (n, length) by ``count`` more, drawn by probability; at temperature 0 the likeliest.

        ``score`` is the model to ask, by default this one as it stands; ``jit(model)`` is faster.
        """
        rng, score = nn.init.generator(rng), self if score is None else score
        for _ in range(count):
            scores = np.asarray(score(ids[:, -self.context :])[:, -1], np.float64)
            if temperature == 0:
                following = scores.argmax(axis=1)
            else:
                following = (scores / temperature + rng.gumbel(size=scores.shape)).argmax(axis=1)
            ids = np.concatenate([ids, following[:, None].astype(ids.dtype)], axis=1)
        return ids
