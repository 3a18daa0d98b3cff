"""PyTorch modules as jitgrad models with the same weights and outputs.

``Sequential`` becomes ``Sequential``; any other module that ``torch.fx`` can trace becomes a ``Graph``: its layers, and the
list of what is done with them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import nn
from .nn.graph import OPERATIONS, Graph
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
    return {
        "input_size": module.input_size,
        "hidden_size": module.hidden_size,
        "bias": module.bias,
        "dtype": _dtype(module),
        **extra,
    }


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
    "LayerNorm": lambda m: {
        **_copied("normalized_shape", "eps", "elementwise_affine")(m),
        "bias": m.bias is not None,
        "dtype": _dtype(m),
    },
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
        raise TypeError(
            f"from_torch: {name or 'the module'} is a {kind}, which jitgrad.nn does not have; it has {', '.join(LAYERS)}"
        )
    if kind in ("Sequential", "ModuleList"):
        inner = {key: _layer(child, f"{name}.{key}" if name else key) for key, child in module.named_children()}
        return nn.Sequential(inner) if kind == "Sequential" else nn.ModuleList(inner.values())
    with nn.init.without_random():
        return getattr(nn, kind)(**LAYERS[kind](module))


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
            return (list if isinstance(argument, list) else tuple)(plain(part) for part in argument)
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
