"""The rewriter: rewritten functions, run by operators that mean what Python means, behave as the originals."""

import copy
import linecache
import textwrap
import traceback
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import rewrite_programs
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from reference_operators import Operators
from rewrite_programs import PROGRAMS

from jitgrad.compiler.trace.rewrite import SourceUnavailable, Unsupported, is_rewritten, rewrite


class Rewriting(Operators):
    """Also rewrites the Python functions that are called."""

    def __init__(self, *filenames: str) -> None:
        super().__init__()
        self.filenames = filenames

    def call(self, function: Callable[..., Any]) -> Callable[..., Any]:
        if isinstance(function, types.MethodType):
            return types.MethodType(self.call(function.__func__), function.__self__)
        ours = isinstance(function, types.FunctionType) and function.__code__.co_filename in self.filenames
        if not ours or is_rewritten(function):
            return function
        try:
            return rewrite(function, self)
        except Unsupported:
            return function


def outcome(function: Callable[..., Any], arguments: tuple[Any, ...], filename: str) -> tuple[Any, ...]:
    """What a call does: its result or its error and the line of it, and what became of the arguments."""
    arguments = copy.deepcopy(arguments)
    try:
        result = ("returns", function(*arguments))
    except Exception as error:
        lines = [(frame.lineno, frame.line) for frame in traceback.extract_tb(error.__traceback__) if frame.filename == filename]
        result = ("raises", type(error), str(error) if not isinstance(error, NameError) else "", lines[-1])
    return result, arguments


@pytest.mark.parametrize("recursive", [False, True], ids=["alone", "with callees"])
@pytest.mark.parametrize(("function", "inputs"), PROGRAMS, ids=[function.__name__ for function, _ in PROGRAMS])
def test_behaves_as_before(function: types.FunctionType, inputs: tuple[tuple[Any, ...], ...], recursive: bool) -> None:
    filename = rewrite_programs.__file__
    rewritten = rewrite(function, Rewriting(filename) if recursive else Operators())
    for arguments in inputs:
        assert outcome(rewritten, arguments, filename) == outcome(function, arguments, filename)


# Random programs


class Stop(Exception):
    """Ends a program that runs too long."""


@st.composite
def blocks(draw: st.DrawFn, depth: int, in_loop: bool) -> list[str]:
    """A few statements, as lines."""
    lines: list[str] = []
    for _ in range(draw(st.integers(1, 3))):
        lines += draw(statements(depth, in_loop))
    return lines


@st.composite
def statements(draw: st.DrawFn, depth: int, in_loop: bool) -> list[str]:
    def block(loop: bool = in_loop) -> list[str]:
        return ["    " + line for line in draw(blocks(depth - 1, loop))]

    name = draw(st.sampled_from("abcd"))
    value, other, test = draw(expressions), draw(expressions), draw(conditions)
    simple = [
        [f"{name} = {value}"],
        [f"{name} = {value}"],
        [f"{name} += {value}"],
        [f"log({value})"],
        [f"xs.append({value})"],
        [f"xs[{value} % 3] = {other}"],
        [f"xs[{value} % 3] += {other}"],
        [f"{name}, d = d, {value}"],
        [f"del {name}"],
        [f"return {value}"],
        [f"1 // ({value})"],
        [f"{name} = [{value} for {name} in xs if {test}][0]"],
        [f"{name} = bump({value})"],
        [f"{name} = {value} if {test} else {other}"],
    ]
    if in_loop:
        simple += [["break"], ["continue"]] * 2
    if not depth:
        return draw(st.sampled_from(simple))
    kind = draw(st.sampled_from(["simple", "simple", "if", "if else", "elif", "for", "for", "while", "try", "with", "def"]))
    otherwise = ["else:", *block()] if draw(st.booleans()) else []
    match kind:
        case "if":
            return [f"if {test}:", *block()]
        case "if else":
            return [f"if {test}:", *block(), "else:", *block()]
        case "elif":
            return [f"if {test}:", *block(), f"elif {draw(conditions)}:", *block(), *otherwise]
        case "for":
            items = draw(st.sampled_from(["range(3)", "list(xs)", f"range({value})"]))
            return [f"for {name} in {items}:", "    tick()", *block(True), *otherwise]
        case "while":
            return [f"while {test}:", "    tick()", *block(True), *otherwise]
        case "try":
            final = ["finally:", f"    log({value})"] if draw(st.booleans()) else []
            return ["try:", *block(), "except (ArithmeticError, IndexError):", *block(), *otherwise, *final]
        case "with":
            return ["with suppress(ArithmeticError):", *block()]
        case "def":
            return ["def local(p):", *["    " + line for line in draw(blocks(depth - 1, False))], f"{name} = local({value})"]
    return draw(st.sampled_from(simple))


names = st.sampled_from(["a", "b", "c", "d"])
expressions = st.one_of(
    names,
    st.integers(-2, 4).map(str),
    st.tuples(names, st.sampled_from("+-*"), names).map(" ".join),
    st.sampled_from(["len(xs)", "xs[0]", "(d := a + 1)", "(a and b)", "peek()", "log(b)"]),
)
conditions = st.one_of(
    st.tuples(names, st.sampled_from(["<", "==", "!=", ">="]), expressions).map(" ".join),
    st.tuples(names, names, expressions).map(" < ".join),
    st.tuples(names, expressions).map(lambda pair: f"{pair[0]} > 0 and {pair[1]} < 3 or not b"),
    st.tuples(names, expressions).map(lambda pair: f"{pair[0]} > 0 and (c := {pair[1]}) < 3"),
    st.sampled_from(["True", "a in xs", "xs"]),
)
PROLOGUE = """\
from contextlib import suppress

def make(log, tick):
    def program(a, b, xs):
        c = 0
        def peek():
            return c
        def bump(by):
            nonlocal c
            c += by
            return c
"""


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(blocks(3, False))
def test_random_programs(tmp_path_factory: pytest.TempPathFactory, lines: list[str]) -> None:
    path = tmp_path_factory.mktemp("random") / "program.py"
    text = PROLOGUE + textwrap.indent("\n".join(lines), " " * 8) + "\n    return program\n"
    try:
        make = module(path, text).make
    except SyntaxError:  # a `:=` that binds the target of a comprehension
        assume(False)
    for arguments in [(1, 2, [3, 4]), (0, -1, [])]:
        results = [run(make, change, arguments, str(path)) for change in (None, rewrite)]
        assert results[0] == results[1], text


def run(make: Callable[..., Any], change: Callable[..., Any] | None, arguments: tuple[Any, ...], filename: str) -> Any:
    """Everything that can be seen of a run of a random program."""
    log = rewrite_programs.Log()
    ticks = iter(range(200))

    def tick() -> None:
        if next(ticks, None) is None:
            raise Stop

    program = make(log, tick)
    if change is not None:
        program = change(program, Operators())
    result, arguments = outcome(program, arguments, filename)
    if result[0] == "raises" and issubclass(result[1], NameError):
        result = ("raises", NameError, result[-1])
    return repr((result, arguments, log)).partition(" at 0x")[0]


def module(path: Path, text: str) -> types.SimpleNamespace:
    """Run a file as a module."""
    path.write_text(text)
    linecache.checkcache(str(path))
    names: dict[str, Any] = {}
    exec(compile(text, str(path), "exec"), names)
    return types.SimpleNamespace(**names)
