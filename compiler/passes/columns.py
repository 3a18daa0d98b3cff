"""Turns matrices around that a loop reads and writes by columns.

    for j in range(m):                      qt = q.T.copy()
        for k in range(j):                  for j in range(m):
            q[:, j] -= r * q[:, k]              for k in range(j):
                                                    qt[j] -= r * qt[k]
                                            q = qt.T.copy()

The elements of a row lie side by side in memory: nothing skips from line to line, LLVM vectorises without gathering, and a row can be read where
it lies. Turning a matrix takes as long as to go through all its columns once. Only loops that do so anyway are changed, where columns are gone
through in loops inside besides, or more than twice as often as matrices have to be turned. Each element is computed as before.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from ..ir import ArrayType, Dim, Equation, Function, Var
from ..ir.integers import Integers
from ..ir.sizes import evaluate, substitute
from ..ops import Builder

_ACCESSES = ("index", "update", "index_add")
_LARGE = 1000  # what sizes are taken for that only the run knows


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
    if not any(e.op == "loop" for e in function.walk()):
        return function
    return _Turning(function, Integers.of(function)).run()


class _Turning:
    """A function or region that is written again with matrices turned around."""

    def __init__(self, function: Function, integers: Integers) -> None:
        self.function, self.integers = function, integers
        self.builder = Builder(function.parameters)
        self.environment = {p: p for p in function.parameters}
        self.definition = {r: e for e in function.equations for r in e.results}
        self.readers: dict[Var, list[Equation]] = defaultdict(list)
        for equation in function.equations:
            for v in equation.operands:
                self.readers[v].append(equation)
        self.turned: dict[Var, Var] = {}  # matrices that are there turned around, too
        self.views: set[Var] = set()  # those of them that are there in no other way

    def run(self) -> Function:
        for equation in self.function.equations:
            self.integers.learn(equation)
            places = self.places(equation) if equation.op == "loop" else frozenset()
            if places:
                self.turn(equation, places)
            elif _is_transpose(equation) and self.environment[equation.operands[0]] in self.turned:
                self.environment[equation.result] = self.turned[self.environment[equation.operands[0]]]
            elif self.is_column_written(equation) and self.environment[equation.operands[0]] in self.views:
                self.leave(equation.result, self.written(equation))
            else:
                self.copy(equation)
        results = tuple(self.environment[v] for v in self.function.results)
        return self.builder.finish(self.function.name, results).replace(guards=self.function.guards)

    def copy(self, equation: Equation) -> None:
        regions = tuple(_Turning(region, self.integers.enter(equation, region)).run() for region in equation.regions)
        self.builder.copy(equation.replace(regions=regions), self.environment)
        if _is_transpose(equation):
            self.turned[self.environment[equation.result]] = self.environment[equation.operands[0]]

    def turn(self, loop: Equation, places: frozenset[int]) -> None:
        """Write a loop with the matrices at some places of its operands turned around."""
        around = dict(self.environment)
        for v in (loop.operands[k] for k in places):
            around[v] = self.around(v)
        results = _turn_loop(self.builder, loop, places, around, _Uses())
        for k, (old, new) in enumerate(zip(loop.results, results, strict=True)):
            self.environment[old] = new
            if k + 2 + loop["consts"] in places:
                self.leave(old, new)

    def leave(self, old: Var, new: Var) -> None:
        """Let a matrix be there turned around; who wants it as it was turns it back."""
        self.environment[old] = self.builder.transpose(new, (1, 0))
        self.turned[self.environment[old]] = new
        self.views.add(self.environment[old])

    def around(self, var: Var) -> Var:
        """A matrix turned around; one that repeats a number, or a column of which was written, is made so."""
        matrix, made = self.environment[var], self.definition.get(var)
        if matrix not in self.turned:
            assert isinstance(matrix.type, ArrayType)
            if made is not None and _repeats_a_number(made):
                return self.builder.broadcast(self.environment[made.operands[0]], (), matrix.type.shape[::-1])
            if made is not None and self.is_column_written(made):
                self.turned[matrix] = self.written(made)
            else:
                self.turned[matrix] = self.builder.transpose(matrix, (1, 0))
        return self.turned[matrix]

    def written(self, equation: Equation) -> Var:
        """A matrix in which part of a column is written, turned around."""
        access = _turned_access(equation)
        operands = (self.around(equation.operands[0]), *(self.environment[v] for v in access.operands[1:]))
        result = self.builder.fresh(_turned_type(equation.result))
        self.builder.append(access.replace(operands=operands, results=(result,)))
        return result

    def is_column_written(self, equation: Equation) -> bool:
        """Whether an equation writes part of a column of a matrix, and nobody else reads what was there before."""
        if equation.op not in ("update", "index_add") or len(equation["spec"]) != 2:
            return False
        (rows, column), base = equation["spec"], equation.operands[0]
        is_column = isinstance(rows, tuple) and not isinstance(column, tuple)
        made = self.definition.get(base)
        return is_column and (len(self.readers[base]) == 1 or (made is not None and _repeats_a_number(made)))

    # which matrices

    def places(self, loop: Equation) -> frozenset[int]:
        """The operands of a loop that are to be turned around."""
        (body, *test), step = loop.regions, loop["step"]
        start, stop = (self.integers.of_var(v) for v in loop.operands[:2])
        if test or abs(step) != 1:
            return frozenset()
        found: dict[int, _Uses] = {}
        for k, parameter in enumerate(body.parameters[1:], 2):
            if _is_matrix(parameter) and _is_most(step * (stop - start), self.known(parameter.type.shape[1])):  # type: ignore[union-attr]
                uses = _uses(loop, k)
                if uses is not None:
                    found[k] = uses
        shapes = {k: body.parameters[k - 1].type.shape for k in found}  # type: ignore[union-attr]
        through = {shapes[k] for k, uses in found.items() if uses.columns and uses.columns_inside}
        inside = frozenset(k for k, uses in found.items() if uses.columns_inside and shapes[k] in through)
        often = frozenset(k for k, uses in found.items() if uses.columns and not uses.columns_inside)
        turns = sum(self.turns_before(loop.operands[k]) + self.turns_after(loop, k) for k in often)
        return inside | (often if 2 * turns < sum(found[k].columns for k in often) else frozenset())

    def known(self, dim: Dim) -> Dim:
        """A size in the terms in which limits of loops are known."""
        return substitute(dim, self.integers.bound)

    def turns_before(self, var: Var) -> int:
        """How often memory must be gone through to have a matrix turned around."""
        made = self.definition.get(var)
        if self.environment[var] in self.turned or (made is not None and _repeats_a_number(made)):
            return 0
        return self.turns_before(made.operands[0]) if made is not None and self.is_column_written(made) else 1

    def turns_after(self, loop: Equation, place: int) -> int:
        """How often memory must be gone through to have what a loop leaves as it is expected."""
        number = place - 2 - loop["consts"]
        if number < 0:
            return 0
        return int(not self.is_read_turned(loop.results[number]))

    def is_read_turned(self, matrix: Var) -> bool:
        """Whether all that read a matrix read it as well if it is turned around."""
        return matrix not in self.function.results and all(self.reads_turned(e, matrix) for e in self.readers[matrix])

    def reads_turned(self, reader: Equation, matrix: Var) -> bool:
        if reader.op == "loop":
            uses = [_uses(reader, k) for k, v in enumerate(reader.operands) if v == matrix]
            return all(found is not None and found.columns > 0 for found in uses)
        if self.is_column_written(reader):
            return self.is_read_turned(reader.result)
        return reader.op == "index" or _is_transpose(reader)


def _is_most(part: Dim, whole: Dim) -> bool:
    """Whether a part of an axis is likely to be about all of it."""
    sizes: Mapping[str, int] = defaultdict(lambda: _LARGE)
    p, w = (evaluate(dim, sizes) for dim in (part, whole))
    return 9 * w <= 10 * p <= 10 * w


def _is_matrix(var: Var) -> bool:
    return isinstance(var.type, ArrayType) and var.type.rank == 2


def _is_transpose(equation: Equation) -> bool:
    return equation.op == "transpose" and equation["axes"] == (1, 0)


def _repeats_a_number(equation: Equation) -> bool:
    return equation.op == "broadcast" and not equation["axes"]


@dataclass(slots=True)
class _Uses:
    """What a loop does with a matrix: how many of its columns, or most of them, each iteration goes through, and whether loops inside do."""

    columns: int = 0
    columns_inside: bool = False

    def note(self, access: Equation, depth: int) -> None:
        rows = access["spec"][0]
        if isinstance(rows, tuple):
            self.columns += depth == 1 and _is_most(rows[1], access.operands[0].type.shape[0])  # type: ignore[union-attr]
            self.columns_inside |= depth > 1


def _uses(loop: Equation, place: int) -> _Uses | None:
    """What a loop does with the matrix at a place of its operands; None if it goes through more than columns and elements of it."""
    uses = _Uses()
    try:
        _turn_loop(Builder(loop.operands), loop, frozenset((place,)), {v: v for v in loop.operands}, uses)
    except _RefusedError:
        return None
    return uses


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
