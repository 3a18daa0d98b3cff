"""Batches of a data set, in order or shuffled, read ahead by threads if wished."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import numpy as np

from .collating import collate as stack_items
from .dataset import ArrayDataset


class DataLoader:
    """An iterable over the batches of a data set; each ``for`` over it is one epoch.

    Parameters
    ----------
    dataset : an array, a tuple of arrays of one length, or anything with ``len`` that can be indexed by numbers. Rows of
        arrays, memory- mapped ones included, are gathered at once; unshuffled batches of an array are views that share its
        memory.
    batch_size : items per batch; the last batch may be smaller, unless ``drop_last``.
    shuffle : whether each epoch has an order of its own, drawn from ``rng``.
    rng : a ``numpy.random.Generator``, or a number to seed one.
    collate : a function from a list of items to a batch; given one, items are fetched one by one.
    workers : threads that fetch batches ahead, ``prefetch`` batches each. They help where fetching waits for disks or runs code
        that releases the interpreter's lock.

    >>> loader = DataLoader(np.arange(5), batch_size=2, shuffle=True, rng=0)
    >>> [batch.tolist() for batch in loader], len(loader)
    ([[2, 4], [3, 0], [1]], 3)
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int = 1,
        shuffle: bool = False,
        *,
        rng: np.random.Generator | int | None = None,
        drop_last: bool = False,
        collate: Callable[[list[Any]], Any] | None = None,
        workers: int = 0,
        prefetch: int = 2,
    ) -> None:
        if not isinstance(batch_size, (int, np.integer)) or batch_size < 1:
            raise ValueError(f"batch_size must be a positive number, found {batch_size!r}")
        if workers < 0 or prefetch < 1:
            raise ValueError(f"workers must not be negative and prefetch must be positive, found {workers} and {prefetch}")
        self.dataset = ArrayDataset(*dataset) if _is_arrays(dataset) else dataset
        if not hasattr(self.dataset, "__len__") or not hasattr(self.dataset, "__getitem__"):
            raise TypeError(f"a data set has a length and can be indexed; found {type(dataset).__name__}")
        self.batch_size, self.drop_last, self.collate = int(batch_size), drop_last, collate
        self.shuffle, self.rng = shuffle, seeded(rng, shuffle, "DataLoader")
        self.workers, self.prefetch = workers, prefetch

    def __len__(self) -> int:
        whole, rest = divmod(len(self.dataset), self.batch_size)
        return whole + (rest > 0 and not self.drop_last)

    def __iter__(self) -> Iterator[Any]:
        requests = self._requests()
        return map(self._fetch, requests) if not self.workers else self._ahead(requests)

    def order(self) -> np.ndarray | None:
        """The order of the items in the next epoch, drawn now; None if it is that of the data set."""
        return self.rng.permutation(len(self.dataset)) if self.shuffle and self.rng is not None else None

    def _requests(self) -> Iterator[Any]:
        """The indices of each batch: a slice, or an array of numbers."""
        order, count, size = self.order(), len(self.dataset), self.batch_size
        for k in range(len(self)):
            rows = slice(k * size, min((k + 1) * size, count))
            yield rows if order is None else order[rows]

    def _fetch(self, rows: Any) -> Any:
        try:
            if self.collate is None and isinstance(self.dataset, (np.ndarray, ArrayDataset)):
                return _plain(self.dataset[rows])
            numbers = range(rows.start, rows.stop) if isinstance(rows, slice) else rows.tolist()
            return (self.collate or stack_items)([self.dataset[k] for k in numbers])
        except Exception as error:
            error.add_note(f"while fetching the batch of items {_shown(rows)}")
            raise

    def _ahead(self, requests: Iterator[Any]) -> Iterator[Any]:
        """Batches in order, fetched by threads up to ``prefetch`` per thread ahead."""
        from concurrent.futures import ThreadPoolExecutor

        pool = ThreadPoolExecutor(self.workers, thread_name_prefix="jitgrad-data")
        try:
            waiting = deque(pool.submit(self._fetch, rows) for rows in islice(requests, self.workers * self.prefetch))
            while waiting:
                batch = waiting.popleft().result()
                waiting.extend(pool.submit(self._fetch, rows) for rows in islice(requests, 1))
                yield batch
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def seeded(rng: np.random.Generator | int | None, needed: bool, who: str) -> np.random.Generator | None:
    """The generator, or one made from a seed; shuffling without either is refused."""
    if rng is None:
        if needed:
            raise TypeError(f"{who}: shuffling needs an rng, as in rng=np.random.default_rng(0), or shuffle=False")
        return None
    if isinstance(rng, np.random.Generator):
        return rng
    if isinstance(rng, (int, np.integer)) and not isinstance(rng, bool):
        return np.random.default_rng(int(rng))
    raise TypeError(f"{who}: rng is a numpy.random.Generator or a seed, found {type(rng).__name__}")


def _is_arrays(dataset: Any) -> bool:
    return isinstance(dataset, tuple) and bool(dataset) and all(isinstance(a, np.ndarray) for a in dataset)


def _plain(batch: Any) -> Any:
    """Rows of memory-mapped arrays as ordinary arrays."""
    if isinstance(batch, tuple):
        return tuple(np.asarray(part) for part in batch)
    return np.asarray(batch)


def _shown(rows: Any) -> str:
    numbers = [rows.start, "...", rows.stop - 1] if isinstance(rows, slice) else rows[:8].tolist() + ["..."] * (len(rows) > 8)
    return ", ".join(map(str, numbers))
