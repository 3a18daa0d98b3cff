"""The rewriter: rewritten functions, run by operators that mean what Python means, behave as the originals."""

import copy
import linecache
import re
import sys
import textwrap
import traceback
import types
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import rewrite_programs
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from jitgrad.compiler.trace.rewrite import SourceUnavailable, Unsupported, is_rewritten, rewrite
from reference_operators import Operators
from rewrite_programs import PROGRAMS


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
    words_differ = NameError, AssertionError  # pytest rewrites assert statements
    try:
        result = ("returns", function(*arguments))
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        lines = [(frame.lineno, frame.line) for frame in frames if frame.filename == filename]
        result = ("raises", type(error), "" if isinstance(error, words_differ) else str(error), lines[-1])
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


SIMPLE = """\
n = e;n = e;n += e;log(e);xs.append(e);xs[e % 3] = e;xs[e % 3] += e;n, d = d, e;del n;return e;1 // (e);n = bump(e);\
n = [e for n in xs if t][0];n = e if t else e"""
EXPRESSIONS = "n;n;i;n + n;n * n;n - i;len(xs);xs[0];(d := a + 1);(a and b);peek();log(b)"
CONDITIONS = "n < e;n == e;n != i;n < n < e;n > 0 and e < 3 or not b;n > 0 and (c := e) < 3;True;a in xs;xs"
WORDS = {"n": "a;b;c;d", "i": "-2;0;1;2;3", "e": EXPRESSIONS, "t": CONDITIONS}


@st.composite
def filled(draw: st.DrawFn, templates: str) -> str:
    """One of the templates, with its words n, i, e and t filled in."""
    template = draw(st.sampled_from(templates.split(";")))
    if templates is WORDS["n"]:
        return template
    return re.sub(r"\b[niet]\b", lambda word: draw(filled(WORDS[word[0]])), template)


@st.composite
def blocks(draw: st.DrawFn, depth: int, in_loop: bool) -> list[str]:
    """A few statements, as lines."""
    lines: list[str] = []
    for _ in range(draw(st.integers(1, 3 if depth > 1 else 2))):
        lines += draw(statements(depth, in_loop))
    return lines


@st.composite
def statements(draw: st.DrawFn, depth: int, in_loop: bool) -> list[str]:
    """One statement, as lines."""

    def block(loop: bool = in_loop) -> list[str]:
        return ["    " + line for line in draw(blocks(depth - 1, loop))]

    def maybe(*lines: str) -> list[str]:
        return [*lines, *block()] if draw(st.booleans()) else []

    kinds = ["simple", "simple", "if", "elif", "for", "for", "while", "try", "with", "def"]
    match draw(st.sampled_from(kinds)) if depth else "simple":
        case "if":
            return [f"if {draw(filled(CONDITIONS))}:", *block(), *maybe("else:")]
        case "elif":
            return [f"if {draw(filled(CONDITIONS))}:", *block(), f"elif {draw(filled(CONDITIONS))}:", *block(), *maybe("else:")]
        case "for":
            items = draw(filled("range(3);list(xs);range(e)"))
            return [f"for {draw(filled(WORDS['n']))} in {items}:", "    tick()", *block(True), *maybe("else:")]
        case "while":
            return [f"while {draw(filled(CONDITIONS))}:", "    tick()", *block(True), *maybe("else:")]
        case "try":
            final = ["finally:", f"    log({draw(filled(EXPRESSIONS))})"] if draw(st.booleans()) else []
            return ["try:", *block(), "except (ArithmeticError, IndexError):", *block(), *maybe("else:"), *final]
        case "with":
            return ["with suppress(ArithmeticError):", *block()]
        case "def":
            return ["def local(p):", *block(False), draw(filled("n = local(e);n = local(e) or e"))]
    return [draw(filled(SIMPLE + ";break;continue;break;continue" if in_loop else SIMPLE))]


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


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
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
        result = ("raises", NameError)  # CPython's STORE_FAST__LOAD_FAST reports the line of the store
    return repr((result, arguments, log)).partition(" at 0x")[0]


def module(path: Path, text: str) -> types.SimpleNamespace:
    """Run a file as a module."""
    path.write_text(text)
    linecache.checkcache(str(path))
    names: dict[str, Any] = {}
    exec(compile(text, str(path), "exec"), names)
    return types.SimpleNamespace(**names)


# Where the source is


def test_lambdas_on_one_line() -> None:
    pair = [lambda x: x + 1 if x else 0, lambda x: [x, lambda x: x * 2, lambda y: x * 3]]; third = lambda x: x and 5  # fmt: skip # noqa
    first, second = (rewrite(function, Operators()) for function in pair)
    assert [first(0), first(1), rewrite(third, Operators())(2)] == [0, 2, 5]
    _, double, triple = pair[1](4)
    assert [rewrite(double, Operators())(7), rewrite(triple, Operators())(0), second(4)[1](7)] == [14, 12, 14]


def test_keeps_what_belongs_to_the_function() -> None:
    @rewrite_programs.decorated_twice
    @staticmethod
    def decorated(x: int) -> int:
        return x

    def function(a: int, b: int = 2, *args: int, c: int = 3, **more: int) -> str:
        """What it does."""
        return f"{a} {b} {args} {c} {more} {wanted} {len([a])}"

    wanted = "before"
    function.note = "kept"
    rewritten = rewrite(function, Operators())
    wanted = "after"
    assert rewritten(1, c=5, d=6) == function(1, c=5, d=6)
    kept = "__name__ __qualname__ __doc__ __module__ __annotations__ __defaults__ __kwdefaults__ note"
    for name in kept.split():
        assert getattr(rewritten, name) == getattr(function, name)
    assert rewritten.__globals__ is function.__globals__
    assert rewritten.__code__ is rewrite(function, Operators()).__code__
    inner = decorated.__closure__[0].cell_contents.__func__
    assert rewrite(inner, Operators())(3) == 3


def test_marks_what_it_rewrote() -> None:
    def outer(n: int) -> Any:
        def inner(x: int) -> int:
            return x + n

        return inner, lambda x: x

    rewritten = rewrite(outer, Operators())
    assert is_rewritten(rewritten) and all(map(is_rewritten, rewritten(1)))
    assert not is_rewritten(outer) and not is_rewritten(len)
    assert rewritten(1)[0].__qualname__ == outer(1)[0].__qualname__
    operators = Operators()
    assert rewrite(rewritten, operators)(1)[0](2) == 3


def test_text_without_a_file() -> None:
    names: dict[str, Any] = {}
    exec("def f(x):\n    return x", names)
    for function in (names["f"], len, Operators):
        with pytest.raises(SourceUnavailable):
            rewrite(function, Operators())


def test_notebook_cell() -> None:
    text = "if True:\n    def f(x):\n        return [y for y in x if y][1:]\n"
    linecache.cache["<cell 1>"] = (len(text), None, text.splitlines(keepends=True), "<cell 1>")
    names: dict[str, Any] = {}
    exec(compile(text, "<cell 1>", "exec"), names)
    operators = Operators()
    assert rewrite(names["f"], operators)([1, 0, 2]) == [2]
    assert operators.used.keys() >= {"listcomp", "genexp", "getitem"}
    exec(compile(text.replace("1:", "2:"), "<cell 1>", "exec"), names)
    linecache.cache["<cell 1>"] = (1, None, ["x = 1\n"], "<cell 1>")
    with pytest.raises(SourceUnavailable, match="does not hold it"):
        rewrite(names["f"], operators)


EDITS = {
    "another constant": ("x * 2", "x * 3"),
    "a term less": ("x + 1 if", "x if"),
    "a name": ("sum(", "max("),
    "in a function inside": ("y - 5", "y - 6"),
    "an integer that is a float": ("x * 2", "x * 2.0"),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_a_file_that_changed_after_it_was_read(tmp_path: Path, edit: tuple[str, str]) -> None:
    text = "def f(x):\n    g = lambda y: y - 5\n    return sum([x * 2, x + 1 if x else g(x)])\n"
    path = tmp_path / "edited.py"
    function = module(path, text).f
    operators = Operators()
    assert rewrite(module(path, text + "\n# more\n").f, operators)(3) == 10
    path.write_text(text.replace(*edit))
    linecache.checkcache(str(path))
    with pytest.raises(SourceUnavailable, match="was the file changed"):
        rewrite(function, operators)


def test_globals_are_live(monkeypatch: pytest.MonkeyPatch) -> None:
    rewritten = rewrite(rewrite_programs.global_counter, Operators())
    monkeypatch.setattr(rewrite_programs, "range", lambda n: [n, n], raising=False)
    assert rewritten(3) == 6


# What cannot be rewritten


def test_generators_are_refused() -> None:
    def generator(n: int) -> Any:
        yield n

    async def coroutine(n: int) -> int:
        return n

    for function in (generator, coroutine):
        with pytest.raises(Unsupported, match="generators and async") as caught:
            rewrite(function, Operators())
        assert caught.value.filename == __file__
        assert caught.value.lineno == function.__code__.co_firstlineno


def test_return_in_finally_of_a_loop_is_refused(tmp_path: Path) -> None:
    text = "def f(x):\n    for i in x:\n        try:\n            g(i)\n        finally:\n            break\n"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python 3.14 warns of it, too
        function = module(tmp_path / "final.py", text).f
    with pytest.raises(Unsupported, match="finally"):
        rewrite(function, Operators())


# What the operators are told


class Recording(Operators):
    """Notes the variables of each loop and branch."""

    def __init__(self) -> None:
        super().__init__()
        self.states: list[tuple[Any, ...]] = []

    def if_(self, test: Any, then: Any, orelse: Any, state: Any, names: Any, mutated: Any = ()) -> Any:
        self.states.append(("if", names, mutated))
        return super().if_(test, then, orelse, state, names, mutated)

    def while_(self, test: Any, body: Any, state: Any, names: Any, mutated: Any = ()) -> Any:
        self.states.append(("while", names, mutated))
        return super().while_(test, body, state, names, mutated)

    def for_(self, iterable: Any, body: Any, state: Any, names: Any, mutated: Any = (), go_on: Any = None) -> Any:
        self.states.append(("for", names, mutated))
        return super().for_(iterable, body, state, names, mutated, go_on)


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("branch", [("if", ("y",), ())]),
        ("early_returns", [("if", ("jg_result", "x"), ()), ("if", ("jg_result", "x"), ()), ("if", ("jg_result",), ())]),
        ("local_to_the_body", [("for", ("x",), ())]),
        ("fibonacci", [("for", ("a", "b"), ())]),
        ("augments_in_branch", [("if", ("params",), ("params",))]),
        ("mutates_in_branch", [("if", ("xs",), ("xs",))]),
        ("collatz", [("while", ("n", "steps"), ())]),
        ("total", [("for", ("result",), ())]),
        ("attributes", [("if", ("box",), ("box",))]),
        ("mutation_through_function", [("for", ("out",), ("out",))]),
    ],
)
def test_state(program: str, expected: list[tuple[Any, ...]]) -> None:
    function, inputs = next(each for each in PROGRAMS if each[0].__name__ == program)
    operators = Recording()
    rewrite(function, operators)(*copy.deepcopy(inputs[-1]))
    assert list(dict.fromkeys(operators.states)) == list(dict.fromkeys(expected))


def test_operators_know_the_line_of_the_user() -> None:
    class Lines(Operators):
        def if_(self, *arguments: Any, **keywords: Any) -> Any:
            frame = sys._getframe(1)
            seen.append((frame.f_lineno, frame.f_code.co_name))
            return super().if_(*arguments, **keywords)

    def function(x: int) -> int:
        for _ in range(2):
            if (
                x > 0
            ):
                x -= 1
        return x

    seen: list[Any] = []
    rewrite(function, Lines())(1)
    assert seen == [(function.__code__.co_firstlineno + 2, "function")] * 2
