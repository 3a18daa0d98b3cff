"""Make a function traceable: in goes a Python function, out comes one that does the same through an operator object.

In the rewritten function every loop, branch, call, subscript, attribute and comparison that Python would decide by itself is a call
of a method of the object `jg_`. The syntax tree of the function passes through these modules:

    source        find the definition of the function in its file (stale: unless the file has changed since)
    matches       `match` over plain values becomes `if`
    exits         `return`, `break` and `continue` in loops, branches and attempts become variables (reach: where control may go)
    liveness      which variables each of these hands on (scopes: what a piece of code binds and reads)
    statements    loops, branches and attempts become calls (assignments, expressions: so does the rest)

The operator object has these methods. A state is a tuple of the values of the variables `names`, of which those in
`mutated` are objects that the blocks change.

    call(f)                                         what to call instead of f
    if_(test, then, orelse, state, names, mutated=())              then(*state) -> state
    while_(test, body, state, names, mutated=())                   test(*state) -> (truth, *state), body(*state) -> state
    for_(iterable, body, state, names, mutated=(), go_on=None)     body(item, *state) -> state, go_on(*state) -> truth
    and_(first, *thunks)  or_(first, *thunks)  not_(x)  ifexp(test, then_thunk, else_thunk)
    both(first, *thunks)  either(first, *thunks)    `and` and `or` in a test, where only the truth is asked
    binary(symbol, a, b)  unary(symbol, a)  compare(symbol, a, b)
    contains(item, container)  getitem(o, i)  setitem(o, i, v)  inplace(symbol, a, b)  delitem(o, i)
    unpack(o, count)                                what is assigned to so many targets
    attribute(o, name)  setattr(o, name, v)  delattr(o, name)
    attempt(block, state, names, mutated=())        block(*state) -> state, a statement that may catch exceptions
    trying(types, handles, is_silent)               a context: the body of a `try`, types() being what it catches, in an attempt if it `handles`;
                                                    `is_silent` if nobody looks at what an exception says
    suppressing(context)                            the context that an attempt enters, which may be one of `contextlib.suppress`
    refused                                         a class of exceptions that no handler of the user's may catch
    assert_(test, message_thunk_or_None)
    listcomp(iterable, element, condition=None), and so setcomp, genexp; dictcomp, whose element returns a pair
    dict_({...}, column)                            a dict that is written out, and where in its line
    flatcomp(iterable, inner, condition=None)       the list of all items of inner(item); flatgen: the same, lazily
    text(*pieces)                                   an f-string, of strings and triples of value, conversion or None, and format
    interpolate(template, values)                   template % values
    rebinds(lambda: (a, b))                         variables that live around the function are about to be assigned
    owns(lambda: (a, b))                            so are variables around a block that are in its state
    undefined(name)                                 the value of a variable that has none yet
    bound(x)                                        x, or UnboundLocalError if it is such a value
"""

import __future__

import ast
import re
import types
import weakref

from .nodes import OPERATORS, SLICE, FunctionNode, at, define, signature, span
from .problems import SourceUnavailable, Unsupported
from .source import find_source
from .statements import rewrite_node

__all__ = ["SourceUnavailable", "Unsupported", "is_rewritten", "is_rewritten_code", "rewrite"]

MARK = "jg_rewritten"
"""The last constant of rewritten code."""

_rewritten: dict[int, types.CodeType] = {}
"""The rewritten code for the id of each code seen: by identity, because equal codes may come from different files."""


def rewrite(function: types.FunctionType, operators: object) -> types.FunctionType:
    """A function like `function` that goes through `operators`; it shares the globals and the closure.

    Raises SourceUnavailable or Unsupported.
    """
    if not isinstance(function, types.FunctionType):
        raise SourceUnavailable(function, "it is not a Python function")
    code = function.__code__
    if not is_rewritten(function):
        if id(code) not in _rewritten:
            _rewritten[id(code)] = _rewrite_code(function)
            weakref.finalize(code, _rewritten.pop, id(code)).atexit = False
        code = _rewritten[id(code)]
    return _like(function, code, operators)


def is_rewritten(function: object) -> bool:
    """Whether the function comes out of `rewrite`, itself or as a part of another."""
    return isinstance(function, types.FunctionType) and is_rewritten_code(function.__code__)


def is_rewritten_code(code: types.CodeType) -> bool:
    """Whether code comes out of `rewrite`, itself or as a part of another."""
    return code.co_consts[-1:] == (MARK,)


def _rewrite_code(function: types.FunctionType) -> types.CodeType:
    """The code of the rewritten function."""
    original = function.__code__
    node, class_name = find_source(function)
    try:
        rewritten = rewrite_node(node)
    except Unsupported as problem:
        raise problem.within(original.co_filename) from None
    code = _compile(_bare(rewritten), node, class_name, original)
    return _finish(code, original.co_name, code.co_qualname, original.co_qualname)


def _bare(definition: ast.FunctionDef) -> ast.FunctionDef:
    """The definition without what does not belong to its code: defaults, annotations, and its name, which may be a global."""
    definition.name = "jg_definition"
    arguments = definition.args
    arguments.defaults, arguments.kw_defaults = [], [None] * len(arguments.kwonlyargs)
    for argument in ast.walk(arguments):
        if isinstance(argument, ast.arg):
            argument.annotation = None
    return definition


def _compile(
    definition: ast.FunctionDef, node: FunctionNode, class_name: str | None, original: types.CodeType
) -> types.CodeType:
    """Compile the definition within a function that has the variables around it, and within a class if it was in one.

    Underscores before the name of the class hide it from the definition and leave the mangling of `__x` as it is.
    """
    around: list[ast.stmt] = [definition]
    if class_name is not None:
        around = [ast.ClassDef(f"_____{class_name}", [], [], around, [])]
    cells = [name for name in original.co_freevars if name != "__class__"]
    factory = define("jg_factory", signature([OPERATORS, SLICE, *cells]), around)
    module = at(span(node), ast.Module([at(span(node), factory)], []))
    futures = (getattr(__future__, name).compiler_flag for name in __future__.all_feature_names)
    flags = sum(flag for flag in futures if original.co_flags & flag)
    code = compile(module, original.co_filename, "exec", flags=flags, dont_inherit=True)
    for _ in range(2 if class_name is None else 3):
        code = next(constant for constant in code.co_consts if isinstance(constant, types.CodeType))
    return code


def _finish(code: types.CodeType, name: str, prefix: str, qualname: str) -> types.CodeType:
    """Mark the code, and the codes in it, and give them the names that the user knows, for tracebacks and `repr`."""
    constants = []
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            inner = constant.co_name
            shown = "<lambda>" if inner.startswith("jg_lambda") else name if inner.startswith("jg_") else inner
            constant = _finish(constant, shown, prefix, qualname)
        constants.append(constant)
    full = qualname + re.sub(r"<locals>\.jg_\w+\.(?=<locals>)", "", code.co_qualname.removeprefix(prefix))
    return code.replace(co_name=name, co_qualname=full, co_consts=(*constants, MARK))


def _like(function: types.FunctionType, code: types.CodeType, operators: object) -> types.FunctionType:
    """A function with this code, and with everything else of `function`."""
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    cells |= {OPERATORS: types.CellType(operators), SLICE: types.CellType(slice)}
    closure = tuple(cells[name] for name in code.co_freevars)
    new = types.FunctionType(code, function.__globals__, function.__name__, function.__defaults__, closure)
    for name in ("__kwdefaults__", "__qualname__", "__module__", "__doc__", "__type_params__"):
        if hasattr(function, name):
            setattr(new, name, getattr(function, name))
    annotations = "__annotate__" if hasattr(function, "__annotate__") else "__annotations__"
    setattr(new, annotations, getattr(function, annotations))
    new.__dict__.update(function.__dict__)
    return new
