"""A module given by its steps instead of by source: what an import from another library makes."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from . import functional
from .module import Module


def _reshape(x: Any, *shape: Any) -> Any:
    return x.reshape(shape[0] if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else shape)


def _permute(x: Any, *axes: Any) -> Any:
    return np.transpose(x, axes[0] if len(axes) == 1 else axes)


def _mean(x: Any, dim: Any = None, keepdim: bool = False) -> Any:
    return np.mean(x, axis=tuple(dim) if isinstance(dim, list) else dim, keepdims=keepdim)


def _sum(x: Any, dim: Any = None, keepdim: bool = False) -> Any:
    return np.sum(x, axis=tuple(dim) if isinstance(dim, list) else dim, keepdims=keepdim)


def _size(x: Any, dim: int | None = None) -> Any:
    return x.shape if dim is None else x.shape[dim]


def _attribute(x: Any, name: str) -> Any:
    if name not in ("shape", "T", "mT", "ndim"):
        raise AttributeError(f"from_torch: the attribute {name} of arrays is not supported")
    return getattr(x, name)


def _dropout(x: Any, p: float = 0.5, training: bool = False, inplace: bool = False) -> Any:
    if training:
        raise NotImplementedError(
            "a dropout function in training has no key of random numbers; use a Dropout layer, or eval() before import"
        )
    return x


OPERATIONS: dict[str, Callable[..., Any]] = {
    "add": operator.add, "iadd": operator.add, "sub": operator.sub, "mul": operator.mul, "imul": operator.mul,
    "truediv": operator.truediv, "div": operator.truediv, "neg": operator.neg, "pow": operator.pow, "matmul": operator.matmul,
    "bmm": operator.matmul, "getitem": operator.getitem, "getattr": _attribute, "floordiv": operator.floordiv,
    "relu": lambda x, inplace=False: functional.relu(x), "tanh": np.tanh, "sigmoid": functional.sigmoid, "exp": np.exp,
    "log": np.log, "sqrt": np.sqrt, "abs": np.abs, "gelu": functional.gelu, "silu": lambda x, inplace=False: functional.silu(x),
    "leaky_relu": lambda x, negative_slope=0.01, inplace=False: functional.leaky_relu(x, negative_slope),
    "softmax": lambda x, dim, **_: functional.softmax(x, dim),
    "log_softmax": lambda x, dim, **_: functional.log_softmax(x, dim),
    "max_pool2d": lambda x, kernel_size, stride=None, padding=0, dilation=1, **_: functional.max_pool2d(
        x, kernel_size, stride, padding, dilation),
    "boolean_dispatch": lambda x, kernel_size, stride=None, padding=0, dilation=1, **_: functional.max_pool2d(
        x, kernel_size, stride, padding, dilation),
    "avg_pool2d": lambda x, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, **_: (
        functional.avg_pool2d)(x, kernel_size, stride, padding, count_include_pad),
    "flatten": functional.flatten, "reshape": _reshape, "view": _reshape, "permute": _permute, "size": _size, "mean": _mean,
    "transpose": np.swapaxes, "sum": _sum, "unsqueeze": np.expand_dims, "squeeze": np.squeeze, "contiguous": lambda x: x,
    "cat": lambda tensors, dim=0: np.concatenate(tensors, dim), "stack": lambda tensors, dim=0: np.stack(tensors, dim),
    "dropout": _dropout,
}  # fmt: skip
"""What PyTorch's functions and methods of these names do, in NumPy."""


class Graph(Module):
    """Layers and the steps that apply them: what ``jitgrad.from_torch`` makes of a module with a ``forward`` of its own.

    A step is (kind, target, args, kwargs): "input" and a name; "layer" or "array" and its name; "call" and an operation;
    "output". Arguments that are results of earlier steps are written as ("step", number).
    """

    def __init__(self, layers: dict[str, Module], steps: list[Any]) -> None:
        for name, layer in layers.items():
            setattr(self, name, layer)
        self.steps = tuple(steps)

    def forward(self, *inputs: Any) -> Any:
        results: list[Any] = []
        given = list(inputs)
        for kind, target, args, kwargs in list(self.steps):
            if kind == "input":
                result = given.pop(0)
            elif kind == "output":
                return _filled(args[0], results)
            elif kind == "array":
                result = _found(self, target)
            else:
                function = _found(self, target) if kind == "layer" else OPERATIONS[target]
                result = function(*_filled(args, results), **_filled(kwargs, results))
            results.append(result)
        raise ValueError("the graph has no output")

    def extra_repr(self) -> str:
        return "\n".join(f"%{k} = {kind} {target}" for k, (kind, target, _, _) in enumerate(self.steps))


def _found(module: Module, name: str) -> Any:
    for part in name.split("."):
        module = vars(module)[part]
    return module


def _filled(argument: Any, results: list[Any]) -> Any:
    """An argument with results in the place of their numbers."""
    if isinstance(argument, tuple) and len(argument) == 2 and argument[0] == "step":
        return results[argument[1]]
    if isinstance(argument, tuple) and len(argument) == 4 and argument[0] == "slice":
        return slice(*(_filled(part, results) for part in argument[1:]))
    if isinstance(argument, (list, tuple)):
        return type(argument)(_filled(part, results) for part in argument)
    if isinstance(argument, dict):
        return {key: _filled(part, results) for key, part in argument.items()}
    return argument
