"""Lower the exits of a function: in goes its body, out comes one that leaves no loop or branch early.

A statement that follows `if c: return a` moves into the else branch, so most functions need no flags:

    if c:                           if c:
        return a                        jg_result = a
    b = 2                           else:
    return b                            b = 2
                                        jg_result = b
                                    return jg_result

In a loop the exits become flags, which are variables like any other. The loop asks for them before each iteration:

    for x in xs:                    jg_broke = False
        if c:                       for x in xs (while not jg_broke):
            break                       if c:
        f(x)                                jg_broke = True
                                        else:
                                            f(x)

An `else` of a loop becomes an `if not jg_broke` after it. `return` stays where no loop or branch surrounds it.
"""

import ast
import copy
from collections.abc import Iterable, Sequence

from .nodes import (
    CAUGHT,
    RESULT,
    RETURNED,
    Attempt,
    Attempted,
    CountedFor,
    Loop,
    Node,
    Place,
    all_nodes,
    assign,
    at,
    denied,
    header,
    load,
    may_catch,
    span,
)  # fmt: skip
from .problems import Unsupported
from .reach import Kinds, falls, kinds_of, returns_from_inside

EXITS = ast.Return | ast.Break | ast.Continue


def lower_exits(body: Sequence[ast.stmt]) -> list[ast.stmt]:
    """The body of a function, with every return, break and continue lowered that stands in a loop or branch."""
    if any(map(returns_from_inside, body)) and falls(body):
        body = [*body, at(header(body[-1]), ast.Return(ast.Constant(None)))]
    exits = _Exits()
    lowered = exits.straight(body)
    if exits.needs_returned:
        lowered.insert(0, at(header(body[0]), assign(RETURNED, ast.Constant(False))))
    return lowered


class _Exits:
    """Lowers the exits of one function; `depth` counts the loops around the current block."""

    def __init__(self) -> None:
        self.depth = 0
        self.needs_returned = False

    def straight(self, statements: Sequence[ast.stmt]) -> list[ast.stmt]:
        """Lower a block with no loop or branch around it: its own returns stay."""
        done: list[ast.stmt] = []
        for index, statement in enumerate(statements):
            if returns_from_inside(statement):
                result = at(header(statement), ast.Return(load(RESULT)))
                return [*done, *self.block(statements[index:], tail=True), result]
            match statement:
                case _ if may_catch(statement):
                    done += self.statement(statement, tail=False)
                case ast.With():
                    done.append(_with(statement, body=self.straight(statement.body)))
                case ast.Try() | ast.TryStar():
                    handlers = [_with(handler, body=self.straight(handler.body)) for handler in statement.handlers]
                    blocks = {name: self.straight(getattr(statement, name)) for name in ("body", "orelse", "finalbody")}
                    done.append(_with(statement, handlers=handlers, **blocks))
                case _:
                    done += self.statement(statement, tail=False)
        return done

    def block(self, statements: Sequence[ast.stmt], tail: bool) -> list[ast.stmt]:
        """Lower a block; `tail` says that nothing follows it in its function, or in its iteration of the loop."""
        done: list[ast.stmt] = []
        for index, statement in enumerate(statements):
            rest = statements[index + 1 :]
            kinds = kinds_of([statement])
            if isinstance(statement, EXITS):
                return done + self.leave(statement, tail)
            if kinds and isinstance(statement, ast.If) and not (falls(statement.body) and falls(statement.orelse)):
                return done + self.statement(_absorb(statement, rest), tail)
            done += self.statement(statement, tail and not rest)
            if kinds and rest:
                skippable = self.block(rest, tail)
                return [*done, at(header(rest[0]), ast.If(denied(self.flags(kinds)), skippable, []))]
        return done or [ast.Pass()]

    def leave(self, statement: ast.stmt, tail: bool) -> list[ast.stmt]:
        """The assignments that stand for an exit."""
        place = span(statement)
        lines: list[ast.stmt] = []
        if isinstance(statement, ast.Return):
            lines.append(assign(RESULT, statement.value or ast.Constant(None)))
        tail_of = ast.Continue if self.depth else ast.Return
        if not (tail and isinstance(statement, tail_of)):
            lines += [assign(flag, ast.Constant(True)) for flag in self.flags({type(statement)})]
        return [at(place, line) for line in lines or [ast.Pass()]]

    def flags(self, kinds: Iterable[type[ast.stmt]]) -> list[str]:
        """The flags that the kinds of exit set at the current depth."""
        suffix = f"_{self.depth}" if self.depth > 1 else ""
        names = {ast.Break: f"jg_broke{suffix}", ast.Continue: f"jg_continued{suffix}", ast.Return: RETURNED}
        self.needs_returned |= ast.Return in kinds
        return [name for kind, name in names.items() if kind in kinds]

    def statement(self, statement: ast.stmt, tail: bool) -> list[ast.stmt]:
        """Lower the exits inside one statement; what may catch exceptions becomes a block."""
        lowered = self.lowered(statement, tail)
        if not may_catch(statement):
            return lowered
        *before, attempt = lowered
        return [*before, at(header(statement), Attempted([attempt]))]  # type: ignore[call-arg]

    def lowered(self, statement: ast.stmt, tail: bool) -> list[ast.stmt]:
        """The statement without exits."""
        kinds = kinds_of([statement])
        match statement:
            case ast.If():
                orelse = self.block(statement.orelse, tail) if statement.orelse else []
                return [_with(statement, body=self.block(statement.body, tail), orelse=orelse)]
            case ast.For() | ast.While():
                return self.loop(statement, tail)
            case ast.With():
                lowered = _with(statement, body=self.block(statement.body, tail))
                if ast.Return in kinds and tail and not self.depth:  # the context manager may swallow an exception
                    return [at(header(statement), assign(RESULT, ast.Constant(None))), lowered]
                return [lowered]
            case ast.Try() | ast.TryStar():
                return [self.attempt(statement, tail)]
            case ast.Match():
                cases = [_with(case, body=self.block(case.body, tail)) for case in statement.cases]
                return [_with(statement, cases=cases)]
        return [statement]

    def attempt(self, statement: Attempt, tail: bool) -> ast.stmt:
        """Lower the exits inside a try statement."""
        if kinds_of(statement.finalbody):
            raise Unsupported(
                statement.finalbody[0], "return, break or continue inside `finally`: move it behind the try statement"
            )
        kinds = kinds_of(statement.body)
        body = self.block(statement.body, tail and not statement.orelse)
        orelse = self.unless(kinds, self.block(statement.orelse, tail)) if statement.orelse else []
        handlers = [_named(_with(handler, body=self.block(handler.body, tail))) for handler in statement.handlers]
        finalbody = self.block(statement.finalbody, tail=False) if statement.finalbody else []
        return _with(statement, body=body, handlers=handlers, orelse=orelse, finalbody=finalbody)

    def unless(self, kinds: Kinds, statements: list[ast.stmt]) -> list[ast.stmt]:
        """The statements, skipped if one of the exits was taken."""
        if not kinds:
            return statements
        return [at(header(statements[0]), ast.If(denied(self.flags(kinds)), statements, []))]

    def loop(self, statement: Loop, tail: bool) -> list[ast.stmt]:
        """Lower the exits inside a loop, its `else`, and a `:=` in the test of a while loop."""
        place = header(statement)
        kinds = kinds_of(statement.body)
        self.depth += 1
        body = self.block(statement.body, tail=True)
        leaving = self.flags(kinds - {ast.Continue})
        before = [assign(flag, ast.Constant(False)) for flag in leaving if flag != RETURNED]
        continued = self.flags({ast.Continue})
        if _assigned(continued, body):
            body.insert(0, at(place, assign(continued[0], ast.Constant(False))))
        match statement:
            case ast.For(target=target, iter=iterable):
                counted = CountedFor(target, iterable, body, [])
                counted.go_on = denied(leaving) if leaving else None
                lines: list[ast.stmt] = [*before, counted]
            case ast.While(test=test):
                lines = [*before, *self.while_(test, body, leaving, place)]
        self.depth -= 1
        if statement.orelse:
            lines += self.unless_left(leaving, self.block(statement.orelse, tail))
        return [at(place, line) for line in lines]

    def while_(self, test: ast.expr, body: list[ast.stmt], leaving: list[str], place: Place) -> list[ast.stmt]:
        """A while loop that also stops at a flag; a test that binds names is evaluated outside and at the end of the body."""
        before: list[ast.stmt] = []
        if any(isinstance(node, ast.NamedExpr) for node in all_nodes([test])):
            name = f"jg_test_{self.depth}"
            before = [assign(name, test)]
            again = at(place, assign(name, copy.deepcopy(test)))
            body = body + self.unless_left(leaving, [again])
            test = load(name)
        always = isinstance(test, ast.Constant) and test.value is True
        if leaving:
            test = denied(leaving) if always else ast.BoolOp(ast.And(), [denied(leaving), test])
        return [*before, ast.While(test, body, [])]

    def unless_left(self, flags: list[str], statements: list[ast.stmt]) -> list[ast.stmt]:
        """The statements, skipped if the loop was left by one of the flags."""
        return [at(header(statements[0]), ast.If(denied(flags), statements, []))] if flags else statements


def _named(handler: ast.ExceptHandler) -> ast.ExceptHandler:
    """A handler that binds the name of its exception, and takes it away, by statements of its own."""
    if handler.name is None:
        return handler
    bound, name = assign(handler.name, load(CAUGHT)), ast.Name(handler.name, ast.Del())
    body = [at(header(handler.body[0]), bound), *handler.body, at(header(handler.body[-1]), ast.Delete([name]))]
    return _with(handler, name=CAUGHT, body=body)


def _absorb(statement: ast.If, rest: Sequence[ast.stmt]) -> ast.If:
    """Move the statements after an `if` that leaves in one branch into the other branch."""
    if not falls(statement.body):
        return _with(statement, orelse=[*statement.orelse, *rest])
    return _with(statement, body=[*statement.body, *rest])


def _assigned(names: list[str], statements: list[ast.stmt]) -> bool:
    nodes = [node for statement in statements for node in ast.walk(statement)]
    return any(isinstance(node, ast.Name) and node.id in names for node in nodes)


def _with(node: Node, **fields: object) -> Node:
    """A copy of the node in which some fields differ."""
    new = copy.copy(node)
    for name, value in fields.items():
        setattr(new, name, value)
    return new
