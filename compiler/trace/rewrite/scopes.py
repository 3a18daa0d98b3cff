"""Facts about names: in goes a piece of syntax tree, out comes what it binds, reads, captures and mutates."""

import ast
from collections.abc import Iterable

from .nodes import FunctionNode, all_nodes

MUTATORS = frozenset(["add", "append", "clear", "extend", "insert", "pop", "remove", "reverse", "setdefault", "sort", "update"])
"""The methods that are taken to change the object they are called on."""


class Scope(ast.NodeVisitor):
    """The names of one piece of code, visited in the order of evaluation; of a nested scope, what it takes from here.

    bound: names that the code binds, in the order of first appearance.
    certain: those of them that are bound whatever path the evaluation takes (for a statement without blocks).
    read: names that are read while they are not yet certain.
    captured: names that nested functions and classes take from here.
    rebound: names that nested functions rebind (`nonlocal`).
    conditional: names that a `:=` binds in a part of an expression that may not be evaluated.
    declared: names that a `global` or `nonlocal` statement mentions.
    """

    def __init__(self, *pieces: ast.AST) -> None:
        self.bound: dict[str, None] = {}
        self.certain: set[str] = set()
        self.read: set[str] = set()
        self.captured: set[str] = set()
        self.rebound: dict[str, None] = {}
        self.conditional: dict[str, None] = {}
        self.declared: dict[str, type[ast.Global] | type[ast.Nonlocal]] = {}
        self._optional = 0
        for piece in pieces:
            self.visit(piece)

    def bind(self, name: str) -> None:
        self.bound[name] = None
        if not self._optional:
            self.certain.add(name)

    def visit_optionally(self, *nodes: ast.AST) -> None:
        self._optional += 1
        for node in nodes:
            self.visit(node)
        self._optional -= 1

    def visit_all(self, nodes: Iterable[ast.AST | None]) -> None:
        for node in nodes:
            if node is not None:
                self.visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        if not isinstance(node.ctx, ast.Store) and node.id not in self.certain:  # `del x` needs a value, too
            self.read.add(node.id)
        if not isinstance(node.ctx, ast.Load):
            self.bind(node.id)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self.visit(node.value)
        self.bind(node.target.id)
        if self._optional:
            self.conditional[node.target.id] = None

    def visit_Assign(self, node: ast.Assign) -> None:
        self.visit_all([node.value, *node.targets])

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name):
            self.visit_Name(ast.Name(node.target.id, ast.Load()))
        self.visit_all([node.value, node.target])

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is None and isinstance(node.target, ast.Name):
            self.bound[node.target.id] = None
        else:
            self.visit_all([node.value, node.target])

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        self.visit(node.values[0])
        self.visit_optionally(*node.values[1:])

    def visit_IfExp(self, node: ast.IfExp) -> None:
        self.visit(node.test)
        self.visit_optionally(node.body, node.orelse)

    def visit_Compare(self, node: ast.Compare) -> None:
        self.visit_all([node.left, node.comparators[0]])
        self.visit_optionally(*node.comparators[1:])

    def visit_Assert(self, node: ast.Assert) -> None:
        self.visit(node.test)
        if node.msg is not None:
            self.visit_optionally(node.msg)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        if node.name is not None:
            self.bind(node.name)
        self.generic_visit(node)

    def visit_alias(self, node: ast.alias) -> None:
        self.bind(node.asname or node.name.partition(".")[0])

    def visit_Global(self, node: ast.Global | ast.Nonlocal) -> None:
        self.declared.update(dict.fromkeys(node.names, type(node)))

    visit_Nonlocal = visit_Global

    def visit_pattern(self, node: ast.MatchAs | ast.MatchStar) -> None:
        self.generic_visit(node)
        if node.name is not None:
            self.bind(node.name)

    visit_MatchAs = visit_MatchStar = visit_pattern

    def visit_MatchMapping(self, node: ast.MatchMapping) -> None:
        self.generic_visit(node)
        if node.rest is not None:
            self.bind(node.rest)

    def visit_comprehension_expression(self, node: ast.expr) -> None:
        generators: list[ast.comprehension] = node.generators  # type: ignore[attr-defined]
        self.visit(generators[0].iter)
        targets = Scope(*(generator.target for generator in generators))
        inner = Scope()
        inner._optional = 1
        for child in ast.iter_child_nodes(node):
            if not isinstance(child, ast.comprehension):
                inner.visit(child)
        for generator in generators:
            inner.visit_all(generator.ifs if generator is generators[0] else [generator.iter, *generator.ifs])
        own = targets.bound.keys()
        self.read |= (inner.read | targets.read) - own - self.certain
        self.captured |= inner.captured - own
        self.bound.update(inner.bound)
        self.conditional.update(inner.conditional)
        self.rebound.update(inner.rebound)

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = visit_comprehension_expression

    def visit_Lambda(self, node: FunctionNode) -> None:
        arguments = node.args
        self.visit_all([*arguments.defaults, *arguments.kw_defaults])
        self._take(free_names(node), rebound_names(node))

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        parameters = [argument.annotation for argument in all_arguments(node.args)]
        self.visit_all([*node.decorator_list, *parameters, node.returns])
        self.visit_Lambda(node)
        self.bind(node.name)

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        inside = Scope(*node.body)
        outside = Scope(*node.decorator_list, *node.bases, *node.keywords)
        self._take(inside.read | inside.captured | outside.read, {**inside.rebound, **inside.declared})
        self.bind(node.name)

    def _take(self, free: set[str], rebound: Iterable[str]) -> None:
        self.captured |= free
        self.rebound.update(dict.fromkeys(rebound))
        self.read |= free - self.certain


def all_arguments(arguments: ast.arguments) -> list[ast.arg]:
    """Every parameter, also `*args` and `**kwargs`."""
    stars = [argument for argument in (arguments.vararg, arguments.kwarg) if argument is not None]
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *stars]


def parameter_names(function: FunctionNode) -> list[str]:
    return [argument.arg for argument in all_arguments(function.args)]


def body_of(function: FunctionNode) -> list[ast.AST]:
    return [function.body] if isinstance(function, ast.Lambda) else list(function.body)


def free_names(function: FunctionNode) -> set[str]:
    """The names that the function takes from around it: variables of enclosing functions, globals, builtins."""
    scope = Scope(*body_of(function))
    own = (scope.bound.keys() | set(parameter_names(function))) - scope.declared.keys()
    return (scope.read | scope.captured | scope.declared.keys()) - own


def rebound_names(function: FunctionNode) -> list[str]:
    """The names around the function that it, or a function in it, rebinds."""
    scope = Scope(*body_of(function))
    own = scope.bound.keys() | set(parameter_names(function))
    declared = [name for name, kind in scope.declared.items() if kind is ast.Nonlocal]
    return [*declared, *(name for name in scope.rebound if name not in own)]


def bindings(statements: Iterable[ast.AST]) -> dict[str, None]:
    """The names that the statements bind in their own scope, in the order of first appearance."""
    return Scope(*statements).bound


def mutations(pieces: Iterable[ast.AST], methods: bool = True) -> dict[str, None]:
    """The names whose objects the code changes: `x[i] = v`, `x.a += v`, `del x[i]` and, with `methods`, `x.append(v)`."""
    found: dict[str | None, None] = {}
    for node in all_nodes(pieces):
        match node:
            case ast.Subscript(value=value) | ast.Attribute(value=value) if not isinstance(node.ctx, ast.Load):
                found[root(value)] = None
            case ast.Call(func=ast.Attribute(value=value, attr=method)) if methods and method in MUTATORS:
                found[root(value)] = None
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                found.update(mutations_around(node, methods))
    return {name: None for name in found if name is not None}


def mutations_around(function: FunctionNode, methods: bool = True) -> dict[str, None]:
    """The names around the function whose objects it changes."""
    free = free_names(function)
    return {name: None for name in mutations(body_of(function), methods) if name in free}


def root(expression: ast.expr) -> str | None:
    """The name at the start of `name.a[i].b`."""
    while isinstance(expression, ast.Attribute | ast.Subscript):
        expression = expression.value
    return expression.id if isinstance(expression, ast.Name) else None
