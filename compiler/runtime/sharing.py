"""What a function reads or computes several times is read or computed once: a compiler pass.

In: a function in numba's IR, before types are inferred. Out: the same with one variable for each global and each number that is written in it, and
for each computation with sizes. In the source a long driver says ``view`` or ``m*n`` a hundred times; numba infers types for each anew, and writes
code for each.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator
from typing import Any

from numba.core import ir, types
from numba.core.analysis import compute_cfg_from_blocks
from numba.core.compiler_machinery import FunctionPass, register_pass
from numba.core.ir_utils import visit_vars_stmt


@register_pass(mutates_CFG=False, analysis_only=False)
class ShareValues(FunctionPass):
    """Run before types are inferred."""

    _name = "jitgrad_share_values"

    def __init__(self) -> None:
        FunctionPass.__init__(self)

    def run_pass(self, state: Any) -> bool:
        """Replace variables by earlier ones with the same value."""
        _Sharing(state.func_ir.blocks, state.args).share()
        return True


class _Sharing:
    """One function. ``fixed`` are the variables that hold numbers, or tuples of them, and are assigned once."""

    def __init__(self, blocks: dict[int, ir.Block], parameters: tuple[types.Type, ...]) -> None:
        self.blocks, self.parameters = blocks, parameters
        counts = Counter(statement.target.name for block in blocks.values() for statement in block.find_insts(ir.Assign))
        self.single = {name for name, count in counts.items() if count == 1}
        self.fixed: set[str] = set()
        self.globals: dict[str, Any] = {}
        self.replaced: dict[str, ir.Var] = {}
        self.constants: dict[Hashable, ir.Assign] = {}

    def share(self) -> None:
        graph = compute_cfg_from_blocks(self.blocks)
        children = graph.dominator_tree()
        waiting: list[tuple[int, dict[Hashable, ir.Var]]] = [(graph.entry_point(), {})]
        while waiting:
            label, known = waiting.pop()
            block = self.blocks[label]
            block.body = list(self.kept(block.body, known))
            waiting += [(child, dict(known)) for child in sorted(children[label])]
        first = self.blocks[graph.entry_point()]
        first.body = [*self.constants.values(), *first.body]

    def kept(self, statements: list[ir.Stmt], known: dict[Hashable, ir.Var]) -> Iterator[ir.Stmt]:
        """The statements whose values are not known yet; ``known`` learns them."""
        for statement in statements:
            self.rename(statement)
            if not isinstance(statement, ir.Assign) or statement.target.name not in self.single:
                yield statement
                continue
            name, value = statement.target.name, statement.value
            if isinstance(value, ir.Arg) and isinstance(self.parameters[value.index], types.Number):
                self.fixed.add(name)
            key = self.key(value)
            if key is None:
                yield statement
            elif isinstance(value, ir.Expr):
                self.fixed.add(name)
                if name.startswith("$") and key in known:
                    self.replaced[name] = known[key]
                else:
                    known.setdefault(key, statement.target)
                    yield statement
            elif name.startswith("$"):
                self.learn(statement, key)
            else:
                self.fixed.add(name)
                yield statement

    def learn(self, statement: ir.Assign, key: Hashable) -> None:
        """A global or a number: assigned where the function begins."""
        name, value = statement.target.name, statement.value
        first = self.constants.setdefault(key, statement)
        if first is not statement:
            self.replaced[name] = first.target
        elif isinstance(value, ir.Const):
            self.fixed.add(name)
        else:
            self.globals[name] = value.value

    def key(self, value: Any) -> Hashable:
        """What two values that are equal have in common; None if a value cannot be shared."""
        match value:
            case ir.Global() | ir.FreeVar():
                return ("global", value.name, id(value.value))
            case ir.Const() if type(value.value) in (bool, int, float):
                return ("number", type(value.value), repr(value.value))
            case ir.Expr():
                return self.key_of_expression(value)
        return None

    def key_of_expression(self, expr: ir.Expr) -> Hashable:
        match expr.op:
            case "binop" | "unary" if self.are_fixed(expr.list_vars()):
                return (expr.op, expr.fn, *(variable.name for variable in expr.list_vars()))
            case "build_tuple" if self.are_fixed(expr.items):
                return (expr.op, *(item.name for item in expr.items))
            case "getattr" if expr.value.name in self.globals or (
                expr.attr in ("shape", "size") and expr.value.name in self.single
            ):
                return (expr.op, expr.value.name, expr.attr)
            case "static_getitem" if isinstance(expr.index, int) and self.are_fixed([expr.value]):
                return (expr.op, expr.value.name, expr.index)
            case "exhaust_iter" if self.are_fixed([expr.value]):
                return (expr.op, expr.value.name, expr.count)
            case "call" if self.globals.get(expr.func.name) in (min, max) and self.are_fixed(expr.args) and not expr.kws:
                return (expr.op, expr.func.name, *(argument.name for argument in expr.args))
        return None

    def are_fixed(self, variables: list[ir.Var]) -> bool:
        return all(variable.name in self.fixed for variable in variables)

    def rename(self, statement: ir.Stmt) -> None:
        """Let a statement read the variables that are kept."""
        visit_vars_stmt(statement, lambda variable, _: self.replaced.get(variable.name, variable), None)
