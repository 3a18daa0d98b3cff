"""Rewrite expressions: in goes an expression of the user, out comes one that asks the operator object for everything.

An operand that may not be evaluated, or more than once, becomes a lambda. Where an expression cannot do (a tuple of targets
to unpack, a `:=` that binds a variable of the function around it), it becomes a `def`, which waits in `pending` for the
statement that contains the expression and is put before it.
"""

import ast
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping

from .liveness import Liveness
from .nodes import (
    ITEM,
    SLICE,
    FunctionNode,
    Place,
    as_test,
    assign,
    at,
    define,
    is_generator,
    load,
    operator,
    signature,
    span,
    store,
    undefined,
    with_places,
)  # fmt: skip
from .problems import Unsupported
from .scopes import Scope, bindings, free_names, parameter_names

BINARY = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.MatMult: "@", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%",
    ast.Pow: "**", ast.LShift: "<<", ast.RShift: ">>", ast.BitOr: "|", ast.BitXor: "^", ast.BitAnd: "&",
}  # fmt: skip
UNARY = {ast.USub: "-", ast.UAdd: "+", ast.Invert: "~"}
COMPARE = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Is: "is",
    ast.IsNot: "is not",
}
"""The symbols of the operators."""

FRAME_FUNCTIONS = frozenset({"super", "locals", "globals", "vars", "eval", "exec"})
"""Functions that look at the frame of their caller, and are called as they are."""


class Expressions(ast.NodeTransformer):
    """Rewrites the expressions of one function.

    unbound: names that may hold `jg_.undefined(...)` and are checked when they are read.
    placed: variables of the function that need a placeholder at its top.
    pending: definitions to put before the current statement.
    kept: variables of comprehensions that functions made in them may look at later.
    rebound: names bound by `:=` in the function that is being made of an operand; None outside of one.
    """

    def __init__(self, function: FunctionNode, liveness: Liveness, unbound: frozenset[str]) -> None:
        self.parameters = parameter_names(function)
        self.liveness = liveness
        self.unbound = (unbound - liveness.own) | frozenset(liveness.entry) | liveness.deleted
        self.placed = {*liveness.entry}
        self.pending: list[ast.stmt] = []
        self.kept: set[str] = set()
        self.rebound: dict[str, None] | None = None
        self.numbers: Iterator[int] = itertools.count(1)

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if isinstance(node.ctx, ast.Load) and node.id in self.unbound and not node.id.startswith("jg_"):
            return at(span(node), operator("bound", node))
        return node

    def visit_NamedExpr(self, node: ast.NamedExpr) -> ast.expr:
        if self.rebound is not None:
            self.rebound[node.target.id] = None
        node.value = self.visit(node.value)
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        self.generic_visit(node)
        if isinstance(node.ctx, ast.Load):
            return at(span(node), operator("attribute", node.value, ast.Constant(node.attr)))
        return node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        place, func = span(node.func), node.func
        match node:
            case ast.Call(func=ast.Name(id="super"), args=[], keywords=[]) if self.parameters:
                node.args = [at(place, load("__class__")), at(place, load(self.parameters[0]))]
                return node
        if isinstance(func, ast.Attribute) and func.end_lineno and func.end_col_offset and func.end_lineno > func.lineno:
            node.lineno, node.col_offset = func.end_lineno, func.end_col_offset - len(func.attr)  # where Python says it is
        self.generic_visit(node)
        if not (isinstance(node.func, ast.Name) and node.func.id in FRAME_FUNCTIONS):
            node.func = at(place, operator("call", node.func))
        return node

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.expr:
        names = ("both", "either") if getattr(node, "is_test", False) else ("and_", "or_")
        name = names[0] if isinstance(node.op, ast.And) else names[1]
        first, *others = node.values
        return at(span(node), operator(name, self.visit(first), *map(self.thunk, others)))

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        self.generic_visit(as_test(node))
        if isinstance(node.op, ast.Not):
            return at(span(node), operator("not_", node.operand))
        if isinstance(node.operand, ast.Constant):
            return node
        return at(span(node), operator("unary", ast.Constant(UNARY[type(node.op)]), node.operand))

    def visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        test = self.visit(as_test(node.test))
        return at(span(node), operator("ifexp", test, self.thunk(node.body), self.thunk(node.orelse)))

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        return self.chain(self.visit(node.left), node.ops, node.comparators, span(node))

    def chain(self, left: ast.expr, ops: list[ast.cmpop], others: list[ast.expr], place: Place) -> ast.expr:
        """`left < a < b` as `jg_.and_(left < a, lambda: a < b)`, with each operand evaluated once."""
        right = self.visit(others[0])
        if len(ops) == 1:
            return _comparison(left, ops[0], right, place)
        again = right
        if isinstance(right, ast.Name | ast.Constant):
            again = load(right.id) if isinstance(right, ast.Name) else ast.Constant(right.value)
        else:
            name = f"jg_operand_{next(self.numbers)}"
            right, again = at(place, ast.NamedExpr(store(name), right)), load(name)
        first = _comparison(left, ops[0], right, place)
        rest = self.make(signature(), lambda: self.chain(at(place, again), ops[1:], others[1:], place), place)
        return at(place, operator("and_", first, rest))

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.expr:
        """An f-string: its pieces, and for each value the conversion and the format."""
        pieces: list[ast.expr] = []
        for piece in node.values:
            if isinstance(piece, ast.FormattedValue):
                spec = self.visit(piece.format_spec) if piece.format_spec is not None else ast.Constant("")
                parts = [self.visit(piece.value), ast.Constant(chr(piece.conversion) if piece.conversion > 0 else None), spec]
                piece = ast.Tuple(parts, ast.Load())
            pieces.append(at(span(node), piece))
        return at(span(node), operator("text", *pieces))

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        if isinstance(node.op, ast.Mod) and isinstance(node.left, ast.Constant) and isinstance(node.left.value, str):
            return at(span(node), operator("interpolate", node.left, node.right))
        return at(span(node), operator("binary", ast.Constant(BINARY[type(node.op)]), node.left, node.right))

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        self.generic_visit(node)
        return at(span(node), operator("getitem", node.value, node.slice)) if isinstance(node.ctx, ast.Load) else node

    def visit_Slice(self, node: ast.Slice) -> ast.expr:
        bounds = [node.lower, node.upper] + ([node.step] if node.step is not None else [])
        arguments = [self.visit(bound) if bound is not None else ast.Constant(None) for bound in bounds]
        return at(span(node), ast.Call(load(SLICE), arguments, []))

    def visit_Lambda(self, node: ast.Lambda) -> ast.expr:
        if is_generator(node):
            self.forbid(node)
        node.args = self.visit(node.args)
        inner = type(self)(node, Liveness(node, [node.body]), self.unbound)
        value = inner.visit(node.body)
        return self.function(node.args, [*inner.placeholders(), *inner.pending], value, span(node), "jg_lambda")

    def visit_ListComp(self, node: ast.ListComp) -> ast.expr:
        return self.comprehension("listcomp", "flatcomp", node.generators, node.elt, span(node))

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> ast.expr:
        return self.comprehension("genexp", "flatgen", node.generators, node.elt, span(node))

    def visit_SetComp(self, node: ast.SetComp) -> ast.expr:
        return self.collect("setcomp", node.generators, node.elt, span(node))

    def visit_Dict(self, node: ast.Dict) -> ast.expr:
        self.generic_visit(node)
        return at(span(node), operator("dict_", node, ast.Constant(node.col_offset)))

    def visit_DictComp(self, node: ast.DictComp) -> ast.expr:
        pair = at(span(node.key, node.value), ast.Tuple([node.key, node.value], ast.Load()))
        return self.collect("dictcomp", node.generators, pair, span(node))

    def comprehension(
        self, name: str, flat: str, generators: list[ast.comprehension], element: ast.expr, place: Place
    ) -> ast.expr:
        """A comprehension; around one whose variables are looked at later, a function that has these variables."""
        if any(generator.is_async for generator in generators):
            self.forbid(element)
        iterable = self.visit(generators[0].iter)
        outer, self.kept = self.kept, _kept_targets(generators, element)

        def build() -> ast.expr:
            self.pending += [assign(each, undefined(each)) for each in sorted(self.kept)]
            return self.nest(name, flat, load(ITEM), generators, element, place)

        if self.kept:
            result: ast.expr = ast.Call(self.make(signature([ITEM]), build, place), [iterable], [])
        else:
            result = self.nest(name, flat, iterable, generators, element, place)
        self.kept = outer
        return at(place, result)

    def nest(
        self, name: str, flat: str, iterable: ast.expr, generators: list[ast.comprehension], element: ast.expr, place: Place
    ) -> ast.expr:
        """`jg_.name(iterable, element)`, and around it `jg_.flat(iterable, inner)` for each outer `for`."""
        first, *others = generators

        def build() -> ast.expr:
            if others:
                return self.nest(name, flat, self.visit(others[0].iter), others, element, place)
            return self.visit(element)

        arguments = [iterable, self.of_item(first.target, build, span(element))]
        if first.ifs:
            test = first.ifs[0] if len(first.ifs) == 1 else at(place, ast.BoolOp(ast.And(), first.ifs))
            arguments.append(self.of_item(first.target, lambda: self.visit(as_test(test)), span(test)))
        return at(place, operator(flat if others else name, *arguments))

    def collect(self, name: str, generators: list[ast.comprehension], element: ast.expr, place: Place) -> ast.expr:
        """A set or dict comprehension; one with several `for` collects the items of a generator."""
        if len(generators) == 1:
            return self.comprehension(name, "", generators, element, place)
        items = self.comprehension("genexp", "flatgen", generators, element, place)
        return at(place, operator(name, items, ast.Lambda(signature([ITEM]), load(ITEM))))

    def of_item(self, target: ast.expr, build: Callable[[], ast.expr], place: Place) -> ast.expr:
        """A function of the item of a comprehension."""
        kept = [name for name in bindings([target]) if name in self.kept]
        if isinstance(target, ast.Name) and not kept:
            return self.make(signature([target.id]), build, place)

        def unpack() -> ast.expr:
            self.pending += [ast.Nonlocal(kept)] if kept else []
            self.pending += self.store(target, at(span(target), load(ITEM)))
            return build()

        return self.make(signature([ITEM]), unpack, place)

    def store(self, target: ast.expr, value: ast.expr) -> list[ast.stmt]:
        """The statements for `target = value`."""
        raise NotImplementedError

    def thunk(self, expression: ast.expr) -> ast.expr:
        """A function of no arguments that evaluates the expression."""
        return self.make(signature(), lambda: self.visit(expression), span(expression))

    def make(self, arguments: ast.arguments, build: Callable[[], ast.expr], place: Place) -> ast.expr:
        """A function that evaluates what `build` builds."""
        outer, self.pending, self.rebound = (self.pending, self.rebound), [], {}
        value = build()
        elsewhere = [name for name in self.rebound if name in self.liveness.shared or name in self.liveness.declared]
        lines = [*self.declare(self.rebound), *with_places("rebinds", elsewhere), *self.pending]
        self.pending, self.rebound = outer
        return self.function(arguments, lines, value, place)

    def function(
        self, arguments: ast.arguments, lines: list[ast.stmt], value: ast.expr, place: Place, name: str = "jg_thunk"
    ) -> ast.expr:
        """A lambda, if it needs no statements, else the name of a function that is defined before the current statement."""
        if not lines:
            return at(place, ast.Lambda(arguments, value))
        numbered = f"{name}_{next(self.numbers)}"
        self.pending.append(at(place, define(numbered, arguments, [*lines, ast.Return(value)])))
        return at(place, load(numbered))

    def declare(self, names: Iterable[str]) -> list[ast.stmt]:
        """The `global` and `nonlocal` statements of a function that is made from a part of the user's and binds the names."""
        shared = [name for name in names if name in self.liveness.shared]
        self.placed.update(shared)
        declared = {name: kind for name, kind in self.liveness.declared.items() if name in names}
        return declarations(declared | dict.fromkeys(shared, ast.Nonlocal))

    def placeholders(self) -> list[ast.stmt]:
        """`x = jg_.undefined("x")` for the variables that need it."""
        return [assign(name, undefined(name)) for name in sorted(self.placed - set(self.parameters))]

    def forbid(self, node: ast.AST) -> None:
        raise Unsupported(node, "generators and async functions are not compiled: return a list, or call the function outside")

    def visit_Await(self, node: ast.AST) -> ast.AST:
        self.forbid(node)
        return node

    visit_Yield = visit_YieldFrom = visit_Await


def declarations(declared: Mapping[str, type[ast.Global] | type[ast.Nonlocal]]) -> list[ast.stmt]:
    """The statements that declare the names."""
    kinds = {kind: [name for name in declared if declared[name] is kind] for kind in (ast.Global, ast.Nonlocal)}
    return [kind(names) for kind, names in kinds.items() if names]


def _kept_targets(generators: list[ast.comprehension], element: ast.expr) -> set[str]:
    """The variables of a comprehension that functions and generators made in it may look at when it has gone on."""
    targets = set(bindings([generator.target for generator in generators]))
    parts = [element, *(test for generator in generators for test in generator.ifs), *(each.iter for each in generators[1:])]
    nodes = [node for part in parts for node in ast.walk(part)]
    used_up = {argument for node in nodes if isinstance(node, ast.Call) for argument in node.args}
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Lambda):
            found |= free_names(node)
        elif isinstance(node, ast.GeneratorExp) and node not in used_up:
            found |= Scope(node).read
    return targets & found


def _comparison(left: ast.expr, op: ast.cmpop, right: ast.expr, place: Place) -> ast.expr:
    match op:
        case ast.In():
            return at(place, operator("contains", left, right))
        case ast.NotIn():
            return at(place, operator("not_", operator("contains", left, right)))
    return at(place, operator("compare", ast.Constant(COMPARE[type(op)]), left, right))
