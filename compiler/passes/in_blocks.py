"""Runs loops over arrays block by block, forward and backward together, where elements do not wait for each other.

Many steps of Newton's method for each element of a long array, say: the forward loop saves arrays in every iteration, and by the time the
backward loop reads them they have left the caches. Here both loops run for ``BLOCK`` elements, then for the next ones: what is saved is
read while it is near, and its memory is used again. Each element is computed as before. What the backward loop sums over all elements
goes on from block to block.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import Enum, auto
from itertools import count

from ..ir import ArrayType, Dim, Equation, Function, StackType, Var, symbol
from ..ir.sizes import product, symbols
from ..ir.types import I64
from ..ops import OPS, Builder
from .dce import has_effect

BLOCK = 512  # elements: long enough for the widest vectors, short enough to keep what a hundred iterations save
_MOVES = frozenset(("convert", "copy", "stop_gradient", "broadcast", "transpose"))
_VIEWS = frozenset(("constant", "broadcast", "index"))  # arrays that are no work to have again in each block
_SMALL = frozenset(("size", "wrap_index", "bind_size", *_MOVES, *_VIEWS))


def run_in_blocks(function: Function) -> Function:
    """Go through arrays in blocks where a loop saves them for a backward loop, and nothing but sums joins their elements.

    %1: f64[n], %2: stack<f64> = loop ... x %0          %0: f64[n] = loop 0 max(n, 1) x ct zeros {step=512, consts=2}
      (fn body(i, x, saved) -> ...)                       (fn block(first, x, ct, ct_x) -> (f64[n]) {
    %3: f64[n], %4: stack<f64> = loop ... ct %2             bind_size min(n - first, 512) {symbol='block'}
      (fn body_backward(i, ct_x, saved) -> ...)             %1: f64[block] = index x first
                                                            %2: f64[block] = index ct first
                                                            %3: f64[block], %4: stack<f64> = loop ... %1 %0
                                                            %5: f64[block], %6: stack<f64> = loop ... %2 %4
                                                            %7: f64[n] = update ct_x %5 first
                                                            return %7
                                                          })
    """
    if not any(e.op == "push" for e in function.walk()):
        return function
    return _inside(function, set(function.symbols()), set())


def _inside(function: Function, taken: set[str], blocks: set[str]) -> Function:
    """``taken`` are the symbols in use, ``blocks`` those of blocks."""
    name = next(name for k in count(1) if (name := f"block_{k}" if k > 1 else "block") not in taken)
    for candidate in (function, _sums_apart(function)):
        for group in _groups(candidate):
            for dim in _dims([candidate.equations[k] for k in group]):
                if symbols(dim).isdisjoint(blocks):
                    try:
                        changed = _in_blocks(candidate, group, dim, name)
                    except _RefusedError:
                        continue
                    return _inside(changed, taken | {name}, blocks | {name})
    equations = tuple(
        e.replace(regions=tuple(_inside(region, taken, blocks) for region in e.regions)) if e.regions else e
        for e in function.equations
    )
    return function.replace(equations=equations)


class _RefusedError(Exception):
    """Something cannot be done block by block."""


def _require(condition: bool) -> None:
    if not condition:
        raise _RefusedError


# what must go through the blocks together


def _groups(function: Function) -> list[list[int]]:
    """Equations that share stacks, with all between them, by their places; larger groups first."""
    sharing = _sharing_stacks(function)
    before = _dependences(function)
    found = []
    for group in sharing:
        inside = set(group)
        while True:
            inside |= _between(inside, before)
            more = set().union(*(other for other in sharing if not inside.isdisjoint(other)))
            if more <= inside:
                break
            inside |= more
        if sorted(inside) not in found:
            found.append(sorted(inside))
    return sorted(found, key=len, reverse=True)


def _sharing_stacks(function: Function) -> list[set[int]]:
    groups: list[tuple[set[Var], set[int]]] = []
    for place, e in enumerate(function.equations):
        stacks = {v for v in (*e.operands, *e.results) if isinstance(v.type, StackType)}
        if stacks:
            joined = [group for group in groups if not stacks.isdisjoint(group[0])]
            groups = [group for group in groups if stacks.isdisjoint(group[0])]
            groups.append((stacks.union(*(s for s, _ in joined)), {place}.union(*(places for _, places in joined))))
    return [places for _, places in groups]


def _dependences(function: Function) -> list[set[int]]:
    """For each equation the places of those that it needs directly; sizes count."""
    makers = {r: place for place, e in enumerate(function.equations) for r in e.results}
    binders = {e["symbol"]: place for place, e in enumerate(function.equations) if e.op == "bind_size"}
    return [
        {makers[v] for v in e.operands if v in makers}
        | {binders[name] for name in e.symbols() if binders.get(name, place) < place}
        for place, e in enumerate(function.equations)
    ]


def _between(group: set[int], before: Sequence[set[int]]) -> set[int]:
    """What needs something of a group and is needed by something of it."""
    needed, pending = set(group), list(group)
    while pending:
        more = before[pending.pop()] - needed
        needed |= more
        pending += more
    return needed & _after(group, before)


def _after(group: set[int], before: Sequence[set[int]]) -> set[int]:
    """A group and what needs something of it."""
    after = set(group)
    for place, needed in enumerate(before):
        if not after.isdisjoint(needed):
            after.add(place)
    return after


def _dims(equations: Sequence[Equation]) -> Iterator[Dim]:
    """The sizes of what is saved that are known before."""
    inner = [e for equation in equations for e in equation.walk()]
    bound = {e["symbol"] for e in inner if e.op == "bind_size"}
    dims = dict.fromkeys(dim for e in inner if e.op == "push" for dim in e.operands[1].type.shape)  # type: ignore[union-attr]
    return (dim for dim in dims if (not isinstance(dim, int) or dim > BLOCK) and bound.isdisjoint(symbols(dim)))


def _sums_apart(function: Function) -> Function:
    """Let sums in backward loops start at 0 where they wait for a forward loop otherwise, and add what they started with behind."""
    saving = set().union(*_sharing_stacks(function))
    makers = {r: place for place, e in enumerate(function.equations) for r in e.results}
    after = _after(saving, _dependences(function))
    builder = Builder(function.parameters)
    environment = {p: p for p in function.parameters}
    for place, e in enumerate(function.equations):
        late = []
        if place in saving and e.op == "loop" and len(e.regions) == 1:
            (body,), split = e.regions, 2 + e["consts"]
            late = [
                k
                for k, result in enumerate(body.results)
                if makers.get(e.operands[split + k]) in after and _only_grows(body, body.parameters[split - 1 + k], result)
            ]
        results = [builder.fresh(r.type) for r in e.results]
        operands = [environment[v] for v in e.operands]
        for k in late:
            operands[split + k] = builder.zeros_like(operands[split + k])
        builder.append(e.replace(operands=tuple(operands), results=tuple(results)))
        for k in late:
            results[k] = builder.add(environment[e.operands[split + k]], results[k])
        environment.update(zip(e.results, results, strict=True))
    return builder.finish(function.name, [environment[v] for v in function.results]).replace(guards=function.guards)


def _only_grows(region: Function, parameter: Var, result: Var) -> bool:
    """Whether a result is a parameter to which something is added, and nothing else becomes of it."""
    if isinstance(parameter.type, StackType):
        return False
    state, earlier = parameter, set()
    for e in region.equations:
        if not earlier.isdisjoint(e.operands):
            return False
        if state not in e.operands:
            continue
        place, after = e.operands.index(state), e.results[-1]
        if e.operands.count(state) > 1:
            return False
        if e.op == "loop" and len(e.regions) == 1 and place >= (split := 2 + e["consts"]):
            (body,), after = e.regions, e.results[place - split]
            if not _only_grows(body, body.parameters[place - 1], body.results[place - split]):
                return False
        elif not (e.op == "add" or (e.op in ("sub", "index_add") and place == 0)):
            return False
        earlier.add(state)
        state = after
    return state == result and region.results.count(state) == 1 and earlier.isdisjoint(region.results)


# the loop over the blocks


def _in_blocks(function: Function, group: Sequence[int], dim: Dim, name: str) -> Function:
    """The function with a loop over blocks in place of a group of equations."""
    chosen = [function.equations[k] for k in group]
    after = _after(set(group), _dependences(function))
    _require(not any(has_effect(e) for e in chosen))
    _require(not any(has_effect(function.equations[k]) for k in after if group[0] < k < group[-1]))
    read = {v for k, e in enumerate(function.equations) if k not in group for v in e.operands}.union(function.results)
    needed = {v for e in chosen for v in e.operands}
    again = [
        e for k, e in enumerate(function.equations) if k not in group and needed.intersection(e.results) and _repeats(e, dim)
    ]
    scope, exports = _block([*again, *chosen], dim, name, [v for e in chosen for v in e.results if v in read])

    builder = Builder(function.parameters)
    environment = {p: p for p in function.parameters}
    for place, e in enumerate(function.equations):
        if place not in after:
            builder.copy(e, environment)
    zero = builder.constant(0, ArrayType(I64))
    stop = builder.emit("maximum", builder.emit("size", value=dim), builder.constant(1, ArrayType(I64)))
    starts = [environment[start] if isinstance(start, Var) else builder.zeros(start) for start in scope.starts]
    constants = [environment[v] for v in scope.constants]
    found = builder.emit("loop", zero, stop, *constants, *starts, regions=(scope.finish(),), step=BLOCK, consts=len(constants))
    for v, result in zip(exports, found if isinstance(found, tuple) else (found,), strict=True):
        environment[v] = builder.add(environment[v], result) if v in environment else result
    for place, e in enumerate(function.equations):
        if place in after and place not in group:
            builder.copy(e, environment)
    return builder.finish(function.name, [environment[v] for v in function.results]).replace(guards=function.guards)


def _repeats(e: Equation, dim: Dim) -> bool:
    """Whether an equation only repeats something along an axis that is cut into blocks; each block can do that."""
    return e.op == "broadcast" and dim in e["shape"] and dim not in e.operands[0].type.shape  # type: ignore[union-attr]


def _block(equations: Sequence[Equation], dim: Dim, name: str, exports: Sequence[Var]) -> tuple[_Whole, list[Var]]:
    """The body of the loop over the blocks, and what its results stand for."""
    builder = Builder()
    scope = _Whole(builder, dim, symbol(name), builder.parameter("first", ArrayType(I64)))
    width = builder.emit(
        "minimum", builder.sub(builder.emit("size", value=dim), scope.first), builder.constant(BLOCK, ArrayType(I64))
    )
    builder.emit("bind_size", width, symbol=name)
    made = {r for e in equations for r in e.results}
    for v in dict.fromkeys(v for e in equations for v in e.operands if v not in made):
        scope.give(v)
    scope.count_uses(equations, exports)
    for e in equations:
        scope.run(e)
    return scope, scope.export(exports)


class _Kind(Enum):
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
        self.kinds: dict[Var, _Kind] = {}
        self.zeros: set[Var] = set()
        self.roots: dict[Var, Var] = {}  # what totals were at first
        self.uses: Counter[Var] = Counter()

    def is_wide(self, var: Var) -> bool:
        """Whether an axis of an array is cut into blocks."""
        if not isinstance(var.type, ArrayType):
            return False
        _require(var.type.shape.count(self.dim) <= 1)
        return self.dim in var.type.shape

    def cut(self, shape: Sequence[Dim]) -> tuple[Dim, ...]:
        """The shape of a block."""
        return tuple(self.lanes if dim == self.dim else dim for dim in shape)

    def block_type(self, var: Var) -> ArrayType | StackType:
        """The type of a block of an array."""
        return var.type.with_shape(self.cut(var.type.shape)) if isinstance(var.type, ArrayType) else var.type

    def set(self, var: Var, value: Var, kind: _Kind, root: Var | None = None) -> None:
        """Remember what stands for a variable."""
        self.values[var], self.kinds[var] = value, kind
        if kind is _Kind.TOTAL:
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
            _require(self.kinds[v] is not _Kind.TOTAL or self.uses[v] == 1)
        match e.op:
            case "loop":
                self.loop(e, operands)
            case "cond":
                self.cond(e, operands)
            case "stack_new":
                self.set(e.result, self.b.emit("stack_new", dtype=e["dtype"], capacity=None), _Kind.SAME)
            case "push" if kinds <= {_Kind.SAME, _Kind.WIDE}:
                self.set(e.result, self.b.emit("push", *operands), _Kind.SAME)
            case "pop":
                rest, value = self.b.emit("pop", *operands, shape=self.cut(e["shape"]))
                self.set(e.results[0], rest, _Kind.SAME)
                self.set(e.results[1], value, _Kind.WIDE if self.is_wide(e.results[1]) else _Kind.SAME)
            case _ if kinds <= {_Kind.SAME}:
                self.same(e, operands)
            case _ if kinds <= {_Kind.SAME, _Kind.WIDE}:
                self.elements(e, operands)
            case _:
                self.sums(e, operands)

    def same(self, e: Equation, operands: Sequence[Var]) -> None:
        """What no element of an array goes into."""
        attributes = dict(e.attributes)
        if any(map(self.is_wide, e.results)):
            _require(e.op == "broadcast")
            self.set(e.result, self.b.broadcast(operands[0], e["axes"], self.cut(e["shape"])), _Kind.WIDE)
        else:
            is_array = any(isinstance(r.type, ArrayType) and r.type.shape for r in e.results)
            _require(e.op in _VIEWS if is_array else e.op in _SMALL or OPS[e.op].elementwise)
            found = self.b.emit(e.op, *operands, **attributes)
            for result in e.results:
                self.set(result, found, _Kind.SAME)
        if (e.op == "constant" and e["value"] == 0) or (e.op == "broadcast" and self.zeros.issuperset(e.operands)):
            self.zeros.update(e.results)

    def elements(self, e: Equation, operands: Sequence[Var]) -> None:
        """What each element goes its own way through, and sums over all of them."""
        attributes = dict(e.attributes)
        match e.op:
            case "broadcast" | "reshape" | "assume_shape":
                _require(
                    e.op == "broadcast" or (self.is_wide(e.result) and self.before(e.result) == self.before(e.operands[0]))
                )
                attributes["shape"] = self.cut(e["shape"])
            case "concatenate":
                _require(e.result.type.shape[e["axis"]] != self.dim)  # type: ignore[union-attr]
                _require(all(v.type.shape[e["axis"]] != self.dim for v in e.operands))  # type: ignore[union-attr]
            case "index" | "update" | "index_add":
                _require(self.is_wide(e.operands[0]))
                axis = self.axis(e.operands[0])
                _require(e["spec"][axis] == (0, self.dim, 1))
                attributes["spec"] = tuple((0, self.lanes, 1) if k == axis else entry for k, entry in enumerate(e["spec"]))
            case op:
                _require(op == "sum" or op in _MOVES or OPS[op].elementwise)
        kind = _Kind.WIDE if self.is_wide(e.result) else _Kind.PART
        _require(kind is _Kind.WIDE or e.op == "sum")
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
            case ("neg", _Kind.PART) | ("add" | "sub", _Kind.PART, _Kind.PART):
                root = None
            case ("add" | "sub", _Kind.TOTAL, _Kind.PART) | ("index_add", _Kind.TOTAL, _Kind.PART, *_):
                root = self.roots[e.operands[0]]
                _require(set(kinds[2:]) <= {_Kind.SAME})
            case "add", _Kind.PART, _Kind.TOTAL:
                root = self.roots[e.operands[1]]
            case _:
                raise _RefusedError
        kind = _Kind.PART if root is None else _Kind.TOTAL
        self.set(e.result, self.b.emit(e.op, *operands, **dict(e.attributes)), kind, root)

    def total(self, start: Var) -> tuple[Var, Var | None]:
        """Where a sum starts in this block, and what it was at first; None if it is only the block's part of it."""
        if self.kinds[start] is _Kind.TOTAL:
            return self.values[start], self.roots[start]
        _require(start in self.zeros or self.kinds[start] is _Kind.PART)
        return self.values[start], None

    def loop(self, e: Equation, operands: list[Var]) -> None:
        """A loop that all elements go through together."""
        body, *test = e.regions
        split = 2 + e["consts"]
        _require(any(map(self.is_wide, (r for inner in body.walk() for r in inner.results))))
        sums = _sums(e, [self.is_wide(v) or self.kinds[v] is not _Kind.SAME for v in e.operands], self.is_wide)
        _require(self.kinds[e.operands[0]] is self.kinds[e.operands[1]] is _Kind.SAME)
        kinds = [_Kind.SAME, *(self.kinds[v] for v in e.operands[2:split])]
        roots: list[Var | None] = []
        for k, (v, is_sum) in enumerate(zip(e.operands[split:], sums, strict=True), split):
            kind, root = self.kinds[v], None
            if is_sum and not self.is_wide(v):
                operands[k], root = self.total(v)
                kind = _Kind.TOTAL
            kinds.append(kind)
            roots.append(root)
        _require(_Kind.PART not in kinds and _Kind.TOTAL not in kinds[: split - 1])
        regions: list[Function] = []
        for region in e.regions:
            scope = self.region(region, kinds)
            for inner in region.equations:
                scope.run(inner)
            ends = [scope.kinds[v] for v in region.results]
            _require(ends == ([_Kind.SAME] if regions else kinds[split - 1 :]))
            for p, v in zip(region.parameters[split - 1 :], region.results, strict=not regions):
                _require(bool(regions) or scope.kinds[v] is not _Kind.TOTAL or scope.roots[v] == p)
            regions.append(scope.b.finish(region.name, [scope.values[v] for v in region.results]))
        found = self.b.emit("loop", *operands, regions=regions, **dict(e.attributes))
        values = list(found) if isinstance(found, tuple) else [found]
        if test:
            self.set(e.results[0], values.pop(0), _Kind.SAME)
        for result, value, kind, root in zip(e.results[len(test) :], values, kinds[split - 1 :], roots, strict=True):
            self.set(result, value, _Kind.PART if kind is _Kind.TOTAL and root is None else kind, root)

    def cond(self, e: Equation, operands: list[Var]) -> None:
        """A branch that all elements take together."""
        _require(self.kinds[e.operands[0]] is _Kind.SAME)
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
                _Kind.SAME
            }
            _require(len(kinds) == 1)
            (kind,) = kinds
            root = None
            if kind is _Kind.TOTAL:
                places = {
                    r.parameters.index(s.roots[v]) for s, r, v in zip(scopes, e.regions, ends, strict=True) if v in s.roots
                }
                _require(len(places) == 1 and all(v in s.roots for s, v in zip(scopes, ends, strict=True)))
                root = self.roots[e.operands[1 + places.pop()]]
            _require(kind is not _Kind.SAME or not self.is_wide(result))
            self.set(result, value, kind, root)

    def region(self, function: Function, kinds: Sequence[_Kind]) -> _Scope:
        """A scope for a region whose parameters are of these kinds."""
        scope = _Scope(Builder(), self.dim, self.lanes)
        for p, kind in zip(function.parameters, kinds, strict=True):
            scope.set(p, scope.b.parameter(p.name, scope.block_type(p)), kind, p)
        scope.count_uses(function.equations, function.results)
        return scope


class _Whole(_Scope):
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
        """Take a value from outside."""
        self.constants.append(var)
        value = self.b.parameter(var.name.replace("%", "v"), var.type)
        if self.is_wide(var):
            self.set(var, self.b.index(value, self.spec(var), self.first), _Kind.WIDE)
        else:
            self.set(var, value, _Kind.SAME)

    def set(self, var: Var, value: Var, kind: _Kind, root: Var | None = None) -> None:
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
        _require(isinstance(var.type, ArrayType) and self.kinds[var] in (_Kind.SAME, _Kind.WIDE))
        old = self.b.parameter("result", var.type)
        if self.kinds[var] is _Kind.SAME:
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
