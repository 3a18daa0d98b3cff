"""Which equations run together, and in which order.

In: the equations of one function or region, in which every in-place write may be done in place (``ownership`` has seen to it). Out: a
``Plan``: groups in the order in which they run, and the variables that need memory of their own.

A group is one kernel (MAPs, REDUCEs and WRITEs over one domain), one piece of driver code (SCALAR) or one call (OPAQUE). An equation
joins an earlier group if it works on the same domain, reads what the group makes only at its own point, and if nothing in between
forces an order. CHEAP equations belong to no group: every reader reads through them. Blocks that are added to one array at shifted places are
a group by themselves (see ``shifting``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..ir import Dim, Equation, Function, Var
from ..ops import OPS
from .products import is_single
from .roles import Role, destroyed, domain_of, is_array, is_flattening, is_view, role_of
from .shifting import Chain, shifted_additions
from .striding import repeated

CANDIDATES = 16  # how many kernels back an equation looks for company


@dataclass(slots=True, eq=False)
class Group:
    """Equations that run as one."""

    number: int
    role: Role
    domain: tuple[Dim, ...] = ()
    equations: list[Equation] = field(default_factory=list)
    reads: list[Read] = field(default_factory=list)
    before: int = 0  # the groups that must run first, directly or not, as a bit set
    writes: list[Equation] = field(default_factory=list)  # into one array, at places of which no two are the same
    sealed: bool = False  # nobody may join
    shifted: bool = False  # adds blocks to one array at shifted places


@dataclass(frozen=True, slots=True)
class Plan:
    """Groups in order; ``stored`` variables live in buffers; ``views`` share the memory of their operand.

    ``last`` gives for variables in memory the last group that reads them, or their views, and the number of groups if they are results.
    """

    groups: tuple[Group, ...]
    stored: frozenset[Var]
    views: frozenset[Var]
    last: Mapping[Var, int]
    destroyed: frozenset[Var]


@dataclass(frozen=True, slots=True)
class Read:
    """A variable that is read in memory or computed in the same group; ``here`` if only at the reader's own point."""

    var: Var
    here: bool
    through: Equation | None = None  # the last index equation on the way, if the way is just that
    target: bool = False  # to be written to


def plan(function: Function, flat: bool = False) -> Plan:
    """Group the equations of a function or region; with ``flat``, products read what operands repeat, and shifted blocks are added at once."""
    planner = _Planner(function, flat)
    planner.demand_buffers()
    for equation in planner.nodes():
        planner.place(equation)
    return planner.finish()


class _Planner:
    def __init__(self, function: Function, flat: bool) -> None:
        self.function, self.flat = function, flat
        self.definition: dict[Var, Equation] = {r: e for e in function.equations for r in e.results}
        self.roles: dict[Var, Role] = {}
        for equation in function.equations:
            role = role_of(equation)
            for result in equation.results:
                self.roles[result] = role
        self.position = {r: k for k, e in enumerate(function.equations) for r in e.results}
        self.stored: set[Var] = set()
        self.views: set[Var] = set()
        self.groups: list[Group] = []
        self.kernels: list[Group] = []  # the groups that become kernels
        self.group_of: dict[Var, Group] = {}
        self.readers: dict[Var, int] = {}  # by root: the groups that read its memory so far
        self.binders: dict[str, Group] = {}
        self.last_effect: Group | None = None
        uses = Counter(v for e in function.equations for v in e.operands) + Counter(function.results)
        writes = (e for e in function.equations if role_of(e) is Role.WRITE)
        self.written = {e.operands[1]: e for e in writes if uses[e.operands[1]] == 1}  # values that are made only to be written
        self.chain_of: dict[Var, Chain] = {}  # the chains of shifted additions, by the results of these
        for chain in shifted_additions(function) if flat else ():
            self.chain_of.update((addition.result, chain) for addition in chain.additions)
            self.roles.update(dict.fromkeys(chain.anew, Role.CHEAP))

    # what must lie in memory

    def demand_buffers(self) -> None:
        """Give memory to what library calls, regions and results need as arrays."""
        for result in self.function.results:
            self.demand(result)
        for equation in reversed(self.function.equations):
            role = role_of(equation)
            if is_flattening(equation):
                self.demand(equation.result)
            if role is Role.OPAQUE:
                is_strided = equation.op == "dot" and self.flat and not is_single(equation)
                for operand in equation.operands:
                    if equation.op != "concatenate" or self.roles.get(operand) is not Role.CHEAP:
                        self.demand(repeated(operand, self.definition) if is_strided else operand)
            if role is Role.WRITE:
                self.demand(equation.operands[0])
                if not self.harmless(equation, self.reads(equation.operands[1], here=True)):
                    self.demand_copy(equation.operands[1])
            if equation.op == "take":
                self.demand(equation.operands[0])

    def demand(self, var: Var) -> None:
        """Let an array live in memory; a view asks for its operand's."""
        equation = self.definition.get(var)
        if not is_array(var) or equation is None or var in self.stored:
            return
        if self.roles[var] is Role.CHEAP and is_view(equation):
            self.views.add(var)
            self.demand(equation.operands[0])
        elif self.roles[var] is Role.CHEAP:
            self.roles[var] = Role.MAP
        if equation.op in ("reshape", "assume_shape") and is_array(equation.operands[0]):
            self.views.add(var)
            self.demand(equation.operands[0])
        self.stored.add(var)

    def demand_copy(self, var: Var) -> None:
        """Let an array live in memory of its own, because what it would show is about to be overwritten."""
        if self.roles.get(var) is Role.CHEAP and is_array(var):
            self.roles[var] = Role.MAP
            self.views.discard(var)
            self.stored.add(var)
        else:
            self.demand(var)

    # what reads what

    def reads(self, var: Var, here: bool) -> Iterator[Read]:
        """The variables in memory, or made by groups, from which an element of a variable comes."""
        equation = self.definition.get(var)
        if equation is None or self.roles[var] is not Role.CHEAP or var in self.views or not is_array(var):
            yield Read(var, here)
            return
        for operand in equation.operands:
            for read in self.reads(operand, False):
                direct = here and equation.op == "index" and operand == read.var and operand is equation.operands[0]
                yield Read(read.var, False, equation if direct else None)

    def operand_reads(self, equation: Equation) -> list[Read]:
        """What the operands of an equation are read from."""
        role = self.role(equation)
        found: list[Read] = []
        for position, operand in enumerate(equation.operands):
            here = role in (Role.MAP, Role.REDUCE, Role.WRITE) and equation.op not in ("take", "put", "put_add", "concatenate")
            if equation.op in ("put", "put_add"):
                here = position == 1
            if role is Role.MAP and role_of(equation) is Role.CHEAP:
                here = False
            if position == 0 and role is Role.WRITE:
                here = False
            reads = self.reads(operand, here)
            found += [replace(read, target=True) for read in reads] if position == 0 and role is Role.WRITE else reads
        return found

    def harmless(self, write: Equation, reads: Sequence[Read] | Iterator[Read], before: Sequence[Equation] = ()) -> bool:
        """Whether a kernel with these reads, and these writes ``before``, may write in place: no point reads what another one overwrites.

        Each point reads all that it reads before it writes anything.
        """
        target, state = self.root(write.operands[0]), (*before, write)[0].operands[0]
        for read in reads:
            if self.root(read.var) != target or not is_array(read.var) or read.target:
                continue
            index = self.definition[read.var] if read.here and read.var in self.views else read.through
            if index is None or index.operands[0] != state or not _same_points(index, write):
                return False
        return True

    def root(self, var: Var) -> Var:
        """The variable whose memory a view shows."""
        while var in self.views:
            var = self.definition[var].operands[0]
        return var

    def role(self, equation: Equation) -> Role:
        """The role after buffers were demanded: a slice that needs memory of its own is a MAP."""
        return self.roles[equation.results[0]] if equation.results else role_of(equation)

    def nodes(self) -> Iterator[Equation]:
        """Equations that do something when they run."""
        for equation in self.function.equations:
            if self.role(equation) is not Role.CHEAP or (equation.results and equation.result in self.views):
                yield equation

    # groups

    def place(self, equation: Equation) -> None:
        """Put an equation into a group."""
        reads = self.operand_reads(equation)
        before = self._before(equation, reads)
        role = self.role(equation)
        group = None
        if is_shifted := role is Role.WRITE and equation.result in self.chain_of:
            group = self._chain_so_far(equation, reads, before)
        elif role in _KERNEL and not self._is_view(equation) and not _is_alone(equation):
            group = self._company(equation, reads, before)
        if group is not None and self._unite(group, equation, reads):
            before = self._before(equation, reads)
        if group is None:
            own = Role.OPAQUE if self._is_view(equation) else role
            group = Group(len(self.groups), own, domain_of(equation) if own in _KERNEL else ())
            group.shifted, group.sealed = is_shifted, is_shifted or _is_alone(equation)
            self.groups.append(group)
            if own in _KERNEL:
                self.kernels.append(group)
        self._join(group, equation, reads, before)

    def _is_view(self, equation: Equation) -> bool:
        return bool(equation.results) and equation.results[0] in self.views

    def _before(self, equation: Equation, reads: list[Read]) -> int:
        """The groups that must come before an equation, as a bit set."""
        first = 0
        for read in reads:
            if read.var in self.group_of:
                first |= 1 << self.group_of[read.var].number
        for position in destroyed(equation):
            first |= self.readers.get(self.root(equation.operands[position]), 0)
        for name in _used_symbols(equation):
            if name in self.binders:
                first |= 1 << self.binders[name].number
        if has_effect(equation) and self.last_effect is not None:
            first |= 1 << self.last_effect.number
        return first

    def _closure(self, groups: int) -> int:
        total, rest = groups, groups
        while rest:
            number = rest.bit_length() - 1
            total |= self.groups[number].before
            rest &= ~(1 << number)
        return total

    def _company(self, equation: Equation, reads: list[Read], before: int) -> Group | None:
        """The latest group that the equation may join."""
        domain = domain_of(equation)
        for group in reversed(self.kernels[-CANDIDATES:]):
            if group.domain == domain and not group.sealed and self._fits(group, equation, reads, before):
                return group
        return None

    def _chain_so_far(self, equation: Equation, reads: list[Read], before: int) -> Group | None:
        """The group of the additions before this one in its chain, if nothing must run between and what is added is not what is added to."""
        array = equation.operands[0]
        group = self.group_of.get(array)
        if group is None or self.chain_of.get(array) is not self.chain_of[equation.result] or self._must_wait(group, before):
            return None
        added_to = {self.root(v) for e in (*group.writes, equation) for v in (e.operands[0], e.result)}
        return group if all(read.target or self.root(read.var) not in added_to for read in (*group.reads, *reads)) else None

    def _must_wait(self, group: Group, before: int) -> bool:
        """Whether what needs these groups to run before needs something that needs this one."""
        bit = 1 << group.number
        return bool(self._closure(before & ~bit) & bit)

    def _fits(self, group: Group, equation: Equation, reads: list[Read], before: int) -> bool:
        if self._must_wait(group, before):
            return False
        made_here = [read for read in reads if self.group_of.get(read.var) is group and not read.target]
        if any(not read.here or self._kind(read.var) is not Role.MAP for read in made_here):
            return False
        if self.role(equation) is Role.WRITE:
            return self._may_write(group, equation, reads)
        if group.writes:
            return self._is_written_next(group, equation, reads)
        together = self._are_written_together(group, equation)
        return bool(made_here) or together or (together is None and self._shares_reads(group, reads))

    def _are_written_together(self, group: Group, equation: Equation) -> bool | None:
        """Whether what the equation and the group make may be written one after the other; if not, it would have to be stored first.

        None unless they only make what is then written.
        """
        mine = self.written.get(equation.results[0])
        writes = [self.written[e.results[0]] for e in group.equations if e.results[0] in self.written]
        if mine is None or not writes:
            return None
        writes = sorted([*writes, mine], key=lambda e: self.position[e.result])
        return all(_goes_on(writes[:k], writes[k]) for k in range(1, len(writes)))

    def _unite(self, group: Group, equation: Equation, reads: list[Read]) -> bool:
        """Take groups into this one that the equation reads at its own point too, and that neither need it nor are needed by it."""
        makers = {id(g): g for read in reads if (g := self.group_of.get(read.var)) is not None and g is not group}
        united = [g for g in makers.values() if self._are_one(group, g, equation, reads)]
        for other in united:
            self._take_in(group, other)
        return bool(united)

    def _are_one(self, group: Group, other: Group, equation: Equation, reads: list[Read]) -> bool:
        independent = not (group.before >> other.number | other.before >> group.number) & 1
        writes = group.writes or other.writes or self.role(equation) is Role.WRITE
        made_there = [read for read in reads if self.group_of.get(read.var) is other]
        alike = other.role in _KERNEL and other.domain == group.domain and not other.sealed
        return independent and alike and not writes and all(r.here and self._kind(r.var) is Role.MAP for r in made_there)

    def _take_in(self, group: Group, other: Group) -> None:
        """Move all of a group into another one."""
        bit, old = 1 << group.number, 1 << other.number
        group.equations[:0] = other.equations
        group.reads += other.reads
        group.before |= other.before
        for equation in other.equations:
            self.group_of.update(dict.fromkeys(equation.results, group))
        other.equations, other.before, other.sealed = [], 0, True
        for third in self.groups:
            if third.before & (bit | old):
                third.before = (third.before | bit | group.before) & ~old
        self.readers = {root: (bits | bit) & ~old if bits & old else bits for root, bits in self.readers.items()}

    def _is_written_next(self, group: Group, equation: Equation, reads: list[Read]) -> bool:
        """Whether an equation only makes what is written after the writes of a group, and may be computed before them."""
        mine = self.written.get(equation.results[0])
        return mine is not None and _goes_on(group.writes, mine) and self.harmless(mine, reads, group.writes)

    def _may_write(self, group: Group, equation: Equation, reads: list[Read]) -> bool:
        if group.writes and not _goes_on(group.writes, equation):
            return False
        if not group.writes and self.group_of.get(equation.operands[0]) is group:
            return False
        value = equation.operands[1]
        made_here = self.group_of.get(value) is group
        own = [read for operand in equation.operands[1:] for read in self.reads(operand, here=True)]
        return made_here and self.harmless(equation, [*group.reads, *own], group.writes)

    def _kind(self, var: Var) -> Role:
        return self.roles[var]

    def _shares_reads(self, group: Group, reads: list[Read]) -> bool:
        mine = {read.var for read in reads if is_array(read.var)}
        return any(read.var in mine for read in group.reads)

    def _join(self, group: Group, equation: Equation, reads: list[Read], before: int) -> None:
        bit = 1 << group.number
        added = self._closure(before & ~bit)
        group.before |= added
        for other in self.groups:
            if other.before & bit:
                other.before |= added
        group.equations.append(equation)
        group.reads += reads
        if self.role(equation) is Role.WRITE:
            group.writes.append(equation)
        for read in reads:
            root = self.root(read.var)
            self.readers[root] = self.readers.get(root, 0) | bit
            maker = self.group_of.get(read.var)
            if maker is not None and maker is not group and is_array(read.var):
                self.stored.add(read.var)
        for result in equation.results:
            self.group_of[result] = group
            if self.role(equation) in (Role.WRITE, Role.REDUCE, Role.OPAQUE):
                self.stored.add(result)
        symbol = equation.get("symbol")
        if symbol is not None:
            self.binders[symbol] = group
        if has_effect(equation):
            self.last_effect = group

    def finish(self) -> Plan:
        """Groups in an order that respects ``before``, otherwise as they were made."""
        done, order, waiting = 0, [], [group for group in self.groups if group.equations]
        while waiting:
            late = []
            for group in waiting:
                if group.before & ~done:
                    late.append(group)
                else:
                    done |= 1 << group.number
                    order.append(group)
            assert len(late) < len(waiting), "groups depend on each other"
            waiting = late
        taken = {e.operands[k] for e in self.function.equations for k in destroyed(e)}
        return Plan(tuple(order), frozenset(self.stored), frozenset(self.views), self._last(order), frozenset(taken))

    def _last(self, order: list[Group]) -> dict[Var, int]:
        """For each variable in memory, the position of the last group that reads it."""
        place = {group.number: position for position, group in enumerate(order)}
        last = {
            var: max(place[k] for k in range(groups.bit_length()) if groups >> k & 1) for var, groups in self.readers.items()
        }
        for result in self.function.results:
            last[self.root(result)] = len(order)
        return last


_KERNEL = (Role.MAP, Role.REDUCE, Role.WRITE)


def has_effect(equation: Equation) -> bool:
    """Whether an equation does something besides giving results, itself or inside."""
    return OPS[equation.op].effect or any(has_effect(e) for region in equation.regions for e in region.equations)


def _is_alone(equation: Equation) -> bool:
    """Whether an equation wants its loops in an order of its own."""
    if equation.op not in ("argmax", "argmin"):
        return False
    return equation["axis"] != len(equation.operands[0].type.shape) - 1  # type: ignore[union-attr]


def _used_symbols(equation: Equation) -> frozenset[str]:
    own = equation.get("symbol")
    return equation.symbols() - ({own} if own is not None else set())


def _goes_on(writes: Sequence[Equation], equation: Equation) -> bool:
    """Whether a write goes to the array that was written last, and no two points of a kernel would meet at one place of it."""
    return (
        equation.operands[0] == writes[-1].result
        and all(e.op in ("update", "index_add") for e in (*writes, equation))
        and all(_are_apart(e["spec"], equation["spec"]) or _same_slices(e, equation) for e in writes)
    )


def _are_apart(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    """Whether two basic indices interleave along an axis, and so select no element both."""
    for a, b in zip(one, other, strict=True):
        if isinstance(a, int) and isinstance(b, int) and a != b:
            return True
        if isinstance(a, tuple) and isinstance(b, tuple) and a[2] == b[2]:
            distance = a[0] - b[0] if a[0] is not None and b[0] is not None else None
            if isinstance(distance, int) and distance % a[2] != 0:
                return True
    return False


def _same_points(index: Equation, write: Equation) -> bool:
    """Whether no element that an index reads at a point of the kernel is written at another point.

    Points differ along slices: where both have the same ones, they meet at one point only, whatever their positions along other axes.
    """
    if write.op not in ("update", "index_add") or index.op != "index":
        return False
    return _slices(index["spec"], index.operands[1:]) == _slices(write["spec"], write.operands[2:])


def _same_slices(one: Equation, other: Equation) -> bool:
    """Whether writes meet at one point of a kernel only, wherever they go along other axes: there one follows the other."""
    return _slices(one["spec"], one.operands[2:]) == _slices(other["spec"], other.operands[2:])


def _slices(spec: tuple[Any, ...], starts: Sequence[Var]) -> list[tuple[Any, ...] | None]:
    """What a basic index says of each axis: a slice, with its start; None for a position."""
    left = iter(starts)
    found: list[tuple[Any, ...] | None] = []
    for entry in spec:
        if isinstance(entry, tuple):
            found.append((next(left), *entry) if entry[0] is None else entry)
        else:
            found.append(None)
            if entry is None:
                next(left)
    return found
