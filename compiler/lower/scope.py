"""What the lowering of a function or region knows: where each variable is, and what the driver does so far."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from ..errors import LoweringError
from ..ir import ArrayType, Dim, Equation, Function, Var, symbol
from ..ir.types import I64
from .elements import Body, Buffer, Value, atom_dim
from .fusion import Plan, plan
from .kernels import canonical
from .names import Names
from .program import Allocate, Atom, Bind, Call, Kernel, Local, Position, Reserve, Statement, View
from .roles import destroyed, is_array


class Stack:
    """A stack under its name in the driver; ``has_room`` where all that is pushed next is known to fit, ``was_used`` once something was pushed."""

    def __init__(self, name: str, has_room: bool) -> None:
        self.name, self.has_room = name, has_room
        self.was_read = self.was_used = False


class Shared:
    """What all scopes of one function share."""

    def __init__(self, function: Function, donated: dict[int, int], reuse: bool, flat: bool) -> None:
        self.function, self.donated, self.reuse, self.flat = function, donated, reuse, flat
        self.sizes = frozenset(function.symbols())
        self.names = Names({*self.sizes, function.name})
        self.kernels: dict[Kernel, Kernel] = {}
        self.loops = 0  # how many loops stand around what is lowered
        self.stacks = 0  # how many stacks there are of which nobody knows how much they will hold
        self.variables: set[str] = set()  # scalars that loops and branches assign
        self.given: dict[str, str] = {}  # parameters whose names loops bind to other memory: names that keep the caller's
        self.targets: dict[str, Var] = {}  # parameters that receive a result, and which
        self.borrowed: set[str] = set()  # storages that must not be returned: the caller's memory, and that of stacks

    def keep_argument(self, name: str) -> None:
        """Work on a copy of a parameter whose name is bound to other memory later, and give the caller's another name."""
        if name in self.targets and name not in self.given:
            self.given[name] = self.names.fresh(f"{name}_given")

    def share(self, kernel: Kernel) -> Kernel:
        """The kernel that does the same under other names, if there is one already."""
        key = canonical(kernel)
        if key not in self.kernels:
            self.kernels[key] = Kernel(
                self.names.fresh(kernel.name), kernel.buffers, kernel.scalars, kernel.axes, kernel.body, kernel.sequential
            )
        return self.kernels[key]


def argument(name: str, type: ArrayType) -> Value:
    """A parameter of the driver as a value."""
    if type.shape:
        return Buffer(name, type, name)
    return Position(symbol(name)) if type.dtype == I64 else Local(name, type.dtype)


def name_of(value: Value | Stack | None) -> str:
    """The name of the variable that a scalar is, if it is one."""
    return str(atom_dim(value)) if isinstance(value, Local | Position) else ""


NOUNS = {
    "add": "added", "sub": "difference", "mul": "product", "div": "quotient", "dot": "product", "sum": "total", "prod": "product",
    "max": "largest", "min": "smallest", "broadcast": "spread", "update": "updated", "index": "part", "convert": "converted",
    "select": "chosen", "neg": "negative", "transpose": "transposed", "take": "taken", "concatenate": "joined",
}  # fmt: skip


def _starts(loop: Equation) -> Iterator[tuple[Var, str]]:
    """The initial values of what a loop carries, each with the name that it has inside."""
    split = loop["consts"]
    for var, parameter in zip(loop.operands[2 + split :], loop.regions[0].parameters[1 + split :], strict=True):
        yield var, parameter.name


class Scope:
    """The driver code of one function or region; regions stand inside the code of the function around them."""

    def __init__(
        self, shared: Shared, function: Function, values: dict[Var, Value | Stack], owned: frozenset[Var] = frozenset()
    ) -> None:
        self.shared, self.function, self.values = shared, function, values
        self.owned = owned  # the parameters whose memory may be taken
        self.statements: list[Statement] = []
        self.views: dict[tuple[str, ArrayType], str] = {}  # the names of buffers under other shapes
        self.whole: dict[str, Buffer] = {}  # the buffers that views show under another shape
        self.kept: set[Var] = set()  # arrays computed on stacks, where they must stay as they are
        carried = function.parameters[len(function.parameters) - len(function.results) :]
        self.before = {r: p for r, p in zip(function.results, carried, strict=False) if p in owned}
        self.definition = {r: e for e in function.equations for r in e.results}
        self.uses = Counter(v for e in function.equations for v in e.operands) + Counter(function.results)
        self.starts = dict(pair for e in function.equations if e.op == "loop" for pair in _starts(e))
        self.plan: Plan = plan(function, shared.flat)
        self.pushes = self.pushed_unchanged() if shared.flat else {}

    def pushed_unchanged(self) -> dict[Var, Equation]:
        """Arrays that are pushed, each as all that one stack gets here, and that nobody overwrites or takes: they are computed there."""
        taken = {e.operands[k] for e in self.function.equations for k in destroyed(e)} | set(self.function.results)
        roots = {self.root(v) for v in taken}
        found: dict[Var, Equation] = {}
        for e in self.function.equations:
            is_only_one = e.op == "push" and e.operands[0] in self.function.parameters and e.results[0] in self.function.results
            if is_only_one and is_array(e.operands[1]) and e.operands[1] in self.definition and e.operands[1] not in roots:
                found.setdefault(e.operands[1], e)
        return found

    def root(self, var: Var) -> Var:
        """The variable whose memory a view shows."""
        while var in self.plan.views:
            var = self.definition[var].operands[0]
        return var

    def on_stack(self, var: Var, wish: str, source: Any) -> Buffer | None:
        """Memory for an array right where it will be pushed."""
        push = self.pushes.get(var)
        stack = self.values.get(push.operands[0]) if push else None
        if not isinstance(stack, Stack) or stack.was_read:
            return None
        assert isinstance(var.type, ArrayType)
        self.make_room(stack, var.type.size, source)
        name = self.shared.names.fresh(wish)
        self.statements.append(View(name, var.type, stack.name, (), symbol(f"{stack.name}_top"), source))
        self.shared.borrowed.add(name)
        self.kept.add(var)
        self.values[var] = Buffer(name, var.type, name)
        return self.values[var]  # type: ignore[return-value]

    def lookup(self, var: Var) -> Value | None:
        value = self.values.get(var)
        if isinstance(value, Stack):
            raise LoweringError(f"{var.name} is a stack")
        return value

    def buffer(self, var: Var) -> Buffer:
        """The buffer of an array that lies in memory."""
        value = self.values.get(var)
        if not isinstance(value, Buffer):
            raise LoweringError(f"{var.name}: {var.type} is not in memory in {self.function.name}")
        return value

    def atom(self, var: Var) -> Atom:
        """The value of a scalar."""
        value = self.values.get(var)
        if value is None or isinstance(value, Buffer | Stack):
            raise LoweringError(f"{var.name}: {var.type} is no scalar in {self.function.name}")
        return value

    def any(self, var: Var) -> str | Atom:
        """The name of a buffer or stack, or a scalar."""
        value = self.values[var]
        return value.name if isinstance(value, Buffer | Stack) else value

    def alone(self, var: Var) -> str | Atom:
        """A result of the whole function that is returned: not in the caller's memory, nor in that of a stack."""
        value = self.values[var]
        if isinstance(value, Buffer) and value.storage in self.shared.borrowed:
            name = self.shared.names.fresh(value.name)
            self.statements.append(Call("copied", (value.name,), (name,)))
            return name
        return self.any(var)

    def wish(self, equation: Equation) -> str:
        """A name for the result: the user's, that of the loop's parameter which it starts, or what it is."""
        return equation.hint or self.starts.get(equation.results[0], "") or NOUNS.get(equation.op, equation.op)

    def new_buffer(self, var: Var, wish: str, zero: bool = False, source: Any = None) -> Buffer:
        """Allocate memory for a variable, on a stack if it is to be pushed as it is."""
        assert isinstance(var.type, ArrayType)
        if not zero and (kept := self.on_stack(var, wish, source)) is not None:
            return kept
        name = self.shared.names.fresh(wish)
        self.statements.append(Allocate(name, var.type, zero, source))
        buffer = Buffer(name, var.type, name)
        self.values[var] = buffer
        return buffer

    def body(self) -> Body:
        return Body(self.lookup, self.definition, self.shared.names.fresh)

    def storage(self, var: Var) -> str | None:
        value = self.values.get(var)
        return value.storage if isinstance(value, Buffer) else None

    def bind_scalar(self, var: Var, wish: str) -> str:
        """Give a scalar variable of the driver to a variable."""
        name = self.shared.names.fresh(wish)
        self.values[var] = argument(name, var.type)  # type: ignore[arg-type]
        return name

    def seen_as(
        self, base: Buffer, type: ArrayType, positions: tuple[Any, ...] = (), equation: Equation | None = None,
        offset: Dim | None = None,
    ) -> Buffer:  # fmt: skip
        """A buffer at leading positions, from an offset on, or under another shape."""
        whole = not positions and offset is None
        if whole:
            base = self.whole.get(base.name, base)
            if base.type == type:
                return base
            if (base.name, type) in self.views:
                return Buffer(self.views[base.name, type], type, base.storage)
        name = self.shared.names.fresh((equation.hint if equation else "") or base.name)
        self.statements.append(View(name, type, base.name, positions, offset, equation.source if equation else None))
        view = Buffer(name, type, base.storage)
        if whole:
            self.whole[name], self.views[base.name, type] = base, name
        return view

    def reshaped(self, var: Var, shape: tuple[Any, ...]) -> str:
        """The name of a view of a buffer in another shape."""
        return self.reshaped_buffer(self.buffer(var), shape)

    def reshaped_buffer(self, base: Buffer, shape: tuple[Any, ...]) -> str:
        return self.seen_as(base, base.type.with_shape(shape)).name

    def stack(self, var: Var) -> Stack:
        value = self.values[var]
        assert isinstance(value, Stack)
        return value

    def make_room(self, stack: Stack, size: Dim, source: Any) -> None:
        """Let a stack grow for what is pushed next, unless there is room already."""
        if not stack.has_room:
            self.statements.append(Reserve(stack.name, size, source))

    def forget_views(self, name: str) -> None:
        """A name is bound to other memory: views made before show the old one."""
        self.views = {key: view for key, view in self.views.items() if key[0] != name}
        self.whole = {view: base for view, base in self.whole.items() if base.name != name}

    def rebind(self, targets: Sequence[Value | Stack], values: Sequence[Value | Stack]) -> None:
        """Assign all that is not where it should be, at once."""
        pairs: list[tuple[str, str | Atom]] = []
        for target, value in zip(targets, values, strict=True):
            if isinstance(target, Stack):
                if value is not target:
                    raise LoweringError("a stack leaves its loop or branch under another name")
            elif isinstance(target, Buffer):
                assert isinstance(value, Buffer)
                if target.name != value.name:
                    pairs.append((target.name, value.name))
                    self.shared.keep_argument(target.name)
            elif target != value:
                assert not isinstance(value, Buffer | Stack)
                pairs.append((str(atom_dim(target)), value))
        if pairs:
            names, assigned = zip(*pairs, strict=True)
            self.statements.append(Bind(names, assigned))

    def settled(self, parameter: str, result: Var) -> str:
        """Where the result for a parameter's memory is: there, or where no copy to another parameter can touch it."""
        value = self.buffer(result)
        return value.name if value.storage == parameter else str(self.alone(result))

    def copy_back(self, parameter: str, value: str) -> None:
        """Copy a result into the memory of the parameter that is to hold it, unless it is there already."""
        given = self.shared.given.get(parameter, parameter)
        if value != given and not (value == parameter and given == parameter):
            self.statements.append(Call("copy_into", (given, value)))
