"""Time the programs of `tests/programs` against plain numba and JAX, and print a table.

In: names of programs (all, if none is given).  Out: per program the time of jitgrad's compiled
forward and of its value with gradient, of plain `@njit` where numba takes the source, and of
JAX's jitted value with gradient; their ratios, and how long the first call of each took.

Every contestant lives in a process of its own, held to one thread.  The processes take turns,
so that a busy machine slows all of them alike, and medians are printed.  Nothing is timed before the
contestants' results are found equal.

    python benchmarks/programs.py gauss_seidel nbody --repeat 15
"""

import argparse
import ast
import contextlib
import copy
import importlib.util
import json
import os
import select
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import numpy as np
from one_thread import ONE_THREAD

FOLDER = Path(__file__).parent.parent / "tests" / "programs"
NAMES = sorted(path.stem for path in FOLDER.glob("[!_]*.py"))
CONTESTANTS = ("forward", "numba", "gradient", "jax")
NOT_COMPILED = {"loss", "problem", "arguments", "large_arguments"}
SAMPLE_SECONDS = 0.02
TOLERANCE = 1e-7


def load(name: str) -> ModuleType:
    """Import one program by its path."""
    spec = importlib.util.spec_from_file_location(f"programs_of_tests.{name}", FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def compile_with_numba(module: ModuleType) -> Callable:
    """Return `module.program` after `njit` of it and of every helper beside it."""
    import numba

    for name, value in list(vars(module).items()):
        own = isinstance(value, FunctionType) and value.__module__ == module.__name__
        if own and name not in NOT_COMPILED:
            setattr(module, name, numba.njit(value))
    return module.program


def jitgrad_forward(module: ModuleType, arguments: tuple) -> Callable:
    import jitgrad as jg

    return jg.jit(module.program)


def jitgrad_gradient(module: ModuleType, arguments: tuple) -> Callable:
    import jitgrad as jg

    return jg.value_and_grad(getattr(module, "loss", module.program), module.ARGNUMS)


def numba_forward(module: ModuleType, arguments: tuple) -> Callable:
    return compile_with_numba(module)


def jax_gradient(module: ModuleType, arguments: tuple) -> Callable:
    import jax
    import programs_jax

    loss = getattr(programs_jax, module.__name__.rpartition(".")[2])
    static = tuple(i for i, value in enumerate(arguments) if isinstance(value, (int, str)))
    compiled = jax.jit(jax.value_and_grad(loss, module.ARGNUMS), static_argnums=static)
    return lambda *arguments: jax.block_until_ready(compiled(*arguments))


PREPARE = {
    "forward": jitgrad_forward,
    "numba": numba_forward,
    "gradient": jitgrad_gradient,
    "jax": jax_gradient,
}


def on_jax_device(arguments: tuple) -> tuple:
    """Return the arguments with their arrays where JAX computes; ints and strings stay Python's."""
    import jax

    return tuple(x if isinstance(x, (int, str)) else jax.device_put(x) for x in arguments)


def flatten(tree: Any) -> np.ndarray:
    """Return all numbers of a result in one array, dicts in the order of their keys."""
    if isinstance(tree, dict):
        tree = [tree[key] for key in sorted(tree)]
    if isinstance(tree, (list, tuple)):
        return np.concatenate([flatten(item) for item in tree])
    return np.ravel(np.asarray(tree, dtype=np.float64))


def timed(function: Callable, arguments: tuple) -> tuple[float, Any]:
    """Return the seconds and the result of one call."""
    start = time.perf_counter()
    result = function(*arguments)
    return time.perf_counter() - start, result


def work(name: str, contestant: str, size: str, result_path: str) -> None:
    """Compile, write the result to `result_path`, then time one sample per line of stdin.

    Every answer is one line of JSON on stdout: first the seconds of the first call, then of each sample.
    """
    replies = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    try:
        module = load(name)
        make = module.large_arguments if size == "large" else module.arguments
        arguments = make(np.random.default_rng(0))
        function = PREPARE[contestant](module, arguments)
        if contestant == "jax":
            arguments = on_jax_device(arguments)
        fresh = (lambda: arguments) if contestant == "jax" else (lambda: copy.deepcopy(arguments))
        first, result = timed(function, fresh())
        np.save(result_path, flatten(result))
        seconds = timed(function, fresh())[0]
    except Exception as error:
        traceback.print_exc()
        replies.write(json.dumps({"error": f"{type(error).__name__}: {error}"}) + "\n")
        return
    replies.write(json.dumps({"seconds": first}) + "\n")

    calls = max(1, min(1000, round(SAMPLE_SECONDS / max(seconds, 1e-6))))
    for _ in sys.stdin:
        samples = [timed(function, fresh())[0] for _ in range(calls)]
        replies.write(json.dumps({"seconds": float(np.median(samples))}) + "\n")


class Contestant:
    """The process of one contestant, its first call and its samples, or its error."""

    def __init__(self, name: str, kind: str, options: argparse.Namespace, folder: Path) -> None:
        self.result_path = folder / f"{name}_{kind}.npy"
        self.limit = options.limit
        self.samples: list[float] = []
        self.error = ""
        caches = dict.fromkeys(("XDG_CACHE_HOME", "JITGRAD_CACHE_DIR", "NUMBA_CACHE_DIR"), str(folder))
        environment = {**os.environ, **ONE_THREAD, **caches}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # as installed: no first call compiles jitgrad's own modules
        command = [sys.executable, __file__, name, "--size", options.size]
        command += ["--worker", kind, "--result", str(self.result_path)]
        self.process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=None if options.verbose else subprocess.DEVNULL,
            bufsize=0,
        )
        self.first_call = self.answer()

    def answer(self) -> float:
        """Return the seconds in the next line the process writes; on failure keep its error."""
        ready, _, _ = select.select([self.process.stdout], [], [], self.limit)
        line = self.process.stdout.readline() if ready else b""
        default = "process ended" if ready else f"no answer in {self.limit:g} s"
        reply = json.loads(line) if line else {"error": default}
        self.error = reply.get("error", "")
        if self.error:
            self.stop()
        return reply.get("seconds", np.nan)

    def sample(self) -> None:
        if not self.error:
            self.process.stdin.write(b"go\n")
            self.samples.append(self.answer())

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        self.process.stdout.close()

    def median(self) -> float:
        return float(np.median(self.samples)) if self.samples and not self.error else np.nan

    def compare(self, other: "Contestant") -> None:
        """Disqualify this contestant if its result differs from the other's."""
        if self.error or other.error:
            return
        ours, theirs = np.load(self.result_path), np.load(other.result_path)
        if ours.shape != theirs.shape:
            self.error = f"result has {ours.size} numbers, not {theirs.size}"
            return
        scale = np.max(np.abs(theirs), initial=0.0)
        if not np.allclose(ours, theirs, rtol=TOLERANCE, atol=TOLERANCE * scale):
            self.error = f"results differ by {np.max(np.abs(ours - theirs)) / scale:.1e} of the largest"


def takes_part(kind: str, name: str, only: list[str]) -> bool:
    """Return whether there is a version of the program for this contestant."""
    if kind not in only:
        return False
    if kind == "numba":
        return load(name).NUMBA
    if kind == "jax":
        return f"\ndef {name}(" in (Path(__file__).parent / "programs_jax.py").read_text()
    return True


def race(name: str, options: argparse.Namespace) -> dict[str, Contestant]:
    """Run all contestants of one program in turns and return them, stopped."""
    with tempfile.TemporaryDirectory() as folder:
        kinds = [kind for kind in CONTESTANTS if takes_part(kind, name, options.contestants)]
        contestants = {kind: Contestant(name, kind, options, Path(folder)) for kind in kinds}
        for ours, peer in (("forward", "numba"), ("gradient", "jax")):
            if ours in contestants and peer in contestants:
                contestants[ours].compare(contestants[peer])
        for _ in range(options.repeat):
            for contestant in contestants.values():
                contestant.sample()
        for contestant in contestants.values():
            if contestant.process.poll() is None:
                contestant.stop()
    return contestants


COLUMNS = (
    ("forward ms", "time", "forward"),
    ("njit ms", "time", "numba"),
    ("gradient ms", "time", "gradient"),
    ("JAX ms", "time", "jax"),
    ("gradient/forward", "ratio", "gradient", "forward"),
    ("gradient/njit", "ratio", "gradient", "numba"),
    ("JAX/gradient", "ratio", "jax", "gradient"),
    ("first: forward s", "first", "forward"),
    ("njit s", "first", "numba"),
    ("gradient s", "first", "gradient"),
    ("JAX s", "first", "jax"),
)


def entries(contestants: dict[str, Contestant]) -> list[float]:
    """Return the numbers of one line of the table, NaN where a contestant is missing."""

    def median(kind: str) -> float:
        return contestants[kind].median() if kind in contestants else np.nan

    def number(what: str, *kinds: str) -> float:
        if what == "time":
            return 1e3 * median(kinds[0])
        if what == "ratio":
            return median(kinds[0]) / median(kinds[1])
        return contestants[kinds[0]].first_call if kinds[0] in contestants else np.nan

    return [number(*column[1:]) for column in COLUMNS]


def writes_in_loops(name: str) -> bool:
    """Return whether the source assigns to parts of arrays inside loops: to subscripts other than the names of a dict."""
    loops = [
        node for node in ast.walk(ast.parse((FOLDER / f"{name}.py").read_text())) if isinstance(node, (ast.For, ast.While))
    ]
    targets = [
        node.slice
        for loop in loops
        for node in ast.walk(loop)
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store)
    ]
    return any(not any(isinstance(getattr(part, "value", None), str) for part in ast.walk(index)) for index in targets)


def geometric_mean(values: np.ndarray) -> float:
    known = values[np.isfinite(values)]
    return float(np.exp(np.mean(np.log(known)))) if known.size else np.nan


def line(name: str, numbers: list[float]) -> str:
    """Return one line of the table, with three digits per number and a dash for a missing one."""
    cells = [f"{x:#.3g}".rstrip(".") if np.isfinite(x) else "-" for x in numbers]
    return f"{name:22}" + "".join(f"{cell:>{len(column[0]) + 2}}" for cell, column in zip(cells, COLUMNS, strict=True))


def print_table(options: argparse.Namespace) -> None:
    """Run the races and print a line after each, then geometric means (of all, and of those that write arrays in loops) and errors."""
    print(f"{'program':22}" + "".join(f"  {column[0]}" for column in COLUMNS))
    rows, errors = [], []
    for name in options.names or NAMES:
        contestants = race(name, options)
        rows.append(entries(contestants))
        errors += [f"{name}, {kind}: {c.error}" for kind, c in contestants.items() if c.error]
        print(line(name, rows[-1]), flush=True)
    names = options.names or NAMES
    writing = [row for name, row in zip(names, rows, strict=True) if writes_in_loops(name)]
    for title, group in (("geometric mean", rows), ("of writes in loops", writing)):
        if group:
            print(line(title, [geometric_mean(column) for column in np.array(group).T]))
    for error in errors:
        print(error.partition("\n")[0])


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", help="programs to run (default: all)")
    parser.add_argument("--repeat", type=int, default=9, help="samples per contestant")
    parser.add_argument("--size", choices=("large", "small"), default="large")
    parser.add_argument("--contestants", nargs="+", choices=CONTESTANTS, default=CONTESTANTS)
    parser.add_argument("--limit", type=float, default=120.0, help="longest wait for one answer, s")
    parser.add_argument("--verbose", action="store_true", help="show the contestants' tracebacks")
    parser.add_argument("--worker", choices=CONTESTANTS, help=argparse.SUPPRESS)
    parser.add_argument("--result", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if unknown := sorted(set(options.names) - set(NAMES)):
        parser.error(f"no such program: {', '.join(unknown)}; there are {', '.join(NAMES)}")
    return options


def main() -> None:
    options = parse()
    if options.worker:
        work(options.names[0], options.worker, options.size, options.result)
    else:
        print_table(options)


if __name__ == "__main__":
    main()
