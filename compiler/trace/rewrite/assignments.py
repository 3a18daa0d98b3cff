"""Rewrite assignments: in goes `o[i] += v` and its like, out come statements that ask the operator object.

What Python evaluates once and in a certain order is still evaluated once and in that order.
"""

import ast
import copy

from .expressions import BINARY, Expressions
from .nodes import assign, at, is_simple, load, operator, span, undefined

Lines = list[ast.stmt]


class Assignments(Expressions):
    """Rewrites the assignments of one function."""

    def visit_Assign(self, node: ast.Assign) -> Lines:
        place = span(node)
        value = self.visit(node.value)
        lines: Lines = []
        if not self.has_value(value) and (len(node.targets) > 1 or isinstance(node.targets[0], ast.Subscript | ast.Attribute)):
            lines.append(assign("jg_value", value))
            value = load("jg_value")
        for target in node.targets:
            lines += self.store(target, copy.deepcopy(value))
        return [at(place, line) for line in lines]

    def has_value(self, expression: ast.expr) -> bool:
        """Whether the rewritten expression is simple, and cannot fail."""
        names = {node.id for node in ast.walk(expression) if isinstance(node, ast.Name)}
        return is_simple(expression) and names <= self.liveness.own

    def visit_AnnAssign(self, node: ast.AnnAssign) -> Lines:
        if node.value is None:
            return []
        return self.visit_Assign(at(span(node), ast.Assign([node.target], node.value)))

    def visit_AugAssign(self, node: ast.AugAssign) -> Lines:
        place = span(node)
        lines: Lines = []
        match node.target:
            case ast.Name(id=name):
                old = self.visit(at(place, load(name)))
                target: ast.expr = node.target
            case ast.Subscript(value=container, slice=index):
                container = self.once("jg_object", container, lines)
                index = self.once("jg_index", index, lines)
                target = ast.Subscript(container, index, ast.Store())
                old = operator("getitem", container, index)
            case ast.Attribute(value=container, attr=name):
                container = self.once("jg_object", container, lines)
                target = ast.Attribute(container, name, ast.Store())
                old = operator("attribute", container, ast.Constant(name))
        value = operator("inplace", ast.Constant(BINARY[type(node.op)]), old, self.visit(node.value))
        return [at(place, line) for line in [*lines, *_put(target, value)]]

    def visit_Delete(self, node: ast.Delete) -> Lines:
        lines: Lines = []
        for target in _leaves(node.targets):
            if isinstance(target, ast.Name) and target.id not in self.liveness.declared:
                lines += [ast.Expr(operator("bound", load(target.id))), assign(target.id, undefined(target.id))]
            elif isinstance(target, ast.Subscript):
                lines.append(ast.Expr(operator("delitem", self.visit(target.value), self.visit(target.slice))))
            elif isinstance(target, ast.Attribute):
                lines.append(ast.Expr(operator("delattr", self.visit(target.value), ast.Constant(target.attr))))
            else:
                lines.append(ast.Delete([self.visit(target)]))
        return [at(span(node), line) for line in lines]

    def once(self, name: str, expression: ast.expr, lines: Lines) -> ast.expr:
        """The rewritten expression, or a variable that holds its value if it must not be evaluated twice."""
        value = self.visit(expression)
        if is_simple(expression):
            return value
        lines.append(at(span(expression), assign(name, value)))
        return load(name)

    def store(self, target: ast.expr, value: ast.expr) -> Lines:
        """The statements for `target = value`; the target is the user's, the value rewritten."""
        if not isinstance(target, ast.Tuple | ast.List):
            self.generic_visit(target)
            return _put(target, value)
        if not isinstance(value, ast.Tuple | ast.List) and not any(isinstance(part, ast.Starred) for part in target.elts):
            value = operator("unpack", value, ast.Constant(len(target.elts)))
        leaves = _leaves([target])
        if all(isinstance(leaf, ast.Name) for leaf in leaves):
            return [assign(target, value)]
        names = {leaf: f"jg_part_{next(self.numbers)}" for leaf in leaves}
        lines: Lines = [assign(_renamed(target, names), value)]
        for leaf, name in names.items():
            lines += self.store(leaf, load(name))
        return lines


def _put(target: ast.expr, value: ast.expr) -> Lines:
    """`target = value` for a rewritten target that is not a tuple."""
    match target:
        case ast.Subscript():
            return [ast.Expr(operator("setitem", target.value, target.slice, value))]
        case ast.Attribute():
            return [ast.Expr(operator("setattr", target.value, ast.Constant(target.attr), value))]
    return [assign(target, value)]


def _leaves(targets: list[ast.expr]) -> list[ast.expr]:
    """The single targets in a nest of tuples."""
    found: list[ast.expr] = []
    for target in targets:
        match target:
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                found += _leaves(parts)
            case ast.Starred(value=part):
                found += _leaves([part])
            case _:
                found.append(target)
    return found


def _renamed(target: ast.expr, names: dict[ast.expr, str]) -> ast.expr:
    """The nest of tuples with variables in place of the single targets."""
    match target:
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            return at(span(target), ast.Tuple([_renamed(part, names) for part in parts], ast.Store()))
        case ast.Starred(value=part):
            return at(span(target), ast.Starred(_renamed(part, names), ast.Store()))
    return at(span(target), ast.Name(names[target], ast.Store()))
