"""A two-layer network as a dynamic graph in PyTorch and as a static program in jitgrad, side by side.

Prints both graphs and the kernels that jitgrad made, counts what each makes anew at a call and the memory that it keeps for the
backward pass, and times a step (loss and gradients). Without PyTorch, only jitgrad's side.

    python examples/static_vs_dynamic.py
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # both sides on one core
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import importlib.util
import re
import time

import numpy as np

import jitgrad as jg

SIZES = BATCH, INPUTS, HIDDEN, OUTPUTS = 64, 1000, 100, 10
STEPS, ROUNDS = 50, 7
RUNS = {"PyTorch": [], "jitgrad": []}  # one entry each time that the Python code of the network is run


@jg.value_and_grad
def loss(params, x, y):
    RUNS["jitgrad"].append("loss")
    w1, b1, w2, b2 = params
    hidden = np.maximum(x @ w1 + b1, 0)
    return np.mean((hidden @ w2 + b2 - y) ** 2)


def torch_loss(params, x, y):
    RUNS["PyTorch"].append("loss")
    w1, b1, w2, b2 = params
    hidden = (x @ w1 + b1).relu()
    return ((hidden @ w2 + b2 - y) ** 2).mean()


def make_data(batch=BATCH):
    rng = np.random.default_rng(0)
    shapes = ((INPUTS, HIDDEN), (HIDDEN,), (HIDDEN, OUTPUTS), (OUTPUTS,))
    params = tuple((rng.standard_normal(shape) / np.sqrt(shape[0])).astype(np.float32) for shape in shapes)
    x, y = (rng.standard_normal((batch, size)).astype(np.float32) for size in (INPUTS, OUTPUTS))
    return params, x, y


def autograd_nodes(result):
    """The nodes of the graph behind a tensor, each once, in the order of the backward pass."""
    waiting, seen = [result.grad_fn], []
    while waiting:
        node = waiting.pop(0)
        if node is not None and node not in seen:
            seen.append(node)
            waiting += [following for following, _ in node.next_functions]
    return seen


def print_torch_graph(nodes):
    number = {node: k for k, node in enumerate(nodes)}
    for node, k in number.items():
        following = " ".join(f"%{number[n]}" for n, _ in node.next_functions if n is not None)
        print(f"  %{k}: {node.name()} -> {following or '(a parameter)'}")


def count_torch_operations(torch, function):
    """The tensor operations that Python and the autograd engine start while ``function`` runs."""
    from torch.utils._python_dispatch import TorchDispatchMode

    class Counter(TorchDispatchMode):
        count = 0

        def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
            self.count += 1
            return operation(*args, **(kwargs or {}))

    with Counter() as counter:
        function()
    return counter.count


def bytes_torch_keeps(torch, function, known):
    """The bytes of the tensors that the graph holds for the backward pass, besides those that the caller holds anyway."""
    kept = {}

    def keep(tensor):
        if tensor.untyped_storage().data_ptr() not in {t.untyped_storage().data_ptr() for t in known}:
            kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        function()
    return sum(tensor.untyped_storage().nbytes() for tensor in kept.values())


def bytes_jitgrad_keeps(source, arguments):
    """The bytes of the arrays that the driver allocates besides its results, read from its text."""
    driver = source[source.rindex("@njit") :]
    parameters = re.search(r"def \w+\((.*?)\)", driver)[1].split(", ")
    results = re.search(r"return (.*)", driver)[1].split(", ")
    scope = {"np": np, "empty": np.empty, **dict(zip(parameters, arguments, strict=True))}
    for line in re.findall(r"^    (.* = (?:empty\(.*\)|\w+\.shape.*))", driver, re.MULTILINE):
        exec(line, scope)
    made = {name: value for name, value in scope.items() if isinstance(value, np.ndarray) and name not in parameters}
    return sum(value.nbytes for name, value in made.items() if name not in results)


def seconds_of(function):
    """Median time of a call over several rounds."""
    rounds = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        for _ in range(STEPS):
            function()
        rounds.append((time.perf_counter() - began) / STEPS)
    return float(np.median(rounds))


def show_torch():
    """PyTorch's side; returns the seconds of a step, and the loss with its gradients to compare."""
    import torch

    torch.set_num_threads(1)
    params, x, y = make_data()
    leaves = [torch.from_numpy(p).requires_grad_() for p in params]
    inputs, targets = torch.from_numpy(x), torch.from_numpy(y)

    def step():
        return torch.autograd.grad(torch_loss(leaves, inputs, targets), leaves)

    value = torch_loss(leaves, inputs, targets)
    nodes = autograd_nodes(value)
    print(f"PyTorch {torch.__version__}: the graph that one call leaves behind\n")
    print_torch_graph(nodes)
    again = autograd_nodes(torch_loss(leaves, inputs, targets))
    print(f"\nmade anew by the next call: {len(set(again) - set(nodes))} of {len(nodes)} nodes (all but the parameters')")
    print(f"tensor operations dispatched in a step: {count_torch_operations(torch, step)}")
    kept = bytes_torch_keeps(torch, lambda: torch_loss(leaves, inputs, targets), [*leaves, inputs, targets])
    print(f"memory kept for the backward pass: {kept:,} bytes, allocated at each call")
    RUNS["PyTorch"].clear()
    seconds = seconds_of(step)
    print(f"runs of the network's Python code in {STEPS * ROUNDS} steps: {len(RUNS['PyTorch'])}\n")
    return seconds, [value.detach().numpy(), *(g.numpy() for g in step())]


def show_jitgrad():
    """jitgrad's side."""
    params, x, y = make_data()
    stages = jg.stages(loss, params, x, y)
    print(f"jitgrad {jg.__version__}: the program, loss and gradients together, made once\n\n{stages.optimised}")
    print(f"The kernels and the driver that calls them:\n\n{stages.source}")
    value, gradients = loss(params, x, y)
    print(f"runs of the network's Python code to show and to make the program: {len(RUNS['jitgrad'])}")
    RUNS["jitgrad"].clear()
    seconds = seconds_of(lambda: loss(params, x, y))
    for batch in (1, 17, 200):
        loss(*make_data(batch))
    kernels, products = stages.source.count("@njit") - 1, stages.source.count("    gemm(")
    print(f"calls in a step: {kernels} kernels, {products} matrix products, from one native function")
    kept = bytes_jitgrad_keeps(stages.source, [*params, x, y])
    print(f"memory for all that is not a result, forward and backward: {kept:,} bytes")
    print(
        f"runs of the network's Python code in {STEPS * ROUNDS} steps and at three more batch sizes: {len(RUNS['jitgrad'])}\n"
    )
    return seconds, [value, *gradients]


def main():
    torch_side = show_torch() if importlib.util.find_spec("torch") else None
    seconds, results = show_jitgrad()
    name = "x".join(map(str, SIZES))
    print(f"loss and gradients of {name}, float32, one thread: jitgrad {1000 * seconds:.3f} ms")
    if torch_side is None:
        print("PyTorch is not installed, so there is nothing to compare with: pip install torch")
        return
    for found, expected in zip(results, torch_side[1], strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5)
    print(f"the same in PyTorch: {1000 * torch_side[0]:.3f} ms; results are equal to float32's accuracy")


if __name__ == "__main__":
    main()
