"""Rewrite statements: in goes a function of the user, out comes one whose loops and branches are calls of operators.

for x in xs:                    def jg_body(jg_item, total):
    total += x                      x = jg_item
                                    total = jg_.inplace("+", total, x)
                                    return (total,)
                                (total,) = jg_.for_(xs, jg_body, (total,), ("total",))
"""

import ast
import copy
from collections.abc import Sequence

from .assignments import Assignments, Lines
from .exits import lower_exits
from .expressions import declarations
from .liveness import Liveness, State
from .matches import lower_matches
from .nodes import (
    ITEM,
    OPERATORS,
    Attempt,
    Attempted,
    CountedFor,
    FunctionNode,
    Place,
    all_nodes,
    as_test,
    assign,
    at,
    define,
    header,
    is_generator,
    is_suppression,
    load,
    operator,
    signature,
    span,
    store,
    strings,
    undefined,
    with_places,
)  # fmt: skip
from .scopes import bindings

FOREIGN = "jg_same"
"""Takes the place of a mutated object that is no variable of the function, and so need not be assigned."""


def rewrite_node(function: FunctionNode, unbound: frozenset[str] = frozenset()) -> ast.FunctionDef:
    """Rewrite a function; `unbound` are the variables around it that may not be bound. A lambda becomes a `def`."""
    if isinstance(function, ast.Lambda):
        name = "jg_lambda"
        body: Lines = [at(span(function.body), ast.Return(function.body))]
    else:
        name = function.name
        body = lower_exits(lower_matches(function.body))
    rewriter = Statements(function, Liveness(function, body), unbound)
    if is_generator(function):
        rewriter.forbid(function)
    lines = rewriter.block(body)
    declared = rewriter.liveness.declared
    lines = [*declarations(declared), *rewriter.placeholders(), *with_places("rebinds", declared), *lines]
    return at(span(function), define(name, function.args, [at(header(body[0]), line) for line in lines]))


class Statements(Assignments):
    """Rewrites the statements of one function."""

    def block(self, statements: Sequence[ast.stmt]) -> Lines:
        """Rewrite statements, each after the definitions that its expressions need."""
        done: Lines = []
        for statement in statements:
            outer, self.pending = self.pending, []
            new = self.visit(statement)
            done += [*self.pending, *(new if isinstance(new, list) else [new])]
            self.pending = outer
        return done or [ast.Pass()]

    def visit_If(self, node: ast.If) -> Lines:
        state, place = self.liveness.states[node], header(node)
        test = self.visit(as_test(node.test))
        then = self.region("jg_then", state, node.body, place)
        orelse = self.region("jg_orelse", state, node.orelse, place)
        call = self.control("if_", [test, load("jg_then"), load("jg_orelse")], state)
        return [then, orelse, self.update(state, call, place)]

    def visit_While(self, node: ast.While) -> Lines:
        state, place = self.liveness.states[node], header(node)
        test = self.test(state, node.test, place)
        body = self.region("jg_body", state, node.body, place)
        call = self.control("while_", [load("jg_test"), load("jg_body")], state)
        return [test, body, self.update(state, call, place)]

    def visit_CountedFor(self, node: CountedFor) -> Lines:
        state, place = self.liveness.states[node], header(node)
        iterable = self.visit(node.iter)
        unpack = at(span(node.target), assign(node.target, load(ITEM)))
        body = self.region("jg_body", state, [unpack, *node.body], place, [ITEM])
        call = self.control("for_", [iterable, load("jg_body")], state)
        if node.go_on is None:
            return [body, self.update(state, call, place)]
        call.keywords.append(ast.keyword("go_on", load("jg_go_on")))
        go_on = self.region("jg_go_on", state, [ast.Return(node.go_on)], place)
        return [body, go_on, self.update(state, call, place)]

    def visit_Attempted(self, node: Attempted) -> Lines:
        state, place = self.liveness.states[node], header(node.body[0])
        block = self.region("jg_attempted", state, node.body, place)
        return [block, self.update(state, self.control("attempt", [load("jg_attempted")], state), place)]

    def region(
        self, name: str, state: State, statements: Sequence[ast.stmt], place: Place, parameters: Sequence[str] = ()
    ) -> ast.FunctionDef:
        """A function of the parameters and the state that runs the statements, and returns the state if they do not return.

        A shared variable is not a variable of the new function: it is assigned where it lives.
        """
        shared = [each for each in state.names if each in self.liveness.shared]
        entering: Lines = [assign(each, load(f"jg_in_{each}")) for each in shared if each not in state.dead]
        bound = bindings([*statements, *entering])
        declared = [
            *self.declare(bound),
            *with_places("owns", [each for each in bound if each in self.liveness.shared]),
            *with_places("rebinds", [each for each in bound if each in self.liveness.declared]),
        ]
        arguments = signature([*parameters, *(f"jg_in_{each}" if each in shared else each for each in state.names)])
        after: list[ast.expr] = [ast.Constant(None) if each in state.lost else load(each) for each in state.names]
        returns = any(isinstance(each, ast.Return) for each in statements)
        leaving: Lines = [] if returns else [ast.Return(ast.Tuple(after, ast.Load()))]
        body = [*declared, *entering, *self.block(statements), *leaving]
        return at(place, define(name, arguments, [at(place, line) for line in body]))

    def test(self, state: State, test: ast.expr, place: Place) -> ast.FunctionDef:
        """The function of a while loop's test, which returns its value and the state."""
        function = self.region("jg_test", state, [ast.Return(as_test(test))], place)
        returned = function.body[-1]
        assert isinstance(returned, ast.Return) and returned.value is not None
        after = [f"jg_in_{each}" if each in self.liveness.shared & state.dead else each for each in state.names]
        returned.value = at(place, ast.Tuple([returned.value, *map(load, after)], ast.Load()))
        return function

    def control(self, name: str, arguments: list[ast.expr], state: State) -> ast.Call:
        """The call of a control operator."""
        values: list[ast.expr] = [undefined(each) if each in state.dead else load(each) for each in state.names]
        call = operator(name, *arguments, ast.Tuple(values, ast.Load()), strings(state.names))
        if state.mutated:
            call.keywords.append(ast.keyword("mutated", strings(state.mutated)))
        return call

    def update(self, state: State, call: ast.Call, place: Place) -> ast.stmt:
        """The statement that assigns the new values of the variables."""
        targets: list[ast.expr] = [store(name if name in self.liveness.own else FOREIGN) for name in state.names]
        return at(place, assign(ast.Tuple(targets, ast.Store()), call) if targets else ast.Expr(call))

    def visit_Assert(self, node: ast.Assert) -> ast.stmt | Lines:
        if not __debug__:
            return []
        message = self.thunk(node.msg) if node.msg is not None else ast.Constant(None)
        return at(span(node), ast.Expr(operator("assert_", self.visit(as_test(node.test)), message)))

    def visit_With(self, node: ast.With) -> ast.stmt:
        entered: Lines = []
        for item in node.items:
            suppresses = is_suppression(item.context_expr)
            item.context_expr = self.visit(item.context_expr)
            if suppresses:
                item.context_expr = at(span(item.context_expr), operator("suppressing", item.context_expr))
            if item.optional_vars is not None and not isinstance(item.optional_vars, ast.Name):
                name = f"jg_entered_{next(self.numbers)}"
                entered.append(at(span(item.optional_vars), assign(item.optional_vars, load(name))))
                item.optional_vars = at(span(item.optional_vars), store(name))
        node.body = self.block([*entered, *node.body])
        return node

    def visit_Try(self, node: Attempt) -> ast.stmt:
        node.body = self.block(node.body)
        if node.handlers:
            types = [copy.deepcopy(handler.type) or load("BaseException") for handler in node.handlers]
            caught = ast.Lambda(signature(), ast.Tuple([self.visit(each) for each in types], ast.Load()))
            handles, is_silent = isinstance(node, ast.Try), not any(map(_looks_at_exception, node.handlers))
            around = operator("trying", caught, ast.Constant(handles), ast.Constant(is_silent))
            node.body = [at(header(node), ast.With([ast.withitem(around)], node.body))]
        for handler in node.handlers:
            handler.type = self.visit(handler.type) if handler.type is not None else None
            handler.body = self.block(handler.body)
        node.orelse = self.block(node.orelse) if node.orelse else []
        node.finalbody = self.block(node.finalbody) if node.finalbody else []
        if node.handlers and isinstance(node, ast.Try):
            refused = ast.Attribute(load(OPERATORS), "refused", ast.Load())
            node.handlers.insert(0, at(header(node), ast.ExceptHandler(refused, None, [ast.Raise()])))
        return node

    visit_TryStar = visit_Try

    def visit_Match(self, node: ast.Match) -> ast.stmt:
        node.subject = self.visit(node.subject)
        for case in node.cases:
            case.guard = self.visit(case.guard) if case.guard is not None else None
            case.body = self.block(case.body)
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.stmt:
        if is_generator(node):  # complains if it is called while tracing
            return node
        rewritten = rewrite_node(node, self.unbound)
        rewritten.args = self.visit(node.args)
        rewritten.decorator_list = [self.visit(decorator) for decorator in node.decorator_list]
        rewritten.returns = node.returns
        return rewritten

    def visit_AsyncFunctionDef(self, node: ast.AST) -> ast.AST:
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.ClassDef:
        """A class: its methods are rewritten, and what else its body does is left to Python."""
        node.body = [self.member(statement) for statement in node.body]
        return node

    def member(self, statement: ast.stmt) -> ast.stmt:
        """A statement in the body of a class."""
        if isinstance(statement, ast.ClassDef):
            return self.visit_ClassDef(statement)
        if not isinstance(statement, ast.FunctionDef) or is_generator(statement):
            return statement
        rewritten = rewrite_node(statement, self.unbound)
        rewritten.decorator_list, rewritten.returns = statement.decorator_list, statement.returns
        return rewritten

    def visit_Global(self, node: ast.stmt) -> Lines:
        return []

    visit_Nonlocal = visit_Global


def _looks_at_exception(handler: ast.ExceptHandler) -> bool:
    """Whether a handler names its exception, or raises it again."""
    return handler.name is not None or any(isinstance(node, ast.Raise) and node.exc is None for node in all_nodes(handler.body))
