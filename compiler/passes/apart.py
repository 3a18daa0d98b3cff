"""Whether iterations of a loop keep apart: what one of them writes, no other reads or writes.

In: a loop with loops inside. Out: whether its iterations may go through those loops together and give the same numbers as before, and whether that
is likely to be quicker: where a sum waits for its own last term, or where the loops inside go through memory in large steps.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..ir import ArrayType, Dim, Equation, Function, Size, StackType, Var
from ..ir.integers import Integers
from ..ir.sizes import Atom, product, substitute, symbol, symbols
from ..ops import OPS

_NEAR = 4  # elements so far apart at most come from memory together
_STEADY = frozenset(("add", "sub", "mul", "neg", "floor_divide", "maximum", "minimum", "select"))


def limits_inside(loop: Equation, integers: Integers, most: int) -> list[Var] | None:
    """The limits of loops inside that depend on the iteration: those may go together that agree in them. None if no two may.

    Up to ``most`` are to go together; ``integers`` are those around the loop.
    """
    body, *test = loop.regions
    if test or abs(loop["step"]) != 1 or not any(e.op == "loop" for e in body.equations):
        return None
    start, stop = (integers.of_var(v) for v in loop.operands[:2])
    carried = body.parameters[1 + loop["consts"] :]
    study = _Study(integers.enter(loop, body), (stop - start if loop["step"] > 0 else start - stop, most), carried)
    outer = _Region(study, study.integers, {p: p for p in body.parameters if _is_array(p)}, {body.parameters[0]}, None)
    try:
        outer.look(body)
        _require(study.gains)
        _require_order(body, carried, outer.roots)
        study.require_apart()
    except _RefusedError:
        return None
    return study.limits


@dataclass(frozen=True, slots=True)
class _Access:
    """An element that is read or written: of which parameter of the outer body, where, and after how many loops, or in one."""

    array: Var
    positions: tuple[Dim, ...]
    writes: bool
    place: int
    is_inside: bool


class _RefusedError(Exception):
    """The iterations are not known to keep apart, or there is no use in it."""


def _require(condition: bool) -> None:
    if not condition:
        raise _RefusedError


def _is_array(var: Var) -> bool:
    return isinstance(var.type, ArrayType) and bool(var.type.shape)


def _is_scalar(var: Var) -> bool:
    return isinstance(var.type, ArrayType) and not var.type.shape


def _is_float(var: Var) -> bool:
    return isinstance(var.type, ArrayType) and var.type.is_float


class _Study:
    """What is found in the regions of a nest."""

    def __init__(self, integers: Integers, distances: tuple[Dim, ...], carried: Sequence[Var]) -> None:
        self.integers = integers
        self.lane = integers.iteration  # the symbol that counts the iterations
        self.first = integers.unknown()  # symbols with larger numbers may differ from one iteration to the next, or during one
        self.distances = distances  # iterations that go together are less than each of these apart
        self.accesses: list[_Access] = []
        self.limits: list[Var] = []
        self.gains = False
        self.carried = carried

    def is_same(self, name: str) -> bool:
        """Whether a symbol is the same everywhere in the nest."""
        return name != self.lane and (not name.startswith("#") or int(name[1:]) < int(str(self.first)[1:]))

    def require_apart(self) -> None:
        """Give up unless iterations keep apart in all arrays that are written, but not all at one place, in order."""
        for array in {access.array for access in self.accesses if access.writes}:
            found = [access for access in self.accesses if access.array == array]
            if any(access.is_inside for access in found) or len({access.place for access in found}) > 1:
                _require(all(self.are_apart(x, y) for x in found if x.writes for y in found))

    def are_apart(self, x: _Access, y: _Access) -> bool:
        """Whether two elements of an array are never the same one in different iterations."""
        return any(self.differ(p, q) for p, q in zip(x.positions, y.positions, strict=True))

    def differ(self, p: Dim, q: Dim) -> bool:
        """Whether positions along an axis are never the same in different iterations i and j, for p = i + a and q = j + b,
        perhaps plus some multiples of a step."""
        x, y = self.split(p), self.split(q)
        if x is None or y is None or x[:2] != y[:2]:
            return False
        step, gap, is_natural = x[1], x[2] - y[2], self.integers.is_natural
        for distance in self.distances:
            if gap == 0 and (step == 0 or is_natural(step - distance)):
                return True
            for size in (gap, -gap):
                if is_natural(size - distance) and (step == 0 or is_natural(step - size - distance)):
                    return True
        return False

    def split(self, position: Dim) -> tuple[int, Dim, Dim] | None:
        """How a position grows from one iteration to the next (by 1 or -1), the step whose multiples it may contain, and the rest."""
        growth, steps, rest = 0, set(), _sum(())
        for monomial, c in position.terms if isinstance(position, Size) else ():
            if monomial == (self.lane,):
                growth = c
                continue
            same = [atom for atom in monomial if all(map(self.is_same, symbols(_dim(atom))))]
            term = product(tuple(map(_dim, same))) * c
            if len(same) == len(monomial):
                rest = rest + term
            else:
                steps.add(term)
                _require(self.lane not in monomial)
        if abs(growth) != 1 or len(steps) > 1:
            return None
        return growth, steps.pop() if steps else 0, rest


class _Region:
    """A region of a nest: the outer body, or that of a loop inside."""

    def __init__(
        self, study: _Study, integers: Integers, roots: dict[Var, Var], varying: set[Var], loop: Equation | None
    ) -> None:
        self.study, self.integers, self.loop = study, integers, loop
        self.roots = roots  # which arrays are which parameters of the outer body, written to or not
        self.latest = {root: var for var, root in roots.items()}
        self.varying = varying  # what may differ from one iteration of the outer loop to the next
        self.steady = set(varying) if loop is None else set()  # what only grows from one to the next, or only falls
        self.symbols: set[str] = set()  # which of sizes do so
        self.raw: dict[Var, Var] = {}  # positions before they were counted from the start

    def look(self, function: Function, place: int = 0) -> None:
        """Look at all equations in order."""
        for equation in function.equations:
            self.integers.learn(equation)
            varies = not self.varying.isdisjoint(equation.operands)
            match equation.op:
                case "loop":
                    self.enter(equation, place)
                    place += self.loop is None
                    varies = True
                case "index" | "update" | "index_add":
                    varies = self.access(equation, place) or varies
                case "push" | "pop":
                    _require(self.loop is None)
                    varies = True
                case "bind_size" if varies:
                    _require(equation.operands[0] in self.steady)
                    self.symbols.add(equation["symbol"])
                case "size" if not self.symbols.isdisjoint(equation.symbols()):
                    terms = equation["value"].terms
                    _require(sum(not self.symbols.isdisjoint(monomial) for monomial, _ in terms) == 1)
                    _require(all(len(monomial) < 2 and all(isinstance(a, str) for a in monomial) for monomial, _ in terms))
                    self.steady.add(equation.result)
                    varies = True
                case _:
                    self.compute(equation)
            if varies:
                self.varying.update(equation.results)

    def compute(self, equation: Equation) -> None:
        """Equations on scalars are fine, unless they do something besides."""
        op, operands = equation.op, equation.operands
        _require(all(map(_is_scalar, (*operands, *equation.results))))
        _require(not equation.regions and not OPS[op].effect and self.symbols.isdisjoint(equation.symbols()))
        if op == "wrap_index":
            self.raw[equation.result] = operands[0]
        elif op == "select" and self.integers.negative.get(operands[0]) == operands[2]:
            self.raw[equation.result] = operands[2]
        changing = [v for v in operands if v in self.varying]
        if op in _STEADY and self.steady.issuperset(changing):
            if (op == "select" and changing[:1] != operands[:1]) or (
                len(changing) == 1 and (op != "floor_divide" or changing[0] == operands[0] != operands[1])
            ):
                self.steady.add(equation.result)

    def access(self, equation: Equation, place: int) -> bool:
        """An element of an array is read or written. Whether it is of one that is written to."""
        array, *rest = equation.operands
        starts = iter(rest if equation.op == "index" else rest[1:])
        _require(array in self.roots and self.latest[self.roots[array]] == array)
        _require(all(map(_is_scalar, rest)) and not any(map(_is_array, equation.results if equation.op == "index" else ())))
        chosen = [entry if entry is not None else next(starts) for entry in equation["spec"]]
        _require(not any(isinstance(entry, tuple) for entry in chosen))
        if self.loop is not None:
            self.weigh(chosen)
        root, writes = self.roots[array], equation.op != "index"
        positions = tuple(map(self.position, chosen))
        self.study.accesses.append(_Access(root, positions, writes, place, self.loop is not None))
        if writes:
            self.roots[equation.result] = root
            self.latest[root] = equation.result
        return root in self.study.carried

    def position(self, entry: Var | Dim) -> Dim:
        """What is known of a position."""
        return self.integers.of_var(entry) if isinstance(entry, Var) else substitute(entry, self.integers.bound)

    def weigh(self, chosen: Sequence[Var | Dim]) -> None:
        """Give up if the iterations of the outer loop go through an array in large steps; it is well if those of the inner one do."""
        for axis, entry in enumerate(chosen, 1 - len(chosen)):
            position = self.position(self.raw.get(entry, entry) if isinstance(entry, Var) else entry)
            outer, inner = _growth(position, self.study.lane), _growth(position, self.integers.iteration)
            if outer is None or (outer == 0 and entry in self.varying) or (outer != 0 and axis < 0):
                raise _RefusedError
            _require(all(map(self.study.is_same, symbols(outer))) if isinstance(outer, Size) else abs(outer) <= _NEAR)
            self.study.gains |= inner not in ((0, 1, -1) if axis == 0 else (0,))

    def enter(self, loop: Equation, place: int) -> None:
        """A loop inside."""
        (body, *test), consts = loop.regions, loop["consts"]
        _require(not test and not any(isinstance(v.type, StackType) for v in loop.operands))
        for limit in loop.operands[:2]:
            if limit in self.varying:
                _require(limit in self.steady and _growth(self.integers.of_var(limit), self.study.lane) == 0)
                self.study.limits.append(limit)
        given = list(zip(body.parameters[1:], loop.operands[2:], strict=True))
        arrays = [(p, v) for p, v in given if _is_array(p)]
        _require(all(v in self.roots and self.latest[self.roots[v]] == v for _, v in arrays))
        roots = {p: self.roots[v] for p, v in arrays}
        carried = [p for p in body.parameters[1 + consts :] if _is_scalar(p)]
        varying = {p for p, v in given[:consts] if v in self.varying}
        inner = _Region(self.study, self.integers.enter(loop, body), roots, varying.union(carried), loop)
        inner.look(body, place)
        self.study.gains |= any(_is_float(p) for p in carried) and not any(e.op == "loop" for e in body.equations)
        for p, v, inside, after in zip(
            body.parameters[1 + consts :], loop.operands[2 + consts :], body.results, loop.results, strict=True
        ):
            if _is_array(p):
                _require(inner.roots[p] == inner.roots.get(inside))
                self.roots[after] = self.roots[v]
                self.latest[self.roots[v]] = after


def _growth(position: Dim, name: str) -> Dim | None:
    """By how much a position grows where a symbol grows by 1; None where that changes."""
    if not isinstance(position, Size):
        return 0
    terms = [(monomial, c) for monomial, c in position.terms if name in symbols(product(tuple(map(_dim, monomial))))]
    if any(monomial.count(name) != 1 or any(name in symbols(_dim(a)) for a in monomial if a != name) for monomial, _ in terms):
        return None
    return _sum(product(tuple(_dim(a) for a in monomial if a != name)) * c for monomial, c in terms)


def _dim(atom: Atom) -> Dim:
    return symbol(atom) if isinstance(atom, str) else Size((((atom,), 1),))


def _sum(dims: Iterable[Dim]) -> Dim:
    total: Dim = 0
    for dim in dims:
        total = total + dim
    return total


def _require_order(body: Function, carried: Sequence[Var], roots: dict[Var, Var]) -> None:
    """Give up unless what waits for the iteration before, other than elements of arrays, is done at one place, between two loops."""
    places, place = [], 0
    for equation in body.equations:
        places.append(place)
        place += equation.op == "loop"
    for parameter, result in zip(carried, body.results, strict=True):
        if _is_array(parameter):
            _require(roots.get(result) == parameter)
            continue
        found, current = set(), parameter
        for equation, place in zip(body.equations, places, strict=True):
            if parameter in equation.operands or current in equation.operands or result in equation.results:
                _require(equation.op != "loop")
                found.add(place)
            if current in equation.operands and isinstance(current.type, StackType):
                current = equation.results[0]
        _require(len(found) == 1 and (current == result or not isinstance(current.type, StackType)))
        _require(any(result in equation.results for equation in body.equations))
