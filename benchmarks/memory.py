"""Time and memory of the gradient through very many steps of a vector, and print a line for each kind of loop.

In: the number of steps (a million) and of elements (1,000). Out: per kind of loop the seconds of the gradient, its time over that of the forward
pass, and the most memory that its process ever held. What a plain loop would save is printed beside.

    python benchmarks/memory.py --steps 1000000 --limit 1000
"""

import argparse
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

import jitgrad as jg

MEGABYTE = 1 << 20


def step(x: Any) -> Any:
    """One explicit Euler step of x' = sin(x) - x**2 / 10."""
    return x + 1e-6 * (np.sin(x) - 0.1 * x * x)


def with_fori_loop(x: Any, steps: Any) -> Any:
    return np.sum(jg.fori_loop(0, steps, lambda i, v: step(v), x, checkpoint=True))


def with_range(x: Any, steps: Any) -> Any:
    for _ in jg.checkpointed_range(steps):
        x = step(x)
    return np.sum(x)


def with_scan(x: Any, steps: Any) -> Any:
    last, means = jg.scan(lambda v, _: (step(v), np.mean(v)), x, None, steps, checkpoint=True)
    return np.sum(last) + np.sum(means)


def with_while_loop(x: Any, steps: Any) -> Any:
    state = jg.while_loop(lambda s: s[1] < steps, lambda s: (step(s[0]), s[1] + 1), (x, 0), checkpoint=True)
    return np.sum(state[0])


def with_checkpoint(x: Any, steps: Any) -> Any:
    """Segments by hand: a block of about the root of all steps, run again as a whole."""
    length = 1000

    @jg.checkpoint
    def block(x: Any) -> Any:
        for _ in range(length):
            x = step(x)
        return x

    for _ in range(steps // length):
        x = block(x)
    return np.sum(x)


LOOPS: dict[str, Callable[..., Any]] = {
    "fori_loop": with_fori_loop,
    "checkpointed_range": with_range,
    "scan": with_scan,
    "while_loop": with_while_loop,
    "checkpoint": with_checkpoint,
}


def measure(name: str, steps: int, size: int) -> None:
    """Print the line of one kind of loop."""
    x = np.linspace(0.1, 1.0, size)
    forward, gradient = jg.jit(LOOPS[name]), jg.grad(LOOPS[name])
    for function in (forward, gradient):
        function(x, 2000)
    seconds = []
    for function in (forward, gradient):
        start = time.process_time()
        result = function(x, steps)
        seconds.append(time.process_time() - start)
    assert np.all(np.isfinite(result))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MEGABYTE
    print(f"{name:20}{seconds[1]:>12.1f}{seconds[1] / seconds[0]:>10.2f}{peak:>10.0f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", help=f"of {', '.join(LOOPS)} (default: all)")
    parser.add_argument("--steps", type=int, default=1_000_000)
    parser.add_argument("--size", type=int, default=1000)
    parser.add_argument("--limit", type=int, help="of the address space, MB: a process that needs more fails")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.limit:
        resource.setrlimit(resource.RLIMIT_AS, (options.limit * MEGABYTE,) * 2)
    if options.worker:
        measure(options.names[0], options.steps, options.size)
        return
    print(
        f"{options.steps:,} steps of {options.size:,} float64; all states: {8 * options.steps * options.size / MEGABYTE:,.0f} MB"
    )
    print(f"{'':20}{'gradient s':>12}{'/forward':>10}{'peak MB':>10}")
    for name in options.names or LOOPS:
        command = [sys.executable, __file__, name, "--worker", "--steps", str(options.steps), "--size", str(options.size)]
        subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
