"""A table of the layers of a model: what comes out of each, and how many parameters it has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..compiler.tree import flatten
from .module import Module


def summary(model: Module, example: Sequence[int] | np.ndarray, dtype: Any = np.float32) -> str:
    """The layers of a model with the shapes that they give for an input, and their parameters.

    The input is an array, or a shape, of which zeros are made. The model is run once on it, in evaluation.

    >>> from jitgrad import nn
    >>> print(summary(nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2)), (16, 4)))
    layer         output shape  parameters
    0 (Linear)    (16, 8)               40
    1 (ReLU)      (16, 8)                0
    2 (Linear)    (16, 2)               18
    total                               58
    """
    shapes = _shapes(model, example if isinstance(example, np.ndarray) else np.zeros(tuple(example), dtype))
    rows = []
    for name, module in model.named_modules():
        leaf = not module.children()
        own = sum(array.size for local, array in module.named_parameters() if leaf or "." not in local)
        if leaf or own:
            rows.append((f"{name or 'model'} ({type(module).__name__})", shapes.get(id(module), "not called"), f"{own:,}"))
    rows.append(("total", "", f"{sum(array.size for array in model.parameters()):,}"))
    heading = ("layer", "output shape", "parameters")
    widths = [max(len(row[k]) for row in [heading, *rows]) for k in range(3)]
    lines = [f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c:>{widths[2]}}" for a, b, c in [heading, *rows]]
    return "\n".join(lines)


def _shapes(model: Module, x: np.ndarray) -> dict[int, str]:
    """The shape that each module gave last, as text, by the module's id."""
    found: dict[int, str] = {}
    modules = model.modules()
    modes = [module.training for module in modules]
    try:
        model.eval()
        for module in modules:
            vars(module)["forward"] = _recording(module, found)
        model(x)
    finally:
        for module, mode in zip(modules, modes, strict=True):
            vars(module).pop("forward", None)
            module.training = mode
    return found


def _recording(module: Module, found: dict[int, str]) -> Any:
    forward = module.forward

    def run(*args: Any, **kwargs: Any) -> Any:
        result = forward(*args, **kwargs)
        found[id(module)] = ", ".join(str(np.shape(leaf)) for leaf in flatten(result)[0])
        return result

    return run
