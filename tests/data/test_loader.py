"""Data sets and loaders: order, sizes, threads, memory and errors."""

import threading
import time
from typing import NamedTuple

import numpy as np
import pytest

from jitgrad.data import ArrayDataset, DataLoader, Dataset, Subset, collate, random_split, to_numpy

X = np.arange(20.0).reshape(10, 2)
Y = np.arange(10)


class Squares(Dataset):
    def __init__(self, count, slow=0.0, fail_at=None):
        self.count, self.slow, self.fail_at = count, slow, fail_at
        self.threads = set()

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        self.threads.add(threading.current_thread().name)
        time.sleep(self.slow)
        if index == self.fail_at:
            raise RuntimeError("a broken item")
        return np.float64(index), index**2


@pytest.mark.parametrize(
    ("count", "size", "drop", "expected"),
    [
        (10, 3, False, [3, 3, 3, 1]),
        (10, 3, True, [3, 3, 3]),
        (9, 3, False, [3, 3, 3]),
        (2, 3, False, [2]),
        (2, 3, True, []),
        (0, 3, False, []),
    ],
)
@pytest.mark.parametrize("workers", [0, 2])
def test_sizes_of_batches(count, size, drop, expected, workers):
    loader = DataLoader((X[:count], Y[:count]), size, drop_last=drop, workers=workers)
    assert [len(x) for x, _ in loader] == expected
    assert len(loader) == len(expected)


def test_shuffling_is_seeded_and_complete():
    loader = DataLoader(Y, 4, shuffle=True, rng=7)
    again = DataLoader(Y, 4, shuffle=True, rng=np.random.default_rng(7))
    epochs = [np.concatenate(list(loader)) for _ in range(3)]
    for epoch, other in zip(epochs, [np.concatenate(list(again)) for _ in range(3)], strict=True):
        np.testing.assert_array_equal(epoch, other)
        np.testing.assert_array_equal(np.sort(epoch), Y)
    assert not np.array_equal(epochs[0], epochs[1])


def test_rows_stay_together():
    for x, y in DataLoader((X, Y), 3, shuffle=True, rng=0):
        np.testing.assert_array_equal(x[:, 0], 2.0 * y)


def test_unshuffled_batches_share_memory():
    x, y = next(iter(DataLoader((X, Y), 4)))
    assert np.shares_memory(x, X)
    assert np.shares_memory(y, Y)


def test_memory_mapped_arrays_are_read_by_the_batch(tmp_path):
    np.save(tmp_path / "x.npy", X)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    dataset = ArrayDataset(mapped, Y)
    assert isinstance(dataset.arrays[0], np.memmap)
    batches = list(DataLoader(dataset, 4, shuffle=True, rng=1))
    assert all(type(x) is np.ndarray for x, _ in batches)
    np.testing.assert_array_equal(np.sort(np.concatenate([x[:, 0] for x, _ in batches])), X[:, 0])


@pytest.mark.parametrize("dataset", [list(range(5)), range(5), Subset(range(10), [0, 1, 2, 3, 4])])
def test_any_indexable(dataset):
    assert [batch.tolist() for batch in DataLoader(dataset, 2)] == [[0, 1], [2, 3], [4]]


def test_threads_keep_the_order_and_read_ahead():
    dataset = Squares(12, slow=0.002)
    batches = list(DataLoader(dataset, 2, workers=3))
    np.testing.assert_array_equal(np.concatenate([b[0] for b in batches]), np.arange(12.0))
    assert all(name.startswith("jitgrad-data") for name in dataset.threads)


def test_threads_end_when_the_loop_is_left():
    iterator = iter(DataLoader(Squares(100, slow=0.001), 2, workers=2))
    next(iterator)
    iterator.close()
    assert not [t for t in threading.enumerate() if t.name.startswith("jitgrad-data")]


@pytest.mark.parametrize("workers", [0, 2])
def test_an_error_comes_with_its_batch(workers):
    seen = []
    with pytest.raises(RuntimeError, match="broken") as caught:
        for x, _ in DataLoader(Squares(10, fail_at=5), 2, workers=workers):
            seen.append(len(x))
    assert seen == [2, 2]
    assert caught.value.__notes__ == ["while fetching the batch of items 4, ..., 5"]


def test_a_collate_function_of_ones_own():
    loader = DataLoader((X, Y), 4, collate=len)
    assert list(loader) == [4, 4, 2]


class Point(NamedTuple):
    x: float
    y: np.ndarray


def test_collating_structures():
    items = [Point(1.0, np.zeros(2)), Point(2.0, np.ones(2))]
    batch = collate(items)
    assert type(batch) is Point
    assert batch.y.shape == (2, 2)
    assert collate([{"a": [1, "s"]}, {"a": [2, "t"]}])["a"][1] == ["s", "t"]
    assert collate([np.float32(1), np.float32(2)]).dtype == np.float32
    with pytest.raises(ValueError, match="one shape"):
        collate([np.zeros(2), np.zeros(3)])


def test_split_is_disjoint_and_complete():
    parts = random_split(ArrayDataset(Y), (0.5, 0.3, 0.2), np.random.default_rng(0))
    assert [len(p) for p in parts] == [5, 3, 2]
    np.testing.assert_array_equal(np.sort(np.concatenate([p[np.arange(len(p))][0] for p in parts])), Y)
    with pytest.raises(ValueError, match="sum to 1"):
        random_split(Y, (0.5, 0.6), np.random.default_rng(0))


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (lambda: DataLoader(Y, 0), ValueError, "batch_size"),
        (lambda: DataLoader(Y, shuffle=True), TypeError, "needs an rng"),
        (lambda: DataLoader(Y, shuffle=True, rng="seed"), TypeError, "Generator or a seed"),
        (lambda: DataLoader(iter(Y)), TypeError, "can be indexed"),
        (lambda: DataLoader((X, Y[:3])), ValueError, r"\(10, 2\), \(3,\)"),
        (lambda: ArrayDataset(), ValueError, "at least one"),
        (lambda: DataLoader(Y, workers=-1), ValueError, "workers"),
    ],
)
def test_mistakes_are_explained(make, kind, message):
    with pytest.raises(kind, match=message):
        make()


def test_torch_tensors_become_arrays_on_the_same_memory():
    torch = pytest.importorskip("torch", reason="tensors are PyTorch's")
    tensor = torch.arange(4.0, requires_grad=True)
    array = to_numpy({"a": [tensor, 1]})["a"][0]
    assert array.ctypes.data == tensor.data_ptr()
    batch = next(iter(DataLoader(torch.utils.data.TensorDataset(torch.ones(3, 2), torch.arange(3)), 2)))
    assert isinstance(batch[0], np.ndarray)
    assert batch[0].shape == (2, 2)
