"""Training steps: forward, backward and update as one compiled program that writes into the arrays of the model.

In: a model (a pytree of arrays, or a callable one such as a module), a loss and an optimiser. Out: a function of batches that
trains the model and returns the loss. ``fit`` runs it over whole data sets.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import is_
from typing import Any

import numpy as np

from .arguments import leaf_key, prepared
from .compiled import Compiled
from .compiler.trace.calls import call
from .compiler.tree import Tree, flatten, is_held
from .control import fori_loop
from .data.collating import to_numpy
from .optim import Optimizer, clip_grad_norm, clip_grad_value
from .program import Program
from .tracebacks import at_users_line
from .transforms import value_and_grad


@dataclass(frozen=True)
class Parameters:
    """Which leaves of a model are trained: for each name the places among the leaves; several where arrays are shared."""

    names: tuple[str, ...]
    places: tuple[tuple[int, ...], ...]

    def take(self, model: Any) -> dict[str, Any]:
        """The parameters of a model by name."""
        leaves, _ = flatten(model)
        return {name: leaves[places[0]] for name, places in zip(self.names, self.places, strict=True)}

    def put(self, model: Any, params: dict[str, Any]) -> Any:
        """The same model with other arrays as its parameters."""
        leaves, tree = flatten(model)
        for name, places in zip(self.names, self.places, strict=True):
            for place in places:
                leaves[place] = params[name]
        return tree.unflatten(leaves)


def parameters_of(model: Any, trainable: Callable[[str], bool] | None = None) -> Parameters:
    """The parameters of a model: those that it names itself, or all arrays of floats in a pytree."""
    leaves, tree = flatten(model)
    named = dict(model.named_parameters()) if hasattr(model, "named_parameters") else _named_arrays(leaves, tree)
    chosen = {name: array for name, array in named.items() if trainable is None or trainable(name)}
    if not chosen:
        what = "chosen by trainable" if named else f"in the {type(model).__name__} given as the model"
        raise ValueError(f"there is nothing to train: no floating-point array {what}")
    places = {name: tuple(k for k, leaf in enumerate(leaves) if leaf is array) for name, array in chosen.items()}
    if lost := [name for name, found in places.items() if not found]:
        raise ValueError(f"parameter {lost[0]!r} is not among the leaves of the model")
    first = {found: name for name, found in reversed(places.items())}  # shared arrays have one name
    return Parameters(tuple(sorted(first.values())), tuple(places[name] for name in sorted(first.values())))


def _named_arrays(leaves: Sequence[Any], tree: Tree) -> dict[str, np.ndarray]:
    named = {}
    for path, leaf in zip(tree.paths(), leaves, strict=True):
        name = ".".join(map(str, path))
        if isinstance(leaf, float):
            raise TypeError(
                f"parameter {name!r} is the number {leaf}, which cannot be updated in place; make it np.array({leaf})"
            )
        if isinstance(leaf, np.ndarray) and leaf.dtype.kind == "f" and not is_held(path):
            named[name] = leaf
    return named


@dataclass(frozen=True)
class Recipe:
    """All that a training program is made of besides the arrays; its methods run while they are traced."""

    loss: Callable[..., Any]
    optimizer: Optimizer
    parameters: Parameters
    with_model: bool
    has_aux: bool = False
    max_norm: float | None = None
    max_value: float | None = None
    metrics: tuple[tuple[str, Callable[..., Any]], ...] = ()

    def measure(self, model: Any, *batch: Any) -> tuple[Any, ...]:
        """The loss of a batch, and the metrics."""
        arguments = (model, *batch) if self.with_model else predicted(model, batch)
        value = call(self.loss)(*arguments)
        return (value, *(call(metric)(*arguments) for _, metric in self.metrics))

    def update(self, model: Any, state: Any, *batch: Any) -> Any:
        """One step of the optimiser; returns what the loss function returned."""
        loss, taken = self._loss(model, batch), self.parameters.take(model)
        value, grads = value_and_grad(loss, has_aux=self.has_aux)(taken)
        if self.max_value is not None:
            clip_grad_value(grads, self.max_value)
        if self.max_norm is not None:
            clip_grad_norm(grads, self.max_norm)
        call(self.optimizer.update)(taken, grads, state)
        return value

    def _loss(self, model: Any, batch: tuple[Any, ...]) -> Callable[..., Any]:
        def loss(params: dict[str, Any]) -> Any:
            whole = self.parameters.put(model, params)
            return call(self.loss)(*((whole, *batch) if self.with_model else predicted(whole, batch)))

        return loss

    def train(self, model: Any, state: Any, data: Any, order: Any, start: Any, size: Any, count: Any, losses: Any) -> None:
        """``count`` steps on batches of ``size`` rows of the data, in the order given, from its item ``start`` on."""

        def body(k: Any, _: None) -> None:
            rows = order[start + k * size + call(np.arange)(size)]
            value = self.update(model, state, *[a[rows] for a in data])
            losses[k] = value[0] if self.has_aux else value

        fori_loop(0, count, body, None)

    def evaluate(self, model: Any, data: Any, start: Any, size: Any, count: Any, totals: Any) -> None:
        """Add losses and metrics of ``count`` batches, each times its size, to ``totals``."""

        def body(k: Any, _: None) -> None:
            rows = start + k * size + call(np.arange)(size)
            for m, value in enumerate(self.measure(model, *[a[rows] for a in data])):
                totals[m] += value * size

        fori_loop(0, count, body, None)


def predicted(model: Any, batch: tuple[Any, ...]) -> tuple[Any, ...]:
    """What a loss of predictions takes: the model's result for all of the batch but the target, and the target."""
    *inputs, target = batch if len(batch) > 1 else (batch[0], None)
    prediction = call(model)(*inputs)
    return (prediction,) if len(batch) == 1 else (prediction, target)


@lru_cache(maxsize=64)
def compiled(recipe: Recipe, method: str) -> Compiled:
    """A method of a recipe, compiled; equal recipes share their programs."""
    function = getattr(recipe, method)
    return Compiled(function, function, method)


class TrainStep:
    """What ``train_step`` returns: call it with a batch. ``model`` is trained in place, ``state`` is the optimiser's."""

    def __init__(self, model: Any, recipe: Recipe, state: Any) -> None:
        self.model, self.recipe, self.state = model, recipe, state
        self._compiled = compiled(recipe, "update")
        self._bound: _Bound | None = None

    @property
    def optimizer(self) -> Optimizer:
        """The optimiser, which holds no state of its own."""
        return self.recipe.optimizer

    @property
    def programs(self) -> int:
        """How many programs were compiled for this and equal steps."""
        return sum(map(len, self._compiled.programs.values()))

    def parameters(self) -> dict[str, np.ndarray]:
        """The arrays that are trained, by name."""
        return self.recipe.parameters.take(self.model)

    def __call__(self, *batch: Any) -> Any:
        batch = tuple(part if type(part) is np.ndarray else to_numpy(part) for part in batch)
        bound = self._bound
        if bound is not None and bound.holds(self.model, self.state):
            try:
                return bound(batch)
            except (_Other, TypeError):
                pass
            except Exception as error:
                if error.args != ("guard",):
                    raise at_users_line(error, programs=self._compiled.programs)  # noqa: B904
        value = self._compiled(self.model, self.state, *batch)
        self._bound = _bind(self._compiled, self.model, self.state, batch)
        return value

    def __repr__(self) -> str:
        return f"<train step of {self.optimizer!r} on {len(self.recipe.parameters.names)} parameters>"


class _Other(Exception):
    """The batch needs another program than the one bound."""


class _Bound:
    """A program with model and state already in place, so that a step looks at its batch only."""

    def __init__(self, program: Program, leaves: list[Any], model: Any, state: Any) -> None:
        self.program, self.leaves = program, leaves
        self.structure = flatten((model, state))[1]
        self.fixed = [leaves[k] for k in program.taken if k < len(leaves)]
        self.scalars = [k for k, leaf in enumerate(self.fixed) if isinstance(leaf, np.ndarray) and not leaf.ndim]

    def holds(self, model: Any, state: Any) -> bool:
        """Whether model and state still consist of the very arrays that were bound."""
        leaves, structure = flatten((model, state))
        return structure == self.structure and all(map(is_, self.leaves, leaves))

    def __call__(self, batch: tuple[Any, ...]) -> Any:
        for part in batch:
            if type(part) not in _PLAIN:
                raise _Other
        fixed = self.fixed.copy()
        for k in self.scalars:
            fixed[k] = fixed[k][()]
        captured = self.program.traced.captured
        raw = self.program.run(*fixed, *map(prepared, batch), *map(prepared, captured))
        return self.program.finish(raw, (*self.leaves, *batch))


_PLAIN = {np.ndarray, int, float, np.float32, np.float64}


def _bind(step: Compiled, model: Any, state: Any, batch: tuple[Any, ...]) -> _Bound | None:
    """The program that fits, bound to model and state; None where a call needs the checks that binding skips."""
    arguments: tuple[tuple[Any, ...], dict[str, Any]] = ((model, state, *batch), {})
    everything, structure = flatten(arguments)
    leaves = flatten((model, state))[0]
    program = step.find((structure, tuple(map(leaf_key, everything))), arguments, everything)
    simple = len(everything) == len(leaves) + len(batch) and not program.aliases and max(program.written) < len(leaves)
    ready = all(prepared(leaf) is leaf for leaf in leaves if isinstance(leaf, np.ndarray) and leaf.ndim)
    static = any(leaf.kind == "static" for leaf in program.traced.leaves[len(leaves) :])
    return _Bound(program, leaves, model, state) if simple and ready and not static else None


def train_step(
    model: Any,
    loss: Callable[..., Any],
    optimizer: Optimizer,
    *,
    state: Any = None,
    has_aux: bool = False,
    max_norm: float | None = None,
    max_value: float | None = None,
    trainable: Callable[[str], bool] | None = None,
    with_model: bool | None = None,
) -> TrainStep:
    """A function that trains a model by one batch: gradient and update in one compiled program, in place.

    Parameters
    ----------
    model : a pytree of arrays, or a callable one, such as a module.
    loss : for a pytree ``loss(model, *batch)``; for a callable model ``loss(model(*inputs), target)``, the target being the
        last of the batch, unless ``with_model=True`` asks for the first form. It returns a scalar, with ``has_aux`` a pair
        (scalar, anything).
    optimizer : how the parameters move, as in ``optim.Adam(1e-3)``.
    state : what the optimiser remembers, from an earlier step or a checkpoint; new if not given.
    max_norm, max_value : limits of the norm of all gradients and of each of their elements.
    trainable : a test of a parameter's name; those that fail it stay as they are.

    Returns a function of a batch that gives the loss; ``.model``, ``.state`` and ``.parameters()`` belong to it.

    >>> from jitgrad import optim
    >>> def loss(params, x, y):
    ...     return np.mean((x * params["slope"] - y) ** 2)
    >>> params = {"slope": np.zeros(1)}
    >>> step = train_step(params, loss, optim.SGD(lr=0.25))
    >>> step(np.ones(3), np.full(3, 2.0))
    np.float64(4.0)
    >>> params
    {'slope': array([1.])}
    """
    parameters = parameters_of(model, trainable)
    whole = not callable(model) if with_model is None else with_model
    recipe = Recipe(loss, optimizer, parameters, whole, has_aux, max_norm, max_value)
    return TrainStep(model, recipe, optimizer.init(parameters.take(model)) if state is None else state)
