"""Turns matrices around that a loop reads and writes by columns.

    for j in range(m):                      qt = q.T.copy()
        for k in range(j):                  for j in range(m):
            q[:, j] -= r * q[:, k]              for k in range(j):
                                                    qt[j] -= r * qt[k]
                                            q = qt.T.copy()

The elements of a row lie side by side in memory: nothing skips from line to line, LLVM vectorises without gathering, and a row can be read where
it lies. Turning a matrix takes as long as to go through all its columns once. Only loops that do so anyway, and go through columns in loops
inside besides, are changed. Each element is computed as before.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..ir import ArrayType, Equation, Function, Var
from ..ops import Builder
from .integers import Integers

_ACCESSES = ("index", "update", "index_add")


def turn_columns(function: Function) -> Function:
    """Transpose matrices around loops that go through their columns.

    %0: f64[n, m] = loop 0 m q {step=1, consts=0}         %0: f64[m, n] = transpose q {axes=(1, 0)}
      (fn body(j, q: f64[n, m]) -> (f64[n, m]) {          %1: f64[m, n] = loop 0 m %0 {step=1, consts=0}
        %0: f64[n] = index q j {spec=((0, n, 1), None)}     (fn body(j, q: f64[m, n]) -> (f64[m, n]) {
        ...                                                   %0: f64[n] = index q j {spec=(None, (0, n, 1))}
      })                                                      ...
                                                            })
                                                          %2: f64[n, m] = transpose %1 {axes=(1, 0)}
    """
    if not any(e.op == "loop" and any(i.op == "loop" for r in e.regions for i in r.walk()) for e in function.walk()):
        return function
    return _inside(function, Integers.of(function))


def _inside(function: Function, integers: Integers) -> Function:
    builder = Builder(function.parameters)
    environment = {p: p for p in function.parameters}
    definition = {r: e for e in function.equations for r in e.results}
    turned: dict[Var, Var] = {}  # matrices that are there turned around, too
    for equation in function.equations:
        integers.learn(equation)
        places = _places(equation, integers) if equation.op == "loop" else frozenset()
        if not places:
            regions = tuple(_inside(region, integers.enter(equation, region)) for region in equation.regions)
            builder.copy(equation.replace(regions=regions), environment)
            continue
        around = dict(environment)
        for v in (equation.operands[k] for k in places):
            matrix = environment[v]
            around[v] = turned[matrix] if matrix in turned else _around(builder, matrix, definition.get(v), environment)
        results = _turn_loop(builder, equation, places, around, _Uses())
        for k, (old, new) in enumerate(zip(equation.results, results, strict=True)):
            environment[old] = new
            if k + 2 + equation["consts"] in places:
                environment[old] = builder.transpose(new, (1, 0))
                turned[environment[old]] = new
    results = tuple(environment[v] for v in function.results)
    return builder.finish(function.name, results).replace(guards=function.guards)


def _around(b: Builder, matrix: Var, made: Equation | None, environment: dict[Var, Var]) -> Var:
    """A matrix turned around; one that repeats a number is made so."""
    assert isinstance(matrix.type, ArrayType)
    if made is not None and made.op == "broadcast" and not made["axes"]:
        return b.broadcast(environment[made.operands[0]], (), matrix.type.shape[::-1])
    return b.transpose(matrix, (1, 0))


def _places(loop: Equation, integers: Integers) -> frozenset[int]:
    """The operands of a loop that are to be turned around."""
    (body, *test), step = loop.regions, loop["step"]
    start, stop = (integers.of_var(v) for v in loop.operands[:2])
    if test or abs(step) != 1:
        return frozenset()
    shapes: dict[int, object] = {}
    through = set()
    for k, parameter in enumerate(body.parameters[1:], 2):
        if not isinstance(parameter.type, ArrayType) or parameter.type.rank != 2:
            continue
        if parameter.type.shape[1] != step * (stop - start):
            continue
        uses = _Uses()
        try:
            _turn_loop(Builder(loop.operands), loop, frozenset((k,)), {v: v for v in loop.operands}, uses)
        except _RefusedError:
            continue
        if uses.columns_inside:
            shapes[k] = parameter.type.shape
            if uses.whole_columns:
                through.add(parameter.type.shape)
    return frozenset(k for k, shape in shapes.items() if shape in through)


@dataclass(slots=True)
class _Uses:
    """What a loop does with matrices: ``whole_columns`` in each iteration, ``columns_inside`` in loops inside."""

    whole_columns: bool = False
    columns_inside: bool = False

    def note(self, access: Equation, depth: int) -> None:
        rows = access["spec"][0]
        if isinstance(rows, tuple):
            self.whole_columns |= depth == 1 and rows == (0, access.operands[0].type.shape[0], 1)  # type: ignore[union-attr]
            self.columns_inside |= depth > 1


class _RefusedError(Exception):
    """A matrix is not used by columns and elements alone."""


def _turn_loop(
    b: Builder, loop: Equation, places: frozenset[int], environment: dict[Var, Var], uses: _Uses, depth: int = 0
) -> tuple[Var, ...]:
    """Write a loop with the matrices at some places of its operands turned around."""
    carried = {k - 2 - loop["consts"] for k in places if k >= 2 + loop["consts"]}
    regions = []
    for number, region in enumerate(loop.regions):
        turned, found = _turn_region(region, {region.parameters[k - 1] for k in places}, uses, depth + 1)
        if found != (set() if number else carried):
            raise _RefusedError
        regions.append(turned)
    operands = tuple(environment[v] for v in loop.operands)
    types = [r.type for r in regions[0].results]
    results = tuple(b.fresh(t) for t in [*[loop.results[0].type] * (len(regions) - 1), *types])
    b.append(loop.replace(operands=operands, results=results, regions=tuple(regions)))
    return results


def _turn_region(region: Function, matrices: set[Var], uses: _Uses, depth: int) -> tuple[Function, set[int]]:
    """A region with matrices among its parameters turned around, and which of its results are such."""
    b = Builder(p if p not in matrices else Var(p.name, _turned_type(p)) for p in region.parameters)
    environment = dict(zip(region.parameters, b.parameters, strict=True))
    for equation in region.equations:
        places = frozenset(k for k, v in enumerate(equation.operands) if v in matrices)
        if not places:
            b.copy(equation, environment)
        elif equation.op in _ACCESSES and places == {0}:
            uses.note(equation, depth)
            b.copy(_turned_access(equation), environment)
            if equation.op != "index":
                matrices.add(equation.result)
                turned = b.equations[-1].result
                environment[equation.result] = Var(turned.name, _turned_type(turned))
                b.equations[-1] = b.equations[-1].replace(results=(environment[equation.result],))
        elif equation.op == "loop":
            results = _turn_loop(b, equation, places, environment, uses, depth)
            environment.update(zip(equation.results, results, strict=True))
            first = len(equation.regions) - 1 - 2 - equation["consts"]
            matrices.update(equation.results[first + k] for k in places if k >= 2 + equation["consts"])
        else:
            raise _RefusedError
    found = [environment[v] for v in region.results]
    return b.finish(region.name, found), {k for k, v in enumerate(region.results) if v in matrices}


def _turned_type(matrix: Var) -> ArrayType:
    assert isinstance(matrix.type, ArrayType)
    return matrix.type.with_shape(matrix.type.shape[::-1])


def _turned_access(access: Equation) -> Equation:
    """An access to elements of one column as one to elements of a row."""
    rows, column = access["spec"]
    if isinstance(column, tuple):
        raise _RefusedError
    fixed = 1 if access.op == "index" else 2
    starts = list(access.operands[fixed:])
    if column is None and len(starts) == 2:
        starts.reverse()
    attributes = tuple((name, (column, rows) if name == "spec" else value) for name, value in access.attributes)
    return access.replace(operands=(*access.operands[:fixed], *starts), attributes=attributes)
