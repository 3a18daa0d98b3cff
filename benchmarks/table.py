"""Time jitgrad beside hand-written numba, NumPy, PyTorch and JAX, and print the table of the README.

In: names, or parts of names, of problems (all, if none is given). Out: a Markdown table of medians, in milliseconds.

Each peer lives in a process of its own, held to one thread. The processes take turns, so that a busy machine slows all of them
alike. Nothing is timed before the results of all peers are found equal. Peers that are not installed are left out.

    python benchmarks/table.py
    python benchmarks/table.py 64x1000 import --rounds 501
"""

import argparse
import importlib.util
import os
import pickle
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from one_thread import ONE_THREAD
from peers import PROBLEMS, arrays, make

PEERS = {"jitgrad": "jitgrad", "numba": "numba by hand", "numpy": "NumPy by hand", "torch": "PyTorch", "jax": "JAX"}
SAMPLE_SECONDS = 0.002  # short, so that most samples run undisturbed on a busy machine
FIRST = "first gradient in a new process"
IMPORT = "import, beyond NumPy's own"

FIRST_GRADIENT = """
import time; start = time.perf_counter()
import sys; sys.path.insert(0, {folder!r})
from peers import make
make("64x1000x100x10, f64", {peer!r})()
print(time.perf_counter() - start)
"""
TIMED_IMPORT = """
import time, numpy; start = time.perf_counter()
import {peer}
print(time.perf_counter() - start)
"""


class Peer:
    """A process that computes problems as one of the peers does."""

    def __init__(self, name: str, environment: dict[str, str]) -> None:
        command = [sys.executable, __file__, "--serve", name]
        self.process = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, request: Any) -> Any:
        """Send a request and wait for the answer; an error over there is raised here."""
        pickle.dump(request, self.process.stdin)  # type: ignore[arg-type]
        self.process.stdin.flush()  # type: ignore[union-attr]
        answer = pickle.load(self.process.stdout)  # type: ignore[arg-type]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        self.process.stdin.close()  # type: ignore[union-attr]
        self.process.wait()


def serve(peer: str) -> None:
    """Answer requests: a problem's name, with its results; a number of calls, with the seconds that they took."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print goes elsewhere
    step: Any = None
    while True:
        try:
            request = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        try:
            if isinstance(request, str):
                step = make(request, peer)
                answer: Any = arrays(step())
            else:
                answer = seconds_of(step, request)
        except Exception as error:
            answer = RuntimeError(f"{peer}: {error!r}")
        pickle.dump(answer, answers)
        answers.flush()


def seconds_of(step: Any, calls: int) -> float:
    step()  # its memory is in the cache again after the other peers' turn
    start = time.perf_counter()
    for _ in range(calls):
        step()
    return time.perf_counter() - start


def time_problem(problem: str, peers: dict[str, Peer], rounds: int) -> dict[str, float]:
    """Median seconds of a call, by peer; the results are compared first."""
    results = {name: peer.ask(problem) for name, peer in peers.items()}
    check_equal(problem, results)
    calls = {name: calls_for(peer) for name, peer in peers.items()}
    samples: dict[str, list[float]] = {name: [] for name in peers}
    for _ in range(rounds):
        for name, peer in peers.items():
            samples[name].append(peer.ask(calls[name]) / calls[name])
    return {name: statistics.median(found) for name, found in samples.items()}


def check_equal(problem: str, results: dict[str, list[np.ndarray]]) -> None:
    tolerance = 1e-10 if problem.endswith("f64") else 1e-4
    expected = results["jitgrad"]
    for name, found in results.items():
        for one, other in zip(found, expected, strict=True):
            scale = tolerance * float(np.max(np.abs(other)))
            np.testing.assert_allclose(one, other, rtol=tolerance, atol=scale, err_msg=f"{problem}: {name}, jitgrad")


def calls_for(peer: Peer) -> int:
    """How many calls fill one sample."""
    calls = 1
    while (taken := min(peer.ask(calls) for _ in range(3))) < SAMPLE_SECONDS / 4:
        calls *= 4
    return max(1, int(calls * SAMPLE_SECONDS / taken))


def run_anew(code: str, environment: dict[str, str]) -> float:
    """The seconds that a new process reports."""
    result = subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True)
    return float(result.stdout.split()[-1])


def time_starts(names: Sequence[str], rounds: int, environment: dict[str, str], folder: str) -> dict[str, dict[str, float]]:
    """Seconds until a new process has its first gradient, by peer; jitgrad's with an empty cache and with a full one."""
    rows = {f"{FIRST}, cold": names, f"{FIRST}, warm cache": ["jitgrad"]}
    samples: dict[str, dict[str, list[float]]] = {row: {name: [] for name in peers} for row, peers in rows.items()}
    for k in range(-1, rounds):  # the first round fills the caches of the disk
        for name in names:
            own = environment | {"JITGRAD_CACHE_DIR": f"{folder}/cache{k}"}
            code = FIRST_GRADIENT.format(folder=str(Path(__file__).parent), peer=name)
            for row in [row for row, peers in rows.items() if name in peers]:
                taken = run_anew(code, own)
                if k >= 0:
                    samples[row][name].append(taken)
    return {row: {name: statistics.median(s) for name, s in found.items()} for row, found in samples.items()}


def time_imports(names: Sequence[str], rounds: int, environment: dict[str, str]) -> dict[str, float]:
    samples: dict[str, list[float]] = {name: [] for name in names if name != "numpy"}
    for k in range(-1, rounds):
        for name, found in samples.items():
            taken = run_anew(TIMED_IMPORT.format(peer=name), environment)
            if k >= 0:
                found.append(taken)
    return {name: statistics.median(found) for name, found in samples.items()}


def print_row(row: str, seconds: dict[str, float]) -> None:
    cells = [f"{1000 * seconds[name]:.3g}" if name in seconds else "" for name in PEERS]
    print(f"| {row} | {' | '.join(fixed(cell) for cell in cells)} |", flush=True)


def fixed(cell: str) -> str:
    """A number without an exponent."""
    return f"{float(cell):,.0f}" if "e+" in cell else cell


def is_chosen(row: str, wanted: Sequence[str]) -> bool:
    return not wanted or any(part in row for part in wanted)


def print_table(wanted: Sequence[str], rounds: int) -> None:
    installed = [name for name in PEERS if importlib.util.find_spec(name)]
    with tempfile.TemporaryDirectory(prefix="jitgrad-table-") as folder:
        environment = os.environ | ONE_THREAD | {"JITGRAD_CACHE_DIR": f"{folder}/cache", "PYTHONPYCACHEPREFIX": f"{folder}/pyc"}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        print(f"Python {platform.python_version()}, {os.cpu_count()} cores, one thread; medians of {rounds} rounds, ms\n")
        print(f"| | {' | '.join(PEERS.values())} |\n|---|{'---:|' * len(PEERS)}")
        for problem in [problem for problem in PROBLEMS if is_chosen(problem, wanted)]:
            peers = {name: Peer(name, environment) for name in installed if name in PROBLEMS[problem]}
            print_row(problem, time_problem(problem, peers, rounds))
            for peer in peers.values():
                peer.close()
        starts = min(rounds, 5)
        if is_chosen(FIRST, wanted):
            for row, seconds in time_starts(installed, starts, environment, folder).items():
                print_row(row, seconds)
        if is_chosen(IMPORT, wanted):
            print_row(IMPORT, time_imports(installed, starts, environment))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "problems", nargs="*", metavar="problem", help="part of a row's name: " + "; ".join((*PROBLEMS, FIRST, IMPORT))
    )
    parser.add_argument("--rounds", type=int, default=101, help="samples per peer and problem (default: 101)")
    parser.add_argument("--serve", choices=PEERS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve)
    else:
        print_table(options.problems, options.rounds)


if __name__ == "__main__":
    main()
