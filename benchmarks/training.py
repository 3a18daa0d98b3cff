"""Time one training step of each example's network against PyTorch and JAX, and print a table.

In: names of networks (all, if none is given).  Out: per network and batch size the least milliseconds of a step
(forward, backward, update) in jitgrad, PyTorch eager, `torch.compile` and JAX, and how many times jitgrad is as fast
as the best of them.

Every contestant is a process of its own, held to one thread. The processes take turns, so that a busy machine slows all of
them alike. The losses of the first steps must agree before anything is timed. `torch.compile` needs a C++ compiler, and minutes.

    python benchmarks/training.py lenet --batches 32 --contestants jitgrad torch
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import traceback

import numpy as np
from one_thread import ONE_THREAD
from training_models import MODELS

CONTESTANTS = ("jitgrad", "torch", "compile", "jax")
SAMPLE_SECONDS = 0.03
COMPARED_STEPS = 3


def work(name: str, contestant: str) -> None:
    """Answer each line of stdin, a batch size, with a line of JSON: losses and seconds of the first steps, then samples."""
    from training_steps import STEPS

    replies = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    runs: dict[int, tuple] = {}
    for line in sys.stdin:
        try:
            size = int(line)
            if size not in runs:
                runs[size], answer = begin(STEPS[contestant], MODELS[name], size)
            else:
                answer = {"seconds": sample(*runs[size])}
        except Exception as error:
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}".partition("\n")[0]}
        replies.write(json.dumps(answer) + "\n")


def begin(make, model, size: int) -> tuple[tuple, dict]:
    """A step for batches of this size, with fresh weights, after its first calls."""
    prepare, step = make(model)
    batch = prepare(model.batch(np.random.default_rng(1), size))
    start = time.perf_counter()
    losses = [step(batch)]
    first = time.perf_counter() - start
    losses += [step(batch) for _ in range(COMPARED_STEPS - 1)]
    start = time.perf_counter()
    step(batch)
    calls = max(1, min(2000, round(SAMPLE_SECONDS / (time.perf_counter() - start))))
    return (step, batch, calls), {"losses": losses, "first": first}


def sample(step, batch, calls: int) -> float:
    """The least seconds of a step: what other processes on the machine take away is not the step's."""
    seconds = []
    for _ in range(calls):
        start = time.perf_counter()
        step(batch)
        seconds.append(time.perf_counter() - start)
    return min(seconds)


class Contestant:
    """The process of one framework for one network."""

    def __init__(self, name: str, kind: str, folder: str, verbose: bool) -> None:
        self.kind, self.error = kind, ""
        caches = dict.fromkeys(("JITGRAD_CACHE_DIR", "TORCHINDUCTOR_CACHE_DIR"), folder)
        self.process = subprocess.Popen(
            [sys.executable, __file__, name, "--worker", kind], env={**os.environ, **ONE_THREAD, **caches}, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=None if verbose else subprocess.DEVNULL,
        )  # fmt: skip

    def ask(self, size: int) -> dict:
        """One turn; an error stays until ``forget``."""
        if self.error:
            return {}
        self.process.stdin.write(f"{size}\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        answer = json.loads(line) if line else {"error": "the process ended"}
        self.error = answer.get("error", "")
        return answer

    def stop(self) -> None:
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


def race(name: str, options: argparse.Namespace) -> None:
    """Time one network at all batch sizes and print a line for each."""
    with tempfile.TemporaryDirectory() as folder:
        contestants = [Contestant(name, kind, folder, options.verbose) for kind in options.contestants]
        for size in options.batches:
            begun = [contestant.ask(size) for contestant in contestants]
            losses = [answer["losses"] for answer in begun if "losses" in answer]
            agree = all(np.allclose(found, losses[0], rtol=1e-3) for found in losses)
            samples = [[c.ask(size).get("seconds", np.nan) for c in contestants] for _ in range(options.repeat)]
            print(
                row(name, size, np.min(np.array(samples), axis=0), [a.get("first", np.nan) for a in begun]),
                flush=True,
            )
            if not agree:
                print("  losses differ:", *(f"{found[-1]:.6g}" for found in losses))
            for contestant in contestants:
                if contestant.error:
                    print(f"  {contestant.kind}: {contestant.error[:200]}")
                    contestant.error = ""
        for contestant in contestants:
            contestant.stop()


def row(name: str, size: int, seconds: np.ndarray, first: list[float]) -> str:
    """Milliseconds of each contestant, how often the first fits into the best other one, and all seconds of the first step."""
    ratio = np.nanmin(seconds[1:]) / seconds[0] if len(seconds) > 1 and np.isfinite(seconds[1:]).any() else np.nan
    cells = [*(f"{1e3 * s:#.3g}" for s in seconds), f"{ratio:.2f}", *(f"{s:.1f}" for s in first)]
    return f"{name:16}{size:>6}" + "".join(f"{cell:>11}" for cell in cells)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", help=f"networks: {', '.join(MODELS)} (default: all)")
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 32, 256])
    parser.add_argument("--contestants", nargs="+", choices=CONTESTANTS, default=CONTESTANTS)
    parser.add_argument("--repeat", type=int, default=9, help="samples per contestant")
    parser.add_argument("--verbose", action="store_true", help="show the contestants' tracebacks")
    parser.add_argument("--worker", choices=CONTESTANTS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if unknown := sorted(set(options.names) - set(MODELS)):
        parser.error(f"no such network: {', '.join(unknown)}")
    return options


def main() -> None:
    options = parse()
    if options.worker:
        work(options.names[0], options.worker)
        return
    names = [*(f"{kind} ms" for kind in options.contestants), "best/first", *(f"{kind} 1st s" for kind in options.contestants)]
    print(f"{'network':16}{'batch':>6}" + "".join(f"{name:>11}" for name in names))
    for name in options.names or MODELS:
        race(name, options)


if __name__ == "__main__":
    main()
