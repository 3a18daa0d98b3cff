"""Equations written again for a block of elements.

In: equations, and the size of the axis that is cut into blocks. Out: the body of a loop over the blocks. Each value is of a kind that says
what a block has of it; what fits no kind is refused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from enum import Enum, auto

from ..ir import ArrayType, Dim, Equation, Function, StackType, Var
from ..ir.sizes import product
from ..ops import OPS, Builder

_MOVES = frozenset(("convert", "copy", "stop_gradient", "broadcast", "transpose"))
_VIEWS = frozenset(("constant", "broadcast", "index"))  # arrays that are no work to have again in each block
_SMALL = frozenset(("size", "wrap_index", "bind_size", *_MOVES, *_VIEWS))


class RefusedError(Exception):
    """Something cannot be done block by block."""


def require(condition: bool) -> None:
    """Give up unless a condition holds."""
    if not condition:
        raise RefusedError


class Kind(Enum):
    """What a block has of a value."""

    SAME = auto()  # all of it, as every other block has
    WIDE = auto()  # its own elements
    PART = auto()  # its part of a sum: the parts of all blocks must be added before anything else is done
    TOTAL = auto()  # a sum that goes on from block to block, to which more may be added


class _Scope:
    """Equations written again for the elements of a block."""

    def __init__(self, builder: Builder, dim: Dim, lanes: Dim) -> None:
        self.b, self.dim, self.lanes = builder, dim, lanes
        self.values: dict[Var, Var] = {}
        self.kinds: dict[Var, Kind] = {}
        self.zeros: set[Var] = set()
        self.roots: dict[Var, Var] = {}  # what totals were at first
        self.uses: Counter[Var] = Counter()

    def is_wide(self, var: Var) -> bool:
        """Whether an axis of an array is cut into blocks."""
        if not isinstance(var.type, ArrayType):
            return False
        require(var.type.shape.count(self.dim) <= 1)
        return self.dim in var.type.shape

    def cut(self, shape: Sequence[Dim]) -> tuple[Dim, ...]:
        """The shape of a block."""
        return tuple(self.lanes if dim == self.dim else dim for dim in shape)

    def block_type(self, var: Var) -> ArrayType | StackType:
        """The type of a block of an array."""
        return var.type.with_shape(self.cut(var.type.shape)) if isinstance(var.type, ArrayType) else var.type

    def set(self, var: Var, value: Var, kind: Kind, root: Var | None = None) -> None:
        """Remember what stands for a variable."""
        self.values[var], self.kinds[var] = value, kind
        if kind is Kind.TOTAL:
            assert root is not None
            self.roots[var] = root

    def count_uses(self, equations: Sequence[Equation], results: Iterable[Var]) -> None:
        """What a total was before something was added is not read any more; to see to that, count who reads what."""
        self.uses.update(v for e in equations for v in e.operands)
        self.uses.update(results)

    def run(self, e: Equation) -> None:
        """Write an equation for the block."""
        self.b.source, self.b.hint = e.source, e.hint
        operands, kinds = [self.values[v] for v in e.operands], {self.kinds[v] for v in e.operands}
        for v in e.operands:
            require(self.kinds[v] is not Kind.TOTAL or self.uses[v] == 1)
        match e.op:
            case "loop":
                self.loop(e, operands)
            case "cond":
                self.cond(e, operands)
            case "stack_new":
                self.set(e.result, self.b.emit("stack_new", dtype=e["dtype"], capacity=None), Kind.SAME)
            case "push" if kinds <= {Kind.SAME, Kind.WIDE}:
                self.set(e.result, self.b.emit("push", *operands), Kind.SAME)
            case "pop":
                rest, value = self.b.emit("pop", *operands, shape=self.cut(e["shape"]))
                self.set(e.results[0], rest, Kind.SAME)
                self.set(e.results[1], value, Kind.WIDE if self.is_wide(e.results[1]) else Kind.SAME)
            case _ if kinds <= {Kind.SAME}:
                self.same(e, operands)
            case _ if kinds <= {Kind.SAME, Kind.WIDE}:
                self.elements(e, operands)
            case _:
                self.sums(e, operands)

    def same(self, e: Equation, operands: Sequence[Var]) -> None:
        """What no element of an array goes into."""
        attributes = dict(e.attributes)
        if any(map(self.is_wide, e.results)):
            require(e.op == "broadcast")
            self.set(e.result, self.b.broadcast(operands[0], e["axes"], self.cut(e["shape"])), Kind.WIDE)
        else:
            is_array = any(isinstance(r.type, ArrayType) and r.type.shape for r in e.results)
            require(e.op in _VIEWS if is_array else e.op in _SMALL or OPS[e.op].elementwise)
            found = self.b.emit(e.op, *operands, **attributes)
            for result in e.results:
                self.set(result, found, Kind.SAME)
        if (e.op == "constant" and e["value"] == 0) or (e.op == "broadcast" and self.zeros.issuperset(e.operands)):
            self.zeros.update(e.results)

    def elements(self, e: Equation, operands: Sequence[Var]) -> None:
        """What each element goes its own way through, and sums over all of them."""
        attributes = dict(e.attributes)
        match e.op:
            case "broadcast" | "reshape" | "assume_shape":
                require(e.op == "broadcast" or (self.is_wide(e.result) and self.before(e.result) == self.before(e.operands[0])))
                attributes["shape"] = self.cut(e["shape"])
            case "concatenate":
                require(e.result.type.shape[e["axis"]] != self.dim)  # type: ignore[union-attr]
                require(all(v.type.shape[e["axis"]] != self.dim for v in e.operands))  # type: ignore[union-attr]
            case "index" | "update" | "index_add":
                require(self.is_wide(e.operands[0]))
                axis = self.axis(e.operands[0])
                require(e["spec"][axis] == (0, self.dim, 1))
                attributes["spec"] = tuple((0, self.lanes, 1) if k == axis else entry for k, entry in enumerate(e["spec"]))
            case op:
                require(op == "sum" or op in _MOVES or OPS[op].elementwise)
        kind = Kind.WIDE if self.is_wide(e.result) else Kind.PART
        require(kind is Kind.WIDE or e.op == "sum")
        self.set(e.result, self.b.emit(e.op, *operands, **attributes), kind)

    def axis(self, var: Var) -> int:
        """The axis that is cut into blocks."""
        return var.type.shape.index(self.dim)  # type: ignore[union-attr]

    def before(self, var: Var) -> Dim:
        """How many elements the axes before that one have."""
        return product(var.type.shape[: self.axis(var)])  # type: ignore[union-attr]

    def sums(self, e: Equation, operands: Sequence[Var]) -> None:
        """What may be done to parts of sums: everything else must wait for the last block."""
        kinds = [self.kinds[v] for v in e.operands]
        match e.op, *kinds:
            case ("neg", Kind.PART) | ("add" | "sub", Kind.PART, Kind.PART):
                root = None
            case ("add" | "sub", Kind.TOTAL, Kind.PART) | ("index_add", Kind.TOTAL, Kind.PART, *_):
                root = self.roots[e.operands[0]]
                require(set(kinds[2:]) <= {Kind.SAME})
            case "add", Kind.PART, Kind.TOTAL:
                root = self.roots[e.operands[1]]
            case _:
                raise RefusedError
        kind = Kind.PART if root is None else Kind.TOTAL
        self.set(e.result, self.b.emit(e.op, *operands, **dict(e.attributes)), kind, root)

    def total(self, start: Var) -> tuple[Var, Var | None]:
        """Where a sum starts in this block, and what it was at first; None if it is only the block's part of it."""
        if self.kinds[start] is Kind.TOTAL:
            return self.values[start], self.roots[start]
        require(start in self.zeros or self.kinds[start] is Kind.PART)
        return self.values[start], None

    def loop(self, e: Equation, operands: list[Var]) -> None:
        """A loop that all elements go through together."""
        body, *test = e.regions
        split = 2 + e["consts"]
        require(any(map(self.is_wide, (r for inner in body.walk() for r in inner.results))))
        sums = _sums(e, [self.is_wide(v) or self.kinds[v] is not Kind.SAME for v in e.operands], self.is_wide)
        require(self.kinds[e.operands[0]] is self.kinds[e.operands[1]] is Kind.SAME)
        kinds = [Kind.SAME, *(self.kinds[v] for v in e.operands[2:split])]
        roots: list[Var | None] = []
        for k, (v, is_sum) in enumerate(zip(e.operands[split:], sums, strict=True), split):
            kind, root = self.kinds[v], None
            if is_sum and not self.is_wide(v):
                operands[k], root = self.total(v)
                kind = Kind.TOTAL
            kinds.append(kind)
            roots.append(root)
        require(Kind.PART not in kinds and Kind.TOTAL not in kinds[: split - 1])
        regions: list[Function] = []
        for region in e.regions:
            scope = self.region(region, kinds)
            for inner in region.equations:
                scope.run(inner)
            ends = [scope.kinds[v] for v in region.results]
            require(ends == ([Kind.SAME] if regions else kinds[split - 1 :]))
            for p, v in zip(region.parameters[split - 1 :], region.results, strict=not regions):
                require(bool(regions) or scope.kinds[v] is not Kind.TOTAL or scope.roots[v] == p)
            regions.append(scope.b.finish(region.name, [scope.values[v] for v in region.results]))
        found = self.b.emit("loop", *operands, regions=regions, **dict(e.attributes))
        values = list(found) if isinstance(found, tuple) else [found]
        if test:
            self.set(e.results[0], values.pop(0), Kind.SAME)
        for result, value, kind, root in zip(e.results[len(test) :], values, kinds[split - 1 :], roots, strict=True):
            self.set(result, value, Kind.PART if kind is Kind.TOTAL and root is None else kind, root)

    def cond(self, e: Equation, operands: list[Var]) -> None:
        """A branch that all elements take together."""
        require(self.kinds[e.operands[0]] is Kind.SAME)
        scopes = []
        for region in e.regions:
            scope = self.region(region, [self.kinds[v] for v in e.operands[1:]])
            for inner in region.equations:
                scope.run(inner)
            scopes.append(scope)
        found = self.b.emit(
            "cond", *operands,
            regions=[s.b.finish(r.name, [s.values[v] for v in r.results]) for s, r in zip(scopes, e.regions, strict=True)],
        )  # fmt: skip
        values = found if isinstance(found, tuple) else (found,)
        for result, value, *ends in zip(e.results, values, *(r.results for r in e.regions), strict=True):
            kinds = {s.kinds[v] for s, v in zip(scopes, ends, strict=True) if v not in s.zeros or self.is_wide(v)} or {
                Kind.SAME
            }
            require(len(kinds) == 1)
            (kind,) = kinds
            root = None
            if kind is Kind.TOTAL:
                places = {
                    r.parameters.index(s.roots[v]) for s, r, v in zip(scopes, e.regions, ends, strict=True) if v in s.roots
                }
                require(len(places) == 1 and all(v in s.roots for s, v in zip(scopes, ends, strict=True)))
                root = self.roots[e.operands[1 + places.pop()]]
            require(kind is not Kind.SAME or not self.is_wide(result))
            self.set(result, value, kind, root)

    def region(self, function: Function, kinds: Sequence[Kind]) -> _Scope:
        """A scope for a region whose parameters are of these kinds."""
        scope = _Scope(Builder(), self.dim, self.lanes)
        for p, kind in zip(function.parameters, kinds, strict=True):
            scope.set(p, scope.b.parameter(p.name, scope.block_type(p)), kind, p)
        scope.count_uses(function.equations, function.results)
        return scope


class Block(_Scope):
    """The body of the loop over the blocks."""

    def __init__(self, builder: Builder, dim: Dim, lanes: Dim, first: Var) -> None:
        super().__init__(builder, dim, lanes)
        self.first = first
        self.constants: list[Var] = []
        self.totals: dict[Var, Var] = {}  # what sums start with, and have started with in the first block
        self.latest: dict[Var, Var] = {}  # what has become of them
        self.starts: list[Var | ArrayType] = []  # of what is carried: values from outside, or zeros of a type
        self.results: list[Var] = []

    def spec(self, var: Var) -> tuple:
        """Where the block's elements are in an array."""
        return tuple((None, self.lanes, 1) if dim == self.dim else (0, dim, 1) for dim in var.type.shape)  # type: ignore[union-attr]

    def give(self, var: Var) -> None:
        """Take a value from outside. What was pushed outside must be popped in its order."""
        require(not isinstance(var.type, StackType))
        self.constants.append(var)
        value = self.b.parameter(var.name.replace("%", "v"), var.type)
        if self.is_wide(var):
            self.set(var, self.b.index(value, self.spec(var), self.first), Kind.WIDE)
        else:
            self.set(var, value, Kind.SAME)

    def set(self, var: Var, value: Var, kind: Kind, root: Var | None = None) -> None:
        super().set(var, value, kind, root)
        if root is not None:
            self.latest[root] = var

    def total(self, start: Var) -> tuple[Var, Var | None]:
        """A sum that starts with something from outside goes on from block to block; of a number, each block makes a sum of its own."""
        if start not in self.constants:
            return super().total(start)
        value = self.b.zeros_like(start) if _is_number(start) else self.b.parameter("total", start.type)
        self.totals[value] = start
        return value, value

    def export(self, variables: Sequence[Var]) -> list[Var]:
        """Make results of totals and of what is read outside; returns what they stand for. What stands for the same is to be added."""
        order = []
        for value, start in sorted(self.totals.items(), key=lambda item: _is_number(item[1])):  # in the order of the parameters
            total = self.latest[value]
            sums = [self.values[total]]
            if _is_number(start):
                sums = self.added(sums[0])
            self.starts += [start, start.type][: len(sums)]  # type: ignore[arg-type]
            self.results += sums
            order += [total] * len(sums)
        for v in variables:
            if v not in order:
                order.append(v)
                self.starts.append(v.type)  # type: ignore[arg-type]
                self.results.append(self.joined(v))
        return order

    def added(self, part: Var) -> list[Var]:
        """A running total and what rounding has lost of it, with a block's part (Knuth, volume 2, section 4.2.2, theorem B)."""
        total, lost = self.b.parameter("total", part.type), self.b.parameter("lost", part.type)
        after = self.b.add(total, part)
        used = self.b.sub(after, total)
        error = self.b.add(self.b.sub(total, self.b.sub(after, used)), self.b.sub(part, used))
        error = self.b.select(self.b.emit("isfinite", after), error, self.b.zeros_like(error))
        return [after, self.b.add(lost, error)]

    def joined(self, var: Var) -> Var:
        """What all blocks have of a value, in an array with the elements of this block in their places."""
        require(isinstance(var.type, ArrayType) and self.kinds[var] in (Kind.SAME, Kind.WIDE))
        old = self.b.parameter("result", var.type)
        if self.kinds[var] is Kind.SAME:
            return self.values[var]
        return self.b.emit("update", old, self.values[var], self.first, spec=self.spec(var))  # type: ignore[no-any-return]

    def finish(self) -> Function:
        """The body, as a function."""
        return self.b.finish("block", self.results)


def _is_number(var: Var) -> bool:
    return isinstance(var.type, ArrayType) and var.type.is_float and not var.type.shape


def _sums(loop: Equation, joined: Sequence[bool], is_wide: Callable[[Var], bool]) -> list[bool]:
    """Which carried values of a loop elements go into, given its operands that they have gone into."""
    body, *_ = loop.regions
    constants, carried = list(joined[2 : 2 + loop["consts"]]), list(joined[2 + loop["consts"] :])
    while True:
        results = _joined(body, [False, *constants, *carried], is_wide)
        grown = [a or b for a, b in zip(carried, results, strict=True)]
        if grown == carried:
            return carried
        carried = grown


def _joined(function: Function, joined: Sequence[bool], is_wide: Callable[[Var], bool]) -> list[bool]:
    """Which results elements of arrays go into, given the parameters that they have gone into. What is popped was saved as it is."""
    found = {p for p, flag in zip(function.parameters, joined, strict=True) if flag}
    for e in function.equations:
        flags = [v in found for v in e.operands]
        if e.op == "loop":
            results = [False] * (len(e.regions) - 1) + _sums(e, flags, is_wide)
        elif e.op == "cond":
            results = [any(pair) for pair in zip(*(_joined(r, flags[1:], is_wide) for r in e.regions), strict=True)]
        else:
            results = [any(flags)] * len(e.results)
        found.update(r for r, flag in zip(e.results, results, strict=True) if flag and not isinstance(r.type, StackType))
        found.update(filter(is_wide, e.results))
    return [v in found for v in function.results]
