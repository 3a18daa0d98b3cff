"""Training over whole data sets: ``fit`` and the history it returns.

Data in memory is trained on in one compiled loop, which gathers the rows of each batch in shuffled order; Python sees only
pieces of an epoch, long enough to cost nothing and short enough for a progress bar and Ctrl-C. Loaders are gone through batch
by batch.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from .compiler.tree import flatten
from .data.collating import to_numpy
from .data.dataset import ArrayDataset
from .data.loader import DataLoader, seeded
from .optim import Optimizer
from .progress import progress_bar
from .training import TrainStep, compiled, train_step

PIECE_SECONDS = 0.2


@dataclass
class Record:
    """One epoch: losses are means over its items; ``validation`` is nan without validation data."""

    epoch: int
    loss: float
    validation: float
    metrics: dict[str, float]
    lr: float
    seconds: float

    @property
    def watched(self) -> float:
        """What decides which epoch is the best: the validation loss, else the training loss."""
        return self.loss if np.isnan(self.validation) else self.validation

    def __str__(self) -> str:
        parts = [f"loss {self.loss:.4g}"]
        parts += [] if np.isnan(self.validation) else [f"validation {self.validation:.4g}"]
        parts += [f"{name} {value:.4g}" for name, value in self.metrics.items()]
        return f"epoch {self.epoch}: " + ", ".join(parts)


@dataclass(repr=False)
class History:
    """What ``fit`` returns, and all it needs, besides the model, to go on.

    ``stopped`` says why it ended: "epochs", "patience", "callback" or "interrupt".
    """

    state: dict[str, Any]
    rng: np.random.Generator | None = None
    records: list[Record] = field(default_factory=list)
    stopped: str = "epochs"
    best_weights: list[np.ndarray] | None = None

    def __repr__(self) -> str:
        count = len(self.records)
        last = f", {self.records[-1]}; best: epoch {self.best}" if self.records else ""
        return f"<History of {count} epoch{'s' * (count != 1)}, stopped by {self.stopped!r}{last}>"

    @property
    def losses(self) -> list[float]:
        """The training loss of each epoch."""
        return [record.loss for record in self.records]

    @property
    def validation(self) -> list[float]:
        """The validation loss of each epoch."""
        return [record.validation for record in self.records]

    @property
    def best(self) -> int | None:
        """The number of the epoch with the lowest loss, on validation data if there are any."""
        return min(self.records, key=lambda record: record.watched).epoch if self.records else None

    def metric(self, name: str) -> list[float]:
        """A metric over the epochs."""
        return [record.metrics[name] for record in self.records]


Callback = Callable[[Record, TrainStep], Any]


def fit(
    model: Any,
    loss: Callable[..., Any],
    optimizer: Optimizer,
    data: Any,
    *,
    epochs: int,
    batch_size: int = 32,
    shuffle: bool = True,
    rng: np.random.Generator | int | None = None,
    drop_last: bool = False,
    validation: Any = None,
    metrics: Mapping[str, Callable[..., Any]] | None = None,
    schedule: Any = None,
    callbacks: Sequence[Callback] = (),
    patience: int | None = None,
    min_delta: float = 0.0,
    progress: bool | None = None,
    resume: History | None = None,
    **options: Any,
) -> History:
    """Train a model, in place, over a data set.

    Parameters
    ----------
    model, loss, optimizer : as for ``train_step``, which takes further ``options`` (max_norm, max_value, trainable, with_model)
        as well.
    data : an array, a tuple of arrays of one length, a data set, or a loader of jitgrad or PyTorch; a loader decides on batch
        size and order itself.
    epochs : how often to go through the data, those of ``resume`` included.
    batch_size, shuffle, rng, drop_last : as for ``data.DataLoader``.
    validation : data of the same kind; their loss is measured after each epoch, with ``model.eval()`` where there is such a
        method.
    metrics : functions of predictions and targets (or of what the loss takes), measured on the validation data: means over its
        items.
    schedule : a function from the number of the epoch to the learning rate, or a ``ReduceLROnPlateau``.
    callbacks : called with a ``Record`` and the ``TrainStep`` after each epoch; one that returns True ends the training.
    patience : end when this many epochs in a row were no better than the best by more than ``min_delta``, and restore the best
        weights.
    progress : a bar on the terminal (tqdm); by default if there is a terminal and tqdm.
    resume : what an earlier call returned: goes on with its state, generator and number of epochs, as if it had never ended.

    Ctrl-C ends the training with the weights of the best epoch. Raises FloatingPointError when a loss is not finite.

    >>> from jitgrad import optim
    >>> def loss(params, x, y):
    ...     return np.mean((x * params["slope"] - y) ** 2)
    >>> params, x = {"slope": np.zeros(1)}, np.linspace(-1, 1, 8)
    >>> history = fit(params, loss, optim.SGD(lr=0.5), (x, 3 * x), epochs=20, batch_size=4, rng=0)
    >>> params["slope"].round(3)
    array([3.])
    """
    if resume is not None:
        rng, options["state"] = resume.rng if rng is None else rng, resume.state
    step = train_step(model, loss, optimizer, **options)
    if metrics:
        if validation is None:
            raise ValueError("metrics are measured on validation data: pass validation=(x, y)")
        step.recipe = replace(step.recipe, metrics=tuple(metrics.items()))
    rng = _generator(data, shuffle, rng)
    history = History(step.state, rng)
    if resume is not None:
        history.records, history.best_weights = list(resume.records), resume.best_weights
    training = _source(data, batch_size, shuffle, rng, drop_last)
    checking = None if validation is None else _source(validation, batch_size, False, None, False)
    run = _Run(step, training, checking, history, schedule, callbacks, patience, min_delta)
    with _mode(model):
        run.train(epochs, progress)
    return history


def _generator(data: Any, shuffle: bool, rng: Any) -> np.random.Generator | None:
    if isinstance(data, DataLoader):
        return data.rng
    own = hasattr(data, "__getitem__")  # not somebody else's loader
    return seeded(rng, shuffle and own, "fit")


class _InMemory:
    """Arrays that the compiled loop takes rows of."""

    def __init__(self, arrays: Sequence[np.ndarray], loader: DataLoader) -> None:
        self.arrays = [_ready(a) for a in arrays]
        self.loader, self.count, self.size = loader, len(arrays[0]), loader.batch_size

    def __len__(self) -> int:
        return len(self.loader)

    def order(self) -> np.ndarray:
        order = self.loader.order()
        return np.arange(self.count) if order is None else order

    def pieces(self) -> Iterator[tuple[int, int, int]]:
        """(first item, batch size, batches) of pieces of an epoch, which grow until one takes PIECE_SECONDS."""
        whole, rest = divmod(self.count, self.size)
        done, piece = 0, 4
        while done < whole:
            batches = min(piece, whole - done)
            start = time.perf_counter()
            yield done * self.size, self.size, batches
            seconds = time.perf_counter() - start
            piece = max(1, min(4 * piece, int(batches * PIECE_SECONDS / max(seconds, 1e-9))))
            done += batches
        if rest and not self.loader.drop_last:
            yield whole * self.size, rest, 1


def _ready(array: np.ndarray) -> np.ndarray:
    """The array as compiled code takes it, so that it is copied once at most."""
    return (
        array
        if array.flags.c_contiguous and array.flags.writeable and type(array) is np.ndarray
        else np.array(array, order="C")
    )


def _source(data: Any, batch_size: int, shuffle: bool, rng: Any, drop_last: bool) -> Any:
    """Arrays for the compiled loop, or an iterable of batches."""
    if isinstance(data, list) and data and all(isinstance(a, np.ndarray) for a in data):
        data = tuple(data)
    if isinstance(data, (np.ndarray, tuple)) or (hasattr(data, "__getitem__") and hasattr(data, "__len__")):
        data = DataLoader(data, batch_size, shuffle, rng=rng, drop_last=drop_last)
    if not isinstance(data, Iterable) or isinstance(data, Iterator):
        raise TypeError(
            f"fit goes through its data once per epoch, which {type(data).__name__} does not allow; pass arrays or a loader"
        )
    if isinstance(data, DataLoader) and data.collate is None and not data.workers:
        dataset = data.dataset
        arrays = dataset.arrays if isinstance(dataset, ArrayDataset) else (dataset,) if isinstance(dataset, np.ndarray) else ()
        if arrays and not any(isinstance(a, np.memmap) for a in arrays) and len(arrays[0]):
            return _InMemory(arrays, data)
    return data


class _Run:
    """One call of ``fit``."""

    def __init__(
        self, step: TrainStep, training: Any, checking: Any, history: History, schedule: Any, callbacks: Sequence[Callback],
        patience: int | None, min_delta: float,
    ) -> None:  # fmt: skip
        self.step, self.training, self.checking, self.history = step, training, checking, history
        self.schedule, self.callbacks, self.patience, self.min_delta = schedule, callbacks, patience, min_delta
        self.weights = [leaf for leaf in flatten(step.model)[0] if isinstance(leaf, np.ndarray)]
        self.best_loss, self.waited = np.inf, 0
        for record in history.records:
            self.is_best(record)

    def train(self, epochs: int, progress: bool | None) -> None:
        first = len(self.history.records)
        with progress_bar(progress, epochs - first, self.training) as bar:
            try:
                for epoch in range(first, epochs):
                    record = self.epoch(epoch, bar)
                    if self.finished(record):
                        break
            except KeyboardInterrupt:
                self.history.stopped = "interrupt"
                self.restore()
            except FloatingPointError:
                self.restore()
                raise

    def epoch(self, epoch: int, bar: Any) -> Record:
        start = time.perf_counter()
        self.set_rate(epoch)
        loss = self.pass_over_memory(epoch, bar) if isinstance(self.training, _InMemory) else self.pass_over_batches(epoch, bar)
        validation, metrics = self.check()
        record = Record(epoch, loss, validation, metrics, self.rate(), time.perf_counter() - start)
        self.history.records.append(record)
        if hasattr(self.schedule, "step"):
            self.schedule.step(record.watched)
        self.keep(record)
        return record

    def set_rate(self, epoch: int) -> None:
        if self.schedule is None:
            return
        if "lr" not in self.step.state:
            raise ValueError("the optimiser's lr is a schedule already; give it a number, or fit no schedule")
        self.step.state["lr"][...] = self.schedule.lr if hasattr(self.schedule, "step") else self.schedule(epoch)

    def rate(self) -> float:
        state = self.step.state
        return float(state["lr"] if "lr" in state else self.step.optimizer.lr(int(state["step"]) - 1))  # type: ignore[operator]

    def pass_over_memory(self, epoch: int, bar: Any) -> float:
        data, order = self.training, self.training.order()
        run, total, batch = compiled(self.step.recipe, "train"), 0.0, 0
        for start, size, count in data.pieces():
            losses = np.full(count + (count == 1), np.nan)
            run(self.step.model, self.step.state, data.arrays, order, start, size, count, losses)
            losses = losses[:count]
            if not np.isfinite(losses).all():
                k = int(np.argmin(np.isfinite(losses)))
                raise _not_finite(losses[k], epoch, batch + k)
            total, batch = total + size * float(losses.sum()), batch + count
            bar.update(count, losses[-1])
        return _mean(total, start + size * count if batch else 0)

    def pass_over_batches(self, epoch: int, bar: Any) -> float:
        total, items = 0.0, 0
        for k, batch in enumerate(self.training):
            parts = _parts(batch)
            value = self.step(*parts)
            value = float(value[0] if self.step.recipe.has_aux else value)
            if not np.isfinite(value):
                raise _not_finite(value, epoch, k)
            total, items = total + _length(parts) * value, items + _length(parts)
            bar.update(1, value)
        return _mean(total, items)

    def check(self) -> tuple[float, dict[str, float]]:
        """Loss and metrics on the validation data."""
        if self.checking is None:
            return float("nan"), {}
        with _mode(self.step.model, training=False):
            totals, items = self.measured()
        value, *metrics = (totals / items).tolist()
        return value, dict(zip([name for name, _ in self.step.recipe.metrics], metrics, strict=True))

    def measured(self) -> tuple[np.ndarray, int]:
        step, data = self.step, self.checking
        totals = np.zeros(1 + len(step.recipe.metrics))
        if isinstance(data, _InMemory):
            run = compiled(step.recipe, "evaluate")
            for start, size, count in data.pieces():
                run(step.model, data.arrays, start, size, count, totals)
            return totals, data.count
        items, run = 0, compiled(step.recipe, "measure")
        for batch in data:
            parts = _parts(batch)
            totals += _length(parts) * np.array(run(step.model, *parts), float)
            items += _length(parts)
        return totals, items

    def is_best(self, record: Record) -> bool:
        """Whether an epoch is better than all before; counts those since the best."""
        better = record.watched < self.best_loss - self.min_delta
        self.best_loss, self.waited = (record.watched, 0) if better else (self.best_loss, self.waited + 1)
        return better

    def keep(self, record: Record) -> None:
        """Remember the weights of the best epoch."""
        if not self.is_best(record):
            return
        if self.history.best_weights is None:
            self.history.best_weights = [np.empty_like(w) for w in self.weights]
        for kept, weight in zip(self.history.best_weights, self.weights, strict=True):
            np.copyto(kept, weight)

    def finished(self, record: Record) -> bool:
        answers = [callback(record, self.step) for callback in self.callbacks]
        if True in answers:
            self.history.stopped = "callback"
        elif self.patience is not None and self.waited >= self.patience:
            self.history.stopped = "patience"
            self.restore()
        return self.history.stopped != "epochs"

    def restore(self) -> None:
        """Put the best weights back, if an epoch was finished."""
        for kept, weight in zip(self.history.best_weights or [], self.weights, strict=False):
            np.copyto(weight, kept)


def _parts(batch: Any) -> tuple[Any, ...]:
    batch = to_numpy(batch)
    return tuple(batch) if isinstance(batch, (tuple, list)) else (batch,)


def _length(parts: tuple[Any, ...]) -> int:
    first = flatten(parts)[0][0]
    return len(first) if np.ndim(first) else 1


def _mean(total: float, items: int) -> float:
    if not items:
        raise ValueError("fit: there is not one batch in the data")
    return total / items


def _not_finite(value: float, epoch: int, batch: int) -> FloatingPointError:
    return FloatingPointError(
        f"the loss is {value} in epoch {epoch}, batch {batch} (both counted from 0); look for a division by zero or a "
        "logarithm of zero in that batch, or take a lower learning rate or max_norm=1.0"
    )


class _mode:
    """Put a model into training mode, or out of it, for a while; models without ``train`` and ``eval`` stay as they are."""

    def __init__(self, model: Any, training: bool = True) -> None:
        self.model, self.training = model, training
        self.before = getattr(model, "training", None)

    def __enter__(self) -> None:
        self._set(self.training)

    def __exit__(self, *_: object) -> None:
        if isinstance(self.before, bool):
            self._set(self.before)

    def _set(self, training: bool) -> None:
        method = getattr(self.model, "train" if training else "eval", None)
        if callable(method):
            method()
