"""Which variables a loop or branch hands on: in goes the body of a function (exits lowered), out come its states.

The analysis is the classic one, backwards over the syntax tree: a variable is live where its value may still be read.
Reading the name of a local function reads what that function takes from around it.
"""

import ast
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from .nodes import CAUGHT, Attempt, Attempted, CountedFor, FunctionNode, Loop, all_nodes, may_catch, own_nodes
from .scopes import Scope, bindings, body_of, free_names, mutations, mutations_around, parameter_names, rebound_names

Live = frozenset[str]


class State(NamedTuple):
    """What a loop or branch takes in and hands on.

    names: its variables.
    mutated: those of them whose objects it changes.
    dead: those of them whose values before the statement nobody reads.
    lost: those of them whose values after it nobody reads.
    """

    names: tuple[str, ...]
    mutated: tuple[str, ...]
    dead: Live
    lost: Live


class Closure(NamedTuple):
    """What a local function reads, rebinds and mutates around it."""

    reads: set[str]
    rebinds: list[str]
    mutates: dict[str, None]


class Liveness:
    """The variables of one function.

    own: its parameters and the names that it binds.
    declared: the names that it declares `global` or `nonlocal`.
    looked_at: variables that other functions may look at.
    shared: variables that functions made from its blocks rebind in place, because somebody else may look at them, or a handler.
    entry: variables, not parameters, that may be read before they are bound.
    states: the state of each loop, branch and attempt.
    """

    def __init__(self, function: FunctionNode, body: Sequence[ast.AST]) -> None:
        scope = Scope(*body)
        parameters = parameter_names(function)
        self.declared = scope.declared
        bound = bindings(body_of(function)) | scope.bound  # also what only code binds that cannot be reached
        self.own = (bound.keys() | set(parameters)) - scope.declared.keys()
        self.looked_at = (scope.captured | scope.conditional.keys()) & self.own
        self._guarded: set[str] = set()
        self.states: dict[ast.stmt, State] = {}
        self._scopes: dict[ast.AST, Scope] = {}
        self._closures = _closures(body)
        self._escape: Live = frozenset()
        live = self._block(body, frozenset()) & self.own
        self.shared = self.looked_at | (self._guarded & self.own)
        self.entry = [name for name in bound if name in live and name not in parameters]
        self.deleted = _deleted(body)

    def _block(self, statements: Sequence[ast.AST], after: Live) -> Live:
        """What is live before the statements."""
        for statement in reversed(statements):
            after = self._statement(statement, after) | self._escape
        return after

    def _statement(self, statement: ast.AST, after: Live) -> Live:
        match statement:
            case ast.If(test=test, body=body, orelse=orelse):
                inside = self._block(body, after) | self._block(orelse, after)
                self.states[statement] = self._state([*body, *orelse], after | inside, inside, inside, after)
                return self._reads(test) | (inside - self._scope(test).certain)
            case Attempted(body=body):
                inside = self._block(body, after)
                self.states[statement] = self._state(body, after | inside, inside, inside, after)
                return inside
            case ast.While():
                return self._loop(statement, frozenset(), self._reads(statement.test), after)
            case CountedFor(target=target, iter=iterable, go_on=go_on):
                flags = frozenset() if go_on is None else self._reads(go_on)
                return self._reads(iterable) | self._loop(statement, self._certain(target), flags | self._reads(target), after)
            case ast.With(items=items, body=body):
                self._guarded |= _bound_in_blocks(statement) & after
                return self._sequence(items, self._within(body, after, after if may_catch(statement) else frozenset()))
            case ast.Try() | ast.TryStar():
                return self._try(statement, after)
            case ast.Match(subject=subject, cases=cases):
                before = after.union(*(self._case(case, after) for case in cases))
                return self._reads(subject) | before
            case ast.Return() | ast.Raise():
                return self._reads(statement)
            case ast.FunctionDef(decorator_list=[], args=arguments):
                return self._reads(*_defaults(arguments)) | (after - {statement.name})
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Lambda(args=arguments)):
                return self._reads(*_defaults(arguments)) | (after - {name})
        return self._sequence([statement], after)

    def _sequence(self, pieces: Sequence[ast.AST], after: Live) -> Live:
        for piece in reversed(pieces):
            after = self._reads(piece) | (after - self._certain(piece))
        return after

    def _loop(self, loop: Loop, targets: Live, tested: Live, after: Live) -> Live:
        around = after | tested
        while True:
            inside = self._block(loop.body, around) - targets
            if inside <= around:
                break
            around |= inside
        test = loop.test if isinstance(loop, ast.While) else loop.target
        self.states[loop] = self._state([test, *loop.body], around, inside, around, around)
        return around

    def _try(self, statement: Attempt, after: Live) -> Live:
        outer = self._escape
        leaving = self._block(statement.finalbody, after | outer)
        self._escape = outer | leaving if statement.finalbody else outer
        handlers = [self._block(handler.body, leaving) - {handler.name} for handler in statement.handlers]
        types = [self._reads(handler.type) for handler in statement.handlers if handler.type is not None]
        orelse = self._block(statement.orelse, leaving)
        caught = frozenset().union(*handlers, *types)
        self._guarded |= _bound_in_blocks(statement) & (caught | leaving if statement.finalbody else caught)
        before = self._within(statement.body, orelse, caught)
        self._escape = outer
        return before

    def _within(self, body: Sequence[ast.AST], after: Live, escape: Live) -> Live:
        """What is live before statements that an exception may leave, so that what is in ``escape`` is read next."""
        outer = self._escape
        self._escape = outer | escape
        before = self._block(body, after)
        self._escape = outer
        return before

    def _case(self, case: ast.match_case, after: Live) -> Live:
        guard = [case.guard] if case.guard is not None else []
        return self._sequence([case.pattern, *guard], self._block(case.body, after))

    def _state(self, pieces: Sequence[ast.AST], live: Live, inside: Live, entering: Live, leaving: Live) -> State:
        """The state of a statement: its code, what is live around it, where its blocks begin, where it is entered, and where it is left."""
        assigned = bindings(pieces) | dict.fromkeys(Scope(*pieces).rebound)
        changed = mutations(pieces, methods=False)
        changed |= {name: None for name in mutations(pieces) if name in self.own}
        for name in sorted(_mentioned(pieces) & self._closures.keys()):
            assigned |= dict.fromkeys(self._closures[name].rebinds)
            changed |= self._closures[name].mutates
        names = [name for name in assigned if name in live and name in self.own]
        mutated = [name for name in changed if name in inside and name not in self.declared]
        names += [name for name in mutated if name not in names]
        lost = frozenset(names) - leaving - self.looked_at - set(mutated)
        return State(tuple(names), tuple(mutated), frozenset(names) - entering, lost)

    def _scope(self, piece: ast.AST) -> Scope:
        if piece not in self._scopes:
            self._scopes[piece] = Scope(piece)
        return self._scopes[piece]

    def _certain(self, piece: ast.AST) -> Live:
        return frozenset(self._scope(piece).certain)

    def _reads(self, *pieces: ast.AST) -> Live:
        """The names that the code reads, itself or through the local functions that it mentions."""
        found: set[str] = set()
        new = set().union(*(self._scope(piece).read for piece in pieces))
        while new:
            found |= new
            new = set().union(*(self._closures[name].reads for name in new if name in self._closures)) - found
        return frozenset(found)


def _defaults(arguments: ast.arguments) -> list[ast.expr]:
    return [*arguments.defaults, *(default for default in arguments.kw_defaults if default is not None)]


def _closures(body: Iterable[ast.AST]) -> dict[str, Closure]:
    """The local functions that have a name; those of one name count as one."""
    found: dict[str, Closure] = {}
    for node in all_nodes(body):
        match node:
            case ast.FunctionDef(name=name) as function:
                pass
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Lambda() as function):
                pass
            case _:
                continue
        reads, rebinds, mutates = found.get(name, Closure(set(), [], {}))
        found[name] = Closure(
            reads | free_names(function), rebinds + rebound_names(function), mutates | mutations_around(function)
        )
    return found


def _bound_in_blocks(statement: Attempt | ast.With) -> set[str]:
    """The names bound in loops, branches and attempts within a statement, where an exception may leave them half done."""
    blocks = ast.If | ast.For | ast.While | Attempted
    return {name for inner in own_nodes(statement) if isinstance(inner, blocks) for name in bindings([inner])} - {CAUGHT}


def _deleted(body: Iterable[ast.AST]) -> set[str]:
    return {node.id for node in all_nodes(body) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Del)}


def _mentioned(pieces: Iterable[ast.AST]) -> set[str]:
    return {node.id for node in all_nodes(pieces) if isinstance(node, ast.Name)}
