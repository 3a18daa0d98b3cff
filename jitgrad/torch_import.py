"""PyTorch modules as jitgrad models with the same weights and outputs.

``Sequential`` becomes ``Sequential``; any other module that ``torch.fx`` can trace becomes a ``Graph``: its layers, and the list of what
is done with them.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from . import nn
from .nn import functional
from .nn.module import Module


def from_torch(module: Any, example: Any = None, *, atol: float = 1e-4) -> Module:
    """A jitgrad model with the layers, weights and mode of a PyTorch module, and its names of parameters.

    Parameters
    ----------
    module : a ``torch.nn.Sequential``, or a module that ``torch.fx`` can trace, of the layers that ``jitgrad.nn`` has.
    example : an input, tensor or array (a tuple for several). If given, the outputs of both are compared, in evaluation.
    atol : by how much they may differ, relative to the largest output.

    Raises TypeError for a layer or operation that is not known, and ValueError if the outputs differ.
    """
    model = _layer(module, "") if type(module).__name__ in LAYERS else _graph(module)
    model.load_state_dict(module.state_dict())
    for (_, ours), (_, theirs) in zip(_leaves(model), _leaves(module), strict=False):
        ours.training = theirs.training
    model.training = module.training
    if example is not None:
        _compare(model, module, example if isinstance(example, tuple) else (example,), atol)
    return model


def _leaves(module: Any) -> list[tuple[str, Any]]:
    return [(name, inner) for name, inner in module.named_modules() if not list(inner.children())]


def _dtype(module: Any) -> Any:
    parameter = next(module.parameters(), None)
    return np.float32 if parameter is None else np.dtype(str(parameter.dtype).removeprefix("torch."))


def _copied(*names: str, **fixed: Any) -> Callable[[Any], dict[str, Any]]:
    """The arguments of a layer that are attributes of the same name."""

    def arguments(module: Any) -> dict[str, Any]:
        found = {name: getattr(module, name) for name in names}
        for name, value in fixed.items():
            if getattr(module, name) != value:
                raise TypeError(f"from_torch: {module} has {name}={getattr(module, name)!r}, which jitgrad.nn does not have")
        return found

    return arguments


def _with_bias(*names: str, **fixed: Any) -> Callable[[Any], dict[str, Any]]:
    copied = _copied(*names, **fixed)
    return lambda module: {**copied(module), "bias": getattr(module, "bias", None) is not None, "dtype": _dtype(module)}


def _cell(module: Any) -> dict[str, Any]:
    extra = {"nonlinearity": module.nonlinearity} if type(module).__name__ == "RNNCell" else {}
    return {"input_size": module.input_size, "hidden_size": module.hidden_size, "bias": module.bias, "dtype": _dtype(module), **extra}


def _attention(module: Any) -> dict[str, Any]:
    if not module._qkv_same_embed_dim or module.bias_k is not None or module.add_zero_attn:
        raise TypeError("from_torch: MultiheadAttention with kdim, vdim, add_bias_kv or add_zero_attn is not supported")
    found = _copied("embed_dim", "num_heads", "dropout", "batch_first")(module)
    return {**found, "bias": module.in_proj_bias is not None, "dtype": _dtype(module)}


def _normalised(module: Any) -> dict[str, Any]:
    found = _copied("num_features", "eps", "momentum", "affine", "track_running_stats")(module)
    return {**found, "dtype": _dtype(module)}


LAYERS: dict[str, Callable[[Any], dict[str, Any]]] = {
    "Linear": _with_bias("in_features", "out_features"),
    "Conv2d": _with_bias(
        "in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation", "groups", padding_mode="zeros"
    ),
    "MaxPool2d": _copied("kernel_size", "stride", "padding", "dilation", ceil_mode=False, return_indices=False),
    "AvgPool2d": _copied("kernel_size", "stride", "padding", "count_include_pad", ceil_mode=False, divisor_override=None),
    "Flatten": _copied("start_dim", "end_dim"),
    "Identity": _copied(),
    "ReLU": _copied(),
    "LeakyReLU": _copied("negative_slope"),
    "GELU": _copied("approximate"),
    "SiLU": _copied(),
    "Tanh": _copied(),
    "Sigmoid": _copied(),
    "Softmax": _copied("dim"),
    "LogSoftmax": _copied("dim"),
    "Dropout": _copied("p"),
    "BatchNorm1d": _normalised,
    "BatchNorm2d": _normalised,
    "LayerNorm": lambda m: {**_copied("normalized_shape", "eps", "elementwise_affine")(m), "bias": m.bias is not None, "dtype": _dtype(m)},
    "Embedding": lambda m: {**_copied("num_embeddings", "embedding_dim", "padding_idx", max_norm=None)(m), "dtype": _dtype(m)},
    "RNNCell": _cell,
    "LSTMCell": _cell,
    "GRUCell": _cell,
    "MultiheadAttention": _attention,
    "Sequential": lambda module: {},
    "ModuleList": lambda module: {},
}


def _layer(module: Any, name: str) -> Module:
    """The layer of the same class, without its weights."""
    kind = type(module).__name__
    if kind not in LAYERS or not type(module).__module__.startswith("torch.nn"):
        raise TypeError(f"from_torch: {name or 'the module'} is a {kind}, which jitgrad.nn does not have; it has {', '.join(LAYERS)}")
    if kind in ("Sequential", "ModuleList"):
        inner = {key: _layer(child, f"{name}.{key}" if name else key) for key, child in module.named_children()}
        return nn.Sequential(inner) if kind == "Sequential" else nn.ModuleList(inner.values())
    with nn.init.without_random():
        return getattr(nn, kind)(**LAYERS[kind](module))


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
        raise NotImplementedError("a dropout function in training has no key of random numbers; use a Dropout layer, or eval() before import")
    return x


OPERATIONS: dict[str, Callable[..., Any]] = {
    "add": operator.add, "iadd": operator.add, "sub": operator.sub, "mul": operator.mul, "imul": operator.mul,
    "truediv": operator.truediv, "div": operator.truediv, "neg": operator.neg, "pow": operator.pow, "matmul": operator.matmul,
    "bmm": operator.matmul, "getitem": operator.getitem, "getattr": _attribute, "floordiv": operator.floordiv,
    "relu": lambda x, inplace=False: functional.relu(x), "tanh": np.tanh, "sigmoid": functional.sigmoid, "exp": np.exp, "log": np.log,
    "sqrt": np.sqrt, "abs": np.abs, "gelu": functional.gelu, "silu": lambda x, inplace=False: functional.silu(x),
    "leaky_relu": lambda x, negative_slope=0.01, inplace=False: functional.leaky_relu(x, negative_slope),
    "softmax": lambda x, dim, **_: functional.softmax(x, dim), "log_softmax": lambda x, dim, **_: functional.log_softmax(x, dim),
    "max_pool2d": lambda x, kernel_size, stride=None, padding=0, dilation=1, **_: functional.max_pool2d(
        x, kernel_size, stride, padding, dilation),
    "boolean_dispatch": lambda x, kernel_size, stride=None, padding=0, dilation=1, **_: functional.max_pool2d(
        x, kernel_size, stride, padding, dilation),
    "avg_pool2d": lambda x, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, **_: functional.avg_pool2d(
        x, kernel_size, stride, padding, count_include_pad),
    "flatten": functional.flatten, "reshape": _reshape, "view": _reshape, "permute": _permute, "size": _size, "mean": _mean,
    "transpose": np.swapaxes, "sum": _sum, "unsqueeze": np.expand_dims, "squeeze": np.squeeze, "contiguous": lambda x: x,
    "cat": lambda tensors, dim=0: np.concatenate(tensors, dim), "stack": lambda tensors, dim=0: np.stack(tensors, dim),
    "dropout": _dropout,
}  # fmt: skip
"""What PyTorch's functions and methods of these names do, in NumPy."""


class Graph(Module):
    """Layers and the steps that apply them: what ``from_torch`` makes of a module with a ``forward`` of its own.

    A step is (kind, target, args, kwargs): "input" and a name; "layer" or "array" and its name; "call" and an operation; "output".
    Arguments that are results of earlier steps are written as ("step", number).
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


def _graph(module: Any) -> Graph:
    """The layers and steps of a module, as torch.fx traces it."""
    from torch import fx

    traced = fx.symbolic_trace(module)
    layers = {name: _tree(child, name) for name, child in module.named_children()}
    for name, _ in [*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)]:
        raise TypeError(f"from_torch: {name} is an array of the module itself; put it into a layer")
    numbers = {node: k for k, node in enumerate(traced.graph.nodes)}

    def plain(argument: Any) -> Any:
        if isinstance(argument, fx.Node):
            return ("step", numbers[argument])
        if isinstance(argument, slice):
            return ("slice", plain(argument.start), plain(argument.stop), plain(argument.step))
        if isinstance(argument, (list, tuple)):
            return type(argument)(plain(part) for part in argument) if type(argument) in (list, tuple) else tuple(map(plain, argument))
        if isinstance(argument, dict):
            return {key: plain(part) for key, part in argument.items()}
        if argument is None or isinstance(argument, (bool, int, float, str)) or argument is Ellipsis:
            return argument
        if type(argument).__name__ == "dtype":
            return None
        raise TypeError(f"from_torch: an argument {argument!r} is not supported")

    steps = []
    for node in traced.graph.nodes:
        kind, target = _step(node)
        steps.append((kind, target, plain(node.args), plain(node.kwargs)))
    return Graph(layers, steps)


def _step(node: Any) -> tuple[str, str]:
    """The kind and the target of a node of torch.fx."""
    match node.op:
        case "placeholder":
            return "input", str(node.target)
        case "output":
            return "output", ""
        case "call_module":
            return "layer", str(node.target)
        case "get_attr":
            return "array", str(node.target)
    name = node.target if node.op == "call_method" else getattr(node.target, "__name__", str(node.target))
    name = name.strip("_")
    if name not in OPERATIONS:
        raise TypeError(f"from_torch: the operation {name} is not supported; known are {', '.join(OPERATIONS)}")
    return "call", name


def _tree(module: Any, name: str) -> Module:
    """A layer, or a holder of layers with the names of a module of the user's."""
    if type(module).__name__ in LAYERS and type(module).__module__.startswith("torch.nn"):
        return _layer(module, name)
    if not list(module.children()):
        return _layer(module, name)  # says what is not known
    return Graph({key: _tree(child, f"{name}.{key}") for key, child in module.named_children()}, [])


def _compare(model: Module, module: Any, example: tuple[Any, ...], atol: float) -> None:
    """Refuse a model whose outputs are not those of the original, both in evaluation."""
    import torch

    tensors = tuple(x if isinstance(x, torch.Tensor) else torch.as_tensor(x) for x in example)
    modes = [(inner, inner.training) for inner in [*module.modules(), *model.modules()]]
    try:
        module.eval()
        model.eval()
        with torch.no_grad():
            theirs = module(*tensors)
        ours = model(*(x.detach().cpu().numpy() for x in tensors))
    finally:
        for inner, mode in modes:
            inner.training = mode
    pairs = zip(ours, theirs, strict=True) if isinstance(ours, (tuple, list)) else [(ours, theirs)]
    for a, b in pairs:
        if b is None and a is None:
            continue
        b = b.detach().cpu().numpy()
        worst, scale = np.max(np.abs(a - b), initial=0.0), max(1.0, float(np.max(np.abs(b), initial=0.0)))
        if a.shape != b.shape or not worst <= atol * scale:
            raise ValueError(f"from_torch: outputs differ by {worst:.3g}, shapes {a.shape} and {b.shape}")
