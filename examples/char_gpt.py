"""A small transformer learns to continue a text letter by letter.

    python examples/char_gpt.py [text file]

Without a file it reads the Zen of Python, which comes with Python.
"""

import codecs
import contextlib
import io
import sys
import time
from pathlib import Path

import numpy as np

import jitgrad as jg
from jitgrad import nn, optim

CONTEXT, WIDTH, HEADS, BLOCKS, STEPS, BATCH = 32, 48, 4, 2, 600, 16


class Block(nn.Module):
    """Attention to what came before, then a small net at each place."""

    def __init__(self, rng):
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH, rng=rng)
        self.out = nn.Linear(WIDTH, WIDTH, rng=rng)
        self.wide, self.narrow = nn.Linear(WIDTH, 4 * WIDTH, rng=rng), nn.Linear(4 * WIDTH, WIDTH, rng=rng)

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.narrow(np.maximum(self.wide(self.norm2(x)), 0))

    def attention(self, x):
        batch, length, _ = x.shape
        qkv = self.qkv(x).reshape(batch, length, 3, HEADS, WIDTH // HEADS).transpose(2, 0, 3, 1, 4)
        mixed = nn.functional.scaled_dot_product_attention(qkv[0], qkv[1], qkv[2], is_causal=True)
        return self.out(mixed.transpose(0, 2, 1, 3).reshape(batch, length, WIDTH))


class GPT(nn.Module):
    def __init__(self, letters, rng):
        self.letter, self.place = nn.Embedding(letters, WIDTH, rng=rng), nn.Embedding(CONTEXT, WIDTH, rng=rng)
        self.blocks = [Block(rng) for _ in range(BLOCKS)]
        self.norm, self.head = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, letters, rng=rng)

    def forward(self, tokens):
        x = self.letter(tokens) + self.place.weight[: tokens.shape[1]]
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))


def next_letter_loss(logits, targets):
    """Mean cross entropy over all places."""
    return nn.functional.cross_entropy(logits.reshape(-1, logits.shape[-1]), targets.reshape(-1))


def read_text():
    if len(sys.argv) > 1:
        return Path(sys.argv[1]).read_text()
    with contextlib.redirect_stdout(io.StringIO()):
        import this
    return codecs.decode(this.s, "rot13")


def continued(predict, model, start, count, letters, rng):
    """The start of a text and ``count`` letters more, each drawn from what the model expects."""
    tokens = [letters.index(c) for c in start]
    for _ in range(count):
        window = np.array([tokens[-CONTEXT:]])
        logits = predict(model, window)[0, -1].astype(np.float64) / 0.5
        odds = np.exp(logits - logits.max())
        tokens.append(int(rng.choice(len(letters), p=odds / odds.sum())))
    return "".join(letters[t] for t in tokens)


def main():
    text = read_text()
    letters = sorted(set(text))
    tokens = np.array([letters.index(c) for c in text])
    rng = np.random.default_rng(0)
    model = GPT(len(letters), rng)
    print(f"{len(text)} letters, {len(letters)} of them different; {sum(p.size for p in model.parameters())} parameters")
    step = jg.train_step(model, next_letter_loss, optim.AdamW(lr=optim.CosineAnnealingLR(3e-3, STEPS)), max_norm=1.0)
    started = time.perf_counter()
    for k in range(STEPS):
        starts = rng.integers(len(tokens) - CONTEXT, size=BATCH)
        windows = tokens[starts[:, None] + np.arange(CONTEXT + 1)]
        loss = step(windows[:, :-1].copy(), windows[:, 1:].copy())
        if k == 0:
            compiled = time.perf_counter()
            print(f"first loss {loss:.3f}; log of the number of letters {np.log(len(letters)):.3f}")
        elif (k + 1) % 100 == 0:
            print(f"step {k + 1}: loss {loss:.3f}")
    seconds = time.perf_counter() - compiled
    print(f"compiled in {compiled - started:.1f} s, then {1000 * seconds / (STEPS - 1):.1f} ms per step")
    predict = jg.jit(lambda model, tokens: model(tokens))
    print(continued(predict, model, text[:CONTEXT], 200, letters, rng))
    assert loss < 1.0


if __name__ == "__main__":
    main()
