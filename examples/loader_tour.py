"""Data in batches: arrays, files mapped into memory, data sets of one's own, threads that read ahead."""

import tempfile
import time
from pathlib import Path

import numpy as np

from jitgrad.data import DataLoader, Dataset, random_split


class Words(Dataset):
    """Items of unequal length, slow to fetch."""

    def __init__(self, text):
        self.words = text.split()

    def __len__(self):
        return len(self.words)

    def __getitem__(self, index):
        time.sleep(0.002)
        return np.frombuffer(self.words[index].encode(), np.uint8)


def padded(items):
    """A batch of items of unequal length."""
    batch = np.zeros((len(items), max(map(len, items))), np.uint8)
    for row, item in zip(batch, items, strict=True):
        row[: len(item)] = item
    return batch


def main():
    x, y = np.arange(20.0).reshape(10, 2), np.arange(10)

    print("in order:", [labels.tolist() for _, labels in DataLoader((x, y), batch_size=4)])
    print("views of the array, not copies:", np.shares_memory(next(iter(DataLoader(x, 4))), x))

    loader = DataLoader((x, y), batch_size=4, shuffle=True, rng=np.random.default_rng(0), drop_last=True)
    for epoch in range(2):
        print(f"shuffled, epoch {epoch}:", [labels.tolist() for _, labels in loader])

    train, test = random_split(loader.dataset, (0.8, 0.2), np.random.default_rng(1))
    print("split:", len(train), "and", len(test))

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.npy"
        np.save(path, x)
        batches = list(DataLoader(np.load(path, mmap_mode="r"), batch_size=5))
        print("from a file:", [batch.shape for batch in batches])

    words = Words("the quick brown fox jumps over the lazy dog " * 5)
    for workers in (0, 4):
        start = time.perf_counter()
        shapes = {batch.shape for batch in DataLoader(words, batch_size=9, collate=padded, workers=workers)}
        print(f"{workers} threads: {1000 * (time.perf_counter() - start):.0f} ms for batches of shape {shapes}")


if __name__ == "__main__":
    main()
