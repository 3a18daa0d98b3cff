"""Traced programs, run by the interpreter, next to plain NumPy: values, dtypes, shapes, kinds, and what is written.

A program is given as text: an expression, or statements with a return, over the names of ``POOL``. So each has a source that
tracing can rewrite, and failures show what was asked. ``check(text)`` runs it on every variant of the pool: dtypes, special
values, layouts, sizes. Where NumPy raises, tracing must raise the same kind of error.
"""

from __future__ import annotations

import ast
import copy
import linecache
import textwrap
import warnings
import zlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from jitgrad.compiler.ir.types import DTYPE_NAMES
from jitgrad.compiler.ops import interpret, verify
from jitgrad.compiler.trace.trace import Traced
from jitgrad.compiler.tree import flatten

import jitgrad as jg
from jitgrad.program import Program

Pool = Mapping[str, Any]

SHAPES = {
    "A": (3, 4), "B": (3, 4), "C": (4, 5), "S": (3, 3), "T": (2, 3, 4), "r": (1, 4), "c": (3, 1), "v": (4,), "w": (3,),
    "x": (5,), "y": (5,), "o": (1,), "z": (),
}  # fmt: skip


def pool(dtype: Any = np.float64, sizes: Mapping[int, int] | None = None, seed: int = 0) -> dict[str, Any]:
    """Arrays of a dtype by name, with ties and signs, bools, indices and numbers; ``sizes`` replaces sizes."""
    rng = np.random.default_rng(seed)
    sizes = sizes or {}
    made: dict[str, Any] = {}
    for name, shape in SHAPES.items():
        shape = tuple(sizes.get(n, n) for n in shape)
        values = rng.integers(-6, 7, shape)
        made[name] = values / 2 if np.dtype(dtype).kind == "f" else np.abs(values) if np.dtype(dtype).kind == "u" else values
        made[name] = np.asarray(made[name]).astype(dtype)
    made["g"] = made["x"].ravel()[0] if made["x"].size else np.dtype(dtype).type(1)
    made["M"], made["m"] = (rng.integers(0, 2, made[name].shape).astype(bool) for name in ("A", "x"))
    made["i"], made["J"] = np.array([2, 0, 2]) % max(made["x"].size, 1), np.array([[0, -1], [1, 1]])
    made["f"], made["k"] = 1.5, 2
    return made


def special(dtype: Any) -> dict[str, Any]:
    """A pool sprinkled with NaN, infinities and negative zeros."""
    made = pool(dtype, seed=3)
    values = np.array([np.nan, np.inf, -np.inf, -0.0, 0.0, 1.0], dtype)
    for seed, name in enumerate(SHAPES):
        flat = made[name] = made[name].copy()
        rng = np.random.default_rng(seed)
        chosen = rng.random(flat.shape) < 0.4
        flat[chosen] = rng.choice(values, chosen.sum())
    return made


def relayout(made: Pool, change: Callable[[np.ndarray], np.ndarray]) -> dict[str, Any]:
    """The same values laid out in another way in memory."""
    return {k: change(v) if isinstance(v, np.ndarray) and v.ndim else v for k, v in made.items()}


def spread(a: np.ndarray) -> np.ndarray:
    """Every second element of a wider array, backwards."""
    wide = np.zeros(tuple(2 * n for n in a.shape), a.dtype)
    part = wide[(slice(None, None, -2),) * a.ndim]
    part[...] = a
    return part


EMPTY, ONE, LARGER = {3: 0, 5: 0}, dict.fromkeys((2, 3, 4, 5), 1), {2: 3, 3: 5, 4: 7, 5: 6}


def variants() -> dict[str, dict[str, Any]]:
    """All variants of the pool, by name."""
    made = {np.dtype(d).name: pool(d) for d in ("f8", "f4", "i8", "i4", "i1", "u1", "u4", "?")}
    made |= {"special64": special("f8"), "special32": special("f4")}
    made |= {"fortran": relayout(pool(), np.asfortranarray), "spread": relayout(pool(), spread)}
    made |= {"empty": pool(sizes=EMPTY), "one": pool(sizes=ONE)}
    return made


VARIANTS = variants()
FLOATS = ("float64", "float32", "special64", "special32", "fortran", "spread", "empty", "one")


def programs(text: str) -> list[str]:
    """The programs in a text: an expression a line, and indented statements up to the line that returns."""
    found: list[str] = []
    statements: list[str] = []
    for line in filter(None, text.splitlines()):
        if not line.startswith("    "):
            found.append(line)
            continue
        statements.append(line[4:])
        if line.startswith("    return"):
            found.append("\n".join(statements))
            statements = []
    return found


def some_variants(text: str) -> tuple[str, ...]:
    """float64 and two others, which depend on the text alone: together, all programs meet all variants."""
    others = [name for name in VARIANTS if name != "float64"]
    first = zlib.crc32(text.encode()) % len(others)
    return ("float64", others[first], others[(first + 5) % len(others)])


def define(text: str) -> tuple[Callable[..., Any], list[str]]:
    """The function that a text is, with a source of its own, and the names of its arguments."""
    body = text if "\n" in text or "return" in text else f"return {text}"
    body = textwrap.dedent(body).strip("\n")
    found = {node.id for node in ast.walk(ast.parse(textwrap.indent(body, " ") and f"def p():\n{textwrap.indent(body, ' ')}"))
             if isinstance(node, ast.Name)}  # fmt: skip
    names = [name for name in (*SHAPES, "g", "M", "m", "i", "J", "f", "k") if name in found]
    source = f"def program({', '.join(names)}):\n{textwrap.indent(body, '    ')}\n"
    filename = f"<program {hash(source)}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(True), filename)
    namespace: dict[str, Any] = {"np": np, "jg": jg}
    exec(compile(source, filename, "exec"), namespace)
    return namespace["program"], names


def interpreted(traced: Traced) -> Program:
    """A program that the interpreter runs in place of native code."""
    taken = [k for k, leaf in enumerate(traced.leaves) if leaf.is_parameter]
    donated = {taken.index(k): result for k, result in traced.written if traced.leaves[k].shape}

    def run(*arguments: Any) -> Any:
        results = interpret(traced.function, arguments, output=lambda text: None)
        for place, result in donated.items():
            arguments[place][...] = results[result]
        kept = [r for k, r in enumerate(results) if k not in donated.values()]
        return kept[0] if len(kept) == 1 else tuple(kept)

    return Program(traced, None, run, {})


def traced_program(function: Callable[..., Any], args: tuple[Any, ...]) -> Program:
    """Trace a function for arguments; verified, ready to be interpreted."""
    traced = jg.jit(function).trace((args, {}))
    verify(traced.function)
    return interpreted(traced)


def run_numpy(function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    """Plain NumPy's result, or its error."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return function(*args)
        except Exception as error:
            return error


def run_program(program: Program, args: tuple[Any, ...]) -> Any:
    """What the traced program gives for arguments."""
    return program(flatten((args, {}))[0])


def arguments(made: Pool, names: Iterable[str]) -> tuple[Any, ...]:
    """Copies of the named values, in their layout."""
    return tuple(_copied(made[name]) for name in names)


def _copied(value: Any) -> Any:
    if not isinstance(value, np.ndarray) or not value.size or not value.ndim or value.flags.c_contiguous:
        return copy.deepcopy(value)
    twin = np.empty_like(value) if value.flags.f_contiguous else spread(value)
    twin[...] = value
    return twin


def is_beyond(value: Any) -> bool:
    """Whether a result of NumPy has a dtype that jitgrad does not have: float16, complex, strings, objects."""
    if isinstance(value, (tuple, list)):
        return any(map(is_beyond, value))
    return isinstance(value, complex) or (isinstance(value, (np.ndarray, np.generic)) and value.dtype not in DTYPE_NAMES)


class Difference(AssertionError):
    """What a traced program gives differs from NumPy's."""


def compare(found: Any, expected: Any, where: str = "the result") -> None:
    """Demand equal structure, kind, dtype, shape and values (to a few roundings)."""
    if isinstance(expected, (tuple, list)):
        if type(found) is not type(expected) and not (isinstance(found, list) and isinstance(expected, list)):
            raise Difference(f"{where}: {type(found).__name__} in place of {type(expected).__name__}")
        if len(found) != len(expected):
            raise Difference(f"{where}: {len(found)} items in place of {len(expected)}")
        for k, (one, other) in enumerate(zip(found, expected, strict=True)):
            compare(one, other, f"{where}[{k}]")
        return
    if type(found) is not type(expected):
        raise Difference(f"{where}: {type(found).__name__} {found!r} in place of {type(expected).__name__} {expected!r}")
    if not isinstance(expected, (np.ndarray, np.generic, float)):
        if found != expected:
            raise Difference(f"{where}: {found!r} in place of {expected!r}")
        return
    one, other = np.asarray(found), np.asarray(expected)
    if (one.dtype, one.shape) != (other.dtype, other.shape):
        raise Difference(f"{where}: {one.dtype}{one.shape} in place of {other.dtype}{other.shape}")
    if other.dtype.kind == "f":
        tolerance = 2e-5 if other.dtype == np.float32 else 1e-12
        equal = np.allclose(one, other, rtol=tolerance, atol=tolerance, equal_nan=True)
    else:
        equal = np.array_equal(one, other)
    if not equal:
        raise Difference(f"{where}: {found!r}\nin place of {expected!r}")


EXPECTED_KINDS = (IndexError, TypeError, ZeroDivisionError, OverflowError, AttributeError, ValueError)


def compare_errors(found: Exception | None, expected: Exception) -> None:
    """Demand an error of NumPy's kind; where NumPy's kind is arbitrary, any that a user's mistake gives will do."""
    if found is None:
        raise Difference(f"no error in place of {expected!r}")
    kind = next((k for k in EXPECTED_KINDS if isinstance(expected, k)), Exception)
    if not isinstance(found, (kind, TypeError, ValueError, IndexError, NotImplementedError)):
        raise Difference(f"{type(found).__name__}: {found}\nin place of {expected!r}")


def check_on(text: str, made: Pool, also: Pool | None = None) -> bool:
    """Compare a program with NumPy on one pool; returns whether it also took the pool ``also``, and was right there."""
    function, names = define(text)
    plain, own = arguments(made, names), arguments(made, names)
    expected = run_numpy(function, plain)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            program = traced_program(function, own)
            found = run_program(program, own)
    except AssertionError:
        raise
    except Exception as error:
        if "not in C order" in str(error):  # NumPy's reshape makes a copy there, which tracing does not follow
            return False
        if not isinstance(expected, Exception) and not (is_beyond(expected) and isinstance(error, TypeError)):
            raise Difference(f"{type(error).__name__}: {error}\nin place of {expected!r}") from error
        if isinstance(expected, Exception):
            compare_errors(error, expected)
        return False
    if isinstance(expected, Exception):
        compare_errors(None, expected)
    compare(found, expected)
    for name, one, other in zip(names, own, plain, strict=True):
        compare(one, other, f"the argument {name}")
    return also is not None and check_again(program, function, arguments(also, names), arguments(also, names))


def check_again(program: Program, function: Callable[..., Any], plain: tuple[Any, ...], own: tuple[Any, ...]) -> bool:
    """Whether a program traced for other sizes takes these arguments; if it does it must be right."""
    leaves = flatten((own, {}))[0]
    if not program.accepts(leaves):
        return False
    expected = run_numpy(function, plain)
    try:
        found = program(leaves)
    except Exception as error:
        if not isinstance(expected, Exception):
            raise
        compare_errors(error, expected)
        return True
    compare(found, expected, "the result at other sizes")
    for k, (one, other) in enumerate(zip(own, plain, strict=True)):
        compare(one, other, f"argument {k} at other sizes")
    return True


def check(text: str, only: Iterable[str] | None = None) -> None:
    """Compare a program with NumPy on all variants of the pool (or those named), and at other sizes than traced."""
    problems = []
    for name in only or VARIANTS:
        also = pool(sizes=LARGER, seed=5) if name == "float64" else None
        try:
            check_on(text, VARIANTS[name], also)
        except Exception as error:
            problems.append(f"{name}: {type(error).__name__}: {error}")
    if problems:
        raise Difference(f"{text}\n" + "\n".join(problems))
