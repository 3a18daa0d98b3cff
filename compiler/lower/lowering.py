"""From a function to a program: groups become kernels and driver code, variables get names and buffers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..errors import LoweringError
from ..ir import ArrayType, Dim, Equation, Function, SourceLine, StackType, Var, symbol
from ..ir.types import BOOL, I64
from .capacity import is_little, pushes, trip_count
from .elements import Body, Buffer, Value, atom_dim, literal
from .flatten import flatten
from .fusion import Group, Plan, plan
from .kernels import Surroundings, build, rename
from .linalg import LIBRARY, lower_linalg
from .moves import generalise
from .names import Names
from .ordering import order_products
from .ownership import own
from .products import canonicalize_products, is_single
from .program import (
    Allocate,
    Atom,
    Bind,
    Call,
    Check,
    For,
    If,
    Kernel,
    Launch,
    Literal,
    Local,
    NewStack,
    Parameter,
    Pop,
    Position,
    Print,
    Product,
    Products,
    Program,
    Push,
    Reserve,
    Statement,
    View,
)  # fmt: skip
from .roles import Role, destroyed, is_array, role_of
from .striding import repeated, striding
from .tiny import is_tiny, write_out
from .views import allocate_as_seen, drop_unused_views


def lower(function: Function, donated: Mapping[int, int] | None = None, reuse: bool = False, flat: bool = True) -> Program:
    """The program of a function; ``donated`` maps parameters whose memory is to receive a result to that result.

    With ``reuse``, results of kernels take the memory of operands that nobody reads any more. With ``flat``, kernels have as few
    axes as possible, and products take matrices out of other arrays.
    """
    donated = dict(donated or {})
    function = order_products(function) if flat else function
    function = own(canonicalize_products(function, strided=flat), frozenset(donated))
    return _Lowering(function, donated, reuse, flat).program()


class Stack:
    """A stack under its name in the driver; ``has_room`` where all that is pushed next is known to fit, ``was_used`` once something was pushed."""

    def __init__(self, name: str, has_room: bool) -> None:
        self.name, self.has_room = name, has_room
        self.was_read = self.was_used = False


def _is_zero(value: Value | Stack | None) -> bool:
    """Whether a value is the number 0, not -0.0."""
    number = value.value if isinstance(value, Literal) else value.dim if isinstance(value, Position) else None
    return repr(number) in ("0", "0.0", "False")


def _name(value: Value | Stack | None) -> str:
    """The name of the variable that a scalar is, if it is one."""
    return str(atom_dim(value)) if isinstance(value, Local | Position) else ""


def _is_integer(var: Var) -> bool:
    return var.type == ArrayType(I64)


class _Lowering:
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
        self.borrowed: set[str] = set()  # storages that must not be returned: the caller's memory, and that of stacks

    def program(self) -> Program:
        scope = Scope(self, self.function, {}, frozenset(self.function.parameters[k] for k in self.donated))
        parameters = []
        for parameter in self.function.parameters:
            assert isinstance(parameter.type, ArrayType)
            name = self.names.fresh(parameter.name)
            scope.values[parameter] = argument(name, parameter.type)
            parameters.append(Parameter(name, parameter.type))
        self.borrowed |= {parameter.name for parameter in parameters}
        self.targets = {parameters[k].name: self.function.results[r] for k, r in self.donated.items()}
        scope.run()
        returned = tuple(scope.alone(r) for k, r in enumerate(self.function.results) if k not in self.donated.values())
        final = {
            parameters[k].name: scope.settled(parameters[k].name, self.function.results[r]) for k, r in self.donated.items()
        }
        for name, value in final.items():
            scope.copy_back(name, value)
        keep: list[Statement] = []
        for name, given in self.given.items():
            keep += [Bind((given,), (name,)), Call("copied", (name,), (name,))]
        body, returned = allocate_as_seen(drop_unused_views((*keep, *scope.statements), returned), returned)
        return Program(
            self.function.name, tuple(parameters), self.function.guards, body, returned, tuple(self.kernels.values())
        )

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


def flat_position(index: Sequence[Dim], shape: Sequence[Dim]) -> Dim:
    """The place of an element in the order of memory."""
    place: Dim = 0
    for position, dim in zip(index, shape, strict=True):
        place = place * dim + position
    return place


def argument(name: str, type: ArrayType) -> Value:
    """A parameter of the driver as a value."""
    if type.shape:
        return Buffer(name, type, name)
    return Position(symbol(name)) if type.dtype == I64 else Local(name, type.dtype)


def canonical(kernel: Kernel) -> Kernel:
    """The kernel under names that depend on positions alone, and no name of its own."""
    from ..ir.sizes import symbols

    ordered: dict[str, None] = {}
    for parameter in kernel.buffers:
        ordered[parameter.name] = None
        for dim in parameter.type.shape:
            ordered.update(dict.fromkeys(sorted(symbols(dim))))
    ordered.update((scalar.name, None) for scalar in kernel.scalars)
    ordered.update((axis.name, None) for axis in kernel.axes)
    for step in kernel.body:
        name = getattr(step, "name", None) or getattr(step, "target", None)
        if name is not None:
            ordered[name] = None
    renamed = rename(kernel, {old: f"v{k}" for k, old in enumerate(ordered)})
    return Kernel("", renamed.buffers, renamed.scalars, renamed.axes, renamed.body, renamed.sequential)


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
        self, shared: _Lowering, function: Function, values: dict[Var, Value | Stack], owned: frozenset[Var] = frozenset()
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

    def run(self) -> None:
        """Lower every group."""
        for position, group in enumerate(self.plan.groups):
            match group.role:
                case Role.SCALAR:
                    self.scalar(group.equations[0])
                case Role.OPAQUE:
                    self.opaque(group.equations[0])
                case _:
                    self.launch(group, position)

    # what is saved

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

    # values

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

    # groups

    def scalar(self, equation: Equation) -> None:
        """Compute a number in the driver."""
        body = self.body()
        value = body.element(equation.result, ())
        self.statements += body.steps  # type: ignore[arg-type]
        self.shared.variables.discard(_name(value))  # it may have two readers now
        self.values[equation.result] = value

    def launch(self, group: Group, position: int) -> None:
        """Make the kernel of a group and run it."""
        stored: dict[Var, Buffer] = {}
        if len(group.equations) == 1 and self.is_zero(group.equations[0]):
            (equation,) = group.equations
            self.new_buffer(equation.result, self.wish(equation), zero=True, source=equation.source)
            return
        for equation in group.equations:
            result = equation.result
            if role_of(equation) is Role.WRITE:
                if self.write_scalar(equation):
                    return
                stored[result] = self.values[result] = self.retyped(equation)
            elif result in self.plan.stored and is_array(result):
                wish, source = self.wish(equation), equation.source
                reused = self.on_stack(result, wish, source) or self.reuse(group, position, result, stored)
                stored[result] = reused or self.new_buffer(result, wish, source=source)
        seen = Surroundings(self.lookup, self.definition, self.shared.sizes)
        scalars = [e.result for e in group.equations if role_of(e) is Role.REDUCE and not is_array(e.result)]
        self.run_kernel(build(group, stored, seen), scalars)

    def run_kernel(self, built: Launch, scalars: Sequence[Var] = ()) -> None:
        """Launch a kernel that returns these scalars, or write it out if it is tiny and stands in a loop."""
        if self.shared.loops and self.shared.flat and is_tiny(built.kernel):
            steps, totals = write_out(built, self.shared.names.fresh)
            self.statements += steps  # type: ignore[arg-type]
            self.values.update(zip(scalars, totals, strict=True))
            return
        launch = self.flattened(built)
        results = tuple(self.new_scalar(var) for var in scalars)
        kernel = self.shared.share(launch.kernel)
        self.statements.append(Launch(kernel, launch.buffers, launch.scalars, results, launch.source))

    def flattened(self, launch: Launch) -> Launch:
        """The launch of the kernel with as few axes as possible, on buffers seen as it wants them."""
        if not self.shared.flat:
            return launch
        flat, types = flatten(launch)
        parameters = zip(launch.kernel.buffers, launch.buffers, types, strict=True)
        seen = tuple(self.seen_as(Buffer(name, p.type, name), type).name for p, name, type in parameters)
        return generalise(replace(flat, buffers=seen), types)

    def reuse(self, group: Group, position: int, result: Var, stored: Mapping[Var, Buffer]) -> Buffer | None:
        """The memory of an operand that nobody reads after this group, for a result of the same type."""
        used = {buffer.storage for buffer in stored.values()}
        for read in sorted(group.reads, key=lambda read: self.preference(read.var, result)):
            value = self.values.get(read.var)
            if not isinstance(value, Buffer) or value.type != result.type or value.storage in used:
                continue
            alone = all(r.here and r.var == read.var for r in group.reads if self.storage(r.var) == value.storage)
            if alone and self.is_free(read.var, position) and self.may_hold(value, result):
                self.values[result] = value
                return value
        return None

    def preference(self, operand: Var, result: Var) -> int:
        """Which memory a result would rather have: that which it must go to in the end, as that of a carried value, then what
        comes from outside."""
        if self.shared.targets.get(self.storage(operand) or "") == result or self.before.get(result) == operand:
            return 0
        return 2 if operand in self.definition else 1

    def may_hold(self, value: Buffer, result: Var) -> bool:
        """Whether memory may hold a result: the caller's should not hold what is returned."""
        if value.storage not in self.shared.borrowed or result not in self.shared.function.results:
            return True
        return self.shared.targets.get(value.storage) == result

    def storage(self, var: Var) -> str | None:
        value = self.values.get(var)
        return value.storage if isinstance(value, Buffer) else None

    def is_free(self, var: Var, position: int) -> bool:
        """Whether the memory of a variable is this scope's, and its last reader is the group at a position."""
        if not self.shared.reuse or var in self.plan.views or var in self.plan.destroyed or self.plan.last.get(var) != position:
            return False
        if var in self.kept:
            return False
        return var in self.owned or var in self.definition

    def is_zero(self, equation: Equation) -> bool:
        """Whether an equation makes nothing but zeros."""
        while equation.op in ("copy", "broadcast", "convert"):
            (operand,) = equation.operands
            if operand in self.values or operand not in self.definition:
                return _is_zero(self.values.get(operand))
            equation = self.definition[operand]
        return equation.op == "constant" and _is_zero(literal(equation["value"], equation["dtype"]))

    def retyped(self, equation: Equation) -> Buffer:
        return self.buffer(equation.operands[0])

    def new_scalar(self, var: Var) -> str:
        equation = self.definition[var]
        return self.bind_scalar(var, self.wish(equation))

    def bind_scalar(self, var: Var, wish: str) -> str:
        """Give a scalar variable of the driver to a variable."""
        name = self.shared.names.fresh(wish)
        self.values[var] = argument(name, var.type)  # type: ignore[arg-type]
        return name

    def write_scalar(self, equation: Equation) -> bool:
        """Write a single element from the driver."""
        if is_array(equation.operands[1]) or equation.op not in ("update", "index_add"):
            return False
        target, value, *starts = equation.operands
        buffer, body = self.buffer(target), self.body()
        index = body.selected(equation["spec"], tuple(starts), ())
        body.store(buffer, index, body.element(value, ()), equation, add=equation.op == "index_add")
        self.statements += body.steps  # type: ignore[arg-type]
        self.values[equation.result] = buffer
        return True

    # what is no kernel

    def opaque(self, equation: Equation) -> None:
        """Lower what is neither a number nor a kernel."""
        if equation.op in LIBRARY:
            lower_linalg(self, equation)
        else:
            getattr(self, f"lower_{equation.op}", self.unsupported)(equation)

    def unsupported(self, equation: Equation) -> None:
        raise LoweringError(f"{equation.op} cannot be lowered; inline it first")

    def lower_reshape(self, equation: Equation) -> None:
        self.view(equation.result, self.buffer(equation.operands[0]), equation)

    lower_assume_shape = lower_reshape

    def lower_index(self, equation: Equation) -> None:
        body, base = self.body(), self.buffer(equation.operands[0])
        spec = equation["spec"]
        lead = tuple(entry for entry in spec if not isinstance(entry, tuple))
        starts = equation.operands[1:]
        rest = list(zip(spec[len(lead) :], base.type.shape[len(lead) :], strict=True))
        offset: Dim | None = None
        if all(entry == (0, dim, 1) for entry, dim in rest):
            positions = body.selected(lead, starts, ())
        else:
            first = body.selected(spec, starts, (0,) * len(rest))
            positions, offset = (), flat_position(first, base.type.shape)
        self.statements += body.steps  # type: ignore[arg-type]
        self.view(equation.result, base, equation, positions, offset)

    def view(
        self, var: Var, base: Buffer, equation: Equation, positions: tuple[Any, ...] = (), offset: Dim | None = None
    ) -> None:
        assert isinstance(var.type, ArrayType)
        self.values[var] = self.seen_as(base, var.type, positions, equation, offset)

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

    def lower_dot(self, equation: Equation) -> None:
        """A canonical product: matrices, vectors, or a batch of matrices."""
        x, y = equation.operands
        (contract_x, contract_y), (batch, _) = equation["contract"], equation["batch"]
        dtype = equation.result.type.dtype  # type: ignore[union-attr]
        flags = (contract_x[0] - len(batch) == 0, contract_y[0] - len(batch) == 1)
        ranks = (x.type.rank - len(batch), y.type.rank - len(batch))  # type: ignore[union-attr]
        if self.shared.flat and not is_single(equation):
            self.strided(equation)
            return
        a, b = self.buffer(x), self.buffer(y)
        if not is_array(equation.result):
            out = self.bind_scalar(equation.result, self.wish(equation))
        else:
            out = self.new_buffer(equation.result, self.wish(equation), source=equation.source).name
        if not batch:
            self.statements.append(Product(out, a.name, b.name, ranks, flags, dtype, source=equation.source))
            return
        self.batched(equation, out, a, b, flags)

    def strided(self, equation: Equation) -> None:
        """Products of matrices inside other arrays."""
        plan = striding(equation, self.definition)
        assert plan is not None
        out = self.new_buffer(equation.result, self.wish(equation), source=equation.source)
        operands = (self.buffer(repeated(v, self.definition)) for v in equation.operands)
        whole, left, right = (self.reshaped_buffer(b, (b.type.size,)) for b in (out, *operands))
        self.statements.append(Products(whole, left, right, plan.sizes, (plan.out, plan.a, plan.b), equation.source))

    def batched(self, equation: Equation, out: str, a: Buffer, b: Buffer, flags: tuple[bool, bool]) -> None:
        """One product per entry of the leading axis."""
        index = self.shared.names.fresh("batch")
        body: list[Statement] = []
        parts = []
        result = equation.result.type
        assert isinstance(result, ArrayType)
        for name, type in ((out, result), (a.name, a.type), (b.name, b.type)):
            part = self.shared.names.fresh(f"{name}_part")
            body.append(View(part, type.with_shape(type.shape[1:]), name, (symbol(index),)))
            parts.append(part)
        body.append(Product(parts[0], parts[1], parts[2], (2, 2), flags, result.dtype))
        count = result.shape[0]
        self.statements.append(For(index, Position(0), Position(count), 1, tuple(body), source=equation.source))

    def lower_concatenate(self, equation: Equation) -> None:
        """One copy per part that is not empty; slices and their like are read where they come from."""
        axis = equation["axis"]
        out = self.new_buffer(equation.result, self.wish(equation), source=equation.source)
        start: Any = 0
        for operand in equation.operands:
            shape = operand.type.shape  # type: ignore[union-attr]
            if 0 in shape:
                continue
            spec = tuple((start if k == axis else 0, dim, 1) for k, dim in enumerate(shape))
            update = Equation("update", (equation.result, operand), (equation.result,), (("spec", spec),), (), equation.source)
            group = Group(0, Role.WRITE, shape, [update])
            seen = Surroundings(self.lookup, self.definition, self.shared.sizes)
            self.run_kernel(build(group, {equation.result: out}, seen))
            start = start + shape[axis]

    # runs along an axis

    def folded(self, var: Var, axis: int) -> tuple[Any, ...]:
        """The shape with the axes before and after an axis merged."""
        from ..ir.sizes import product

        shape = var.type.shape  # type: ignore[union-attr]
        return (product(shape[:axis]), shape[axis], product(shape[axis + 1 :]))

    def along(self, function: str, equation: Equation, *flags: bool) -> None:
        """Call a function of the runtime on three-dimensional views whose middle axis is the one that counts."""
        out = self.new_buffer(equation.result, self.wish(equation), source=equation.source)
        axis = equation["axis"]
        arguments: list[str | Atom] = [self.reshaped_buffer(out, self.folded(equation.result, axis))]
        arguments += [self.reshaped(v, self.folded(v, axis)) for v in equation.operands]
        arguments += [literal(flag, BOOL) for flag in flags]
        self.statements.append(Call(function, tuple(arguments), (), equation.source))

    def lower_cumsum(self, equation: Equation) -> None:
        self.along("cumsum", equation, equation["reverse"])

    def lower_cumprod(self, equation: Equation) -> None:
        self.along("cumprod", equation, equation["reverse"])

    def lower_cumprod_before(self, equation: Equation) -> None:
        self.along("cumprod_before", equation, equation["reverse"])

    def lower_linear_recurrence(self, equation: Equation) -> None:
        self.along("linear_recurrence", equation, equation["reverse"], equation["shifted"])

    def lower_sort(self, equation: Equation) -> None:
        self.along("sort", equation)

    def lower_argsort(self, equation: Equation) -> None:
        self.along("argsort", equation)

    def lower_take_along(self, equation: Equation) -> None:
        self.along("take_along", equation)

    def lower_put_along_add(self, equation: Equation) -> None:
        target, value, order = equation.operands
        buffer, axis = self.buffer(target), equation["axis"]
        views = [self.reshaped(v, self.folded(v, axis)) for v in (target, value, order)]
        self.statements.append(Call("put_along_add", tuple(views), (), equation.source))
        self.values[equation.result] = buffer

    def lower_nonzero(self, equation: Equation) -> None:
        (operand,) = equation.operands
        flat = self.reshaped(operand, (operand.type.size,))  # type: ignore[union-attr]
        name = self.shared.names.fresh(self.wish(equation))
        assert isinstance(equation.result.type, ArrayType)
        self.statements.append(Call("nonzero", (flat,), (name, equation["symbol"]), equation.source))
        self.values[equation.result] = Buffer(name, equation.result.type, name)

    # sizes, effects, stacks

    def lower_bind_size(self, equation: Equation) -> None:
        self.statements.append(Bind((equation["symbol"],), (self.atom(equation.operands[0]),), equation.source))

    def lower_check(self, equation: Equation) -> None:
        test = self.atom(equation.operands[0])
        self.statements.append(Check(test, equation["kind"], equation["message"], equation.source))

    def lower_print(self, equation: Equation) -> None:
        operands = tuple(self.any(v) for v in equation.operands)
        self.statements.append(Print(equation["text"], operands, equation.source))

    def lower_stack_new(self, equation: Equation) -> None:
        name = self.shared.names.fresh(equation.hint or "saved")
        capacity = equation.get("capacity")
        self.values[equation.result] = Stack(name, capacity is not None)
        self.statements.append(NewStack(name, equation["dtype"], capacity, self.shared.stacks, equation.source))
        self.shared.stacks += capacity is None

    def stack(self, var: Var) -> Stack:
        value = self.values[var]
        assert isinstance(value, Stack)
        return value

    def lower_push(self, equation: Equation) -> None:
        stack, value = self.stack(equation.operands[0]), equation.operands[1]
        stack.was_used = True
        if stack.was_read:
            raise LoweringError(f"in {self.function.name}: a stack grows again whose memory is in use")
        type = value.type
        assert isinstance(type, ArrayType)
        kept = None if value in self.kept and self.pushes[value] is equation else self.any(value)
        if kept is not None:
            self.make_room(stack, type.size, equation.source)
        self.statements.append(Push(stack.name, kept, type.size, type.dtype, equation.source))
        self.values[equation.result] = stack

    def make_room(self, stack: Stack, size: Dim, source: Any) -> None:
        """Let a stack grow for what is pushed next, unless there is room already."""
        if not stack.has_room:
            self.statements.append(Reserve(stack.name, size, source))

    def lower_pop(self, equation: Equation) -> None:
        stack = self.stack(equation.operands[0])
        rest, value = equation.results
        self.values[rest] = stack
        assert isinstance(value.type, ArrayType)
        name = self.bind_scalar(value, equation.hint or "popped")
        stack.was_read = True
        if is_array(value):
            self.shared.borrowed.add(name)
        self.statements.append(Pop(stack.name, name, value.type, equation.source))

    # loops and branches

    def region(
        self, function: Function, values: Sequence[Value | Stack], owned: frozenset[Var] = frozenset()
    ) -> tuple[Scope, list[Value | Stack]]:
        """Lower a region applied to values; returns its scope and its results."""
        scope = Scope(self.shared, function, dict(zip(function.parameters, values, strict=True)), owned)
        scope.run()
        return scope, [scope.values[v] for v in function.results]

    def carry(self, var: Var, parameter: Var) -> Value | Stack:
        """The variable of a loop for a carried value: the one that holds its initial value if nobody else reads that."""
        value = self.values[var]
        if isinstance(value, Stack | Buffer) or self.is_own_variable(var, value):
            return value
        name = self.shared.names.fresh(parameter.name)
        self.shared.variables.add(name)
        self.statements.append(Bind((name,), (value,)))
        return argument(name, parameter.type)  # type: ignore[arg-type]

    def reserve(self, equation: Equation, carried: Sequence[Value | Stack]) -> list[Stack]:
        """Make room on stacks for all that a loop pushes, where that is known; returns these stacks."""
        reserved = []
        body, split = equation.regions[0], 1 + equation["consts"]
        for parameter, value in zip(body.parameters[split:], carried, strict=True):
            if not isinstance(value, Stack) or value.has_room:
                continue
            known = {
                p: atom_dim(self.atom(v))
                for p, v in zip(body.parameters[1:], equation.operands[2:], strict=True)
                if _is_integer(v)
            }
            each = pushes(body, parameter, known)
            if each is None or each == 0:
                continue
            trips = trip_count(
                atom_dim(self.atom(equation.operands[0])), atom_dim(self.atom(equation.operands[1])), equation["step"]
            )
            if len(equation.regions) > 1 and not is_little(trips * each):
                continue
            self.reserve_at_once(value, trips * each, equation.source)
            value.has_room = True
            reserved.append(value)
        return reserved

    def reserve_at_once(self, stack: Stack, size: Dim, source: SourceLine | None) -> None:
        """Make room on a stack for all that a loop pushes; a stack that was just made is made with it."""
        made = next((s for s in self.statements if isinstance(s, NewStack) and s.name == stack.name), None)
        if made is None or stack.was_used:
            self.statements.append(Reserve(stack.name, size, source))
        else:
            self.statements.remove(made)
            self.statements.append(replace(made, capacity=size))

    def is_own_variable(self, var: Var, value: Atom) -> bool:
        """Whether a scalar is a variable that loops assign, and that is read only once more."""
        here = var in self.definition or var in self.owned
        return here and self.uses[var] == 1 and _name(value) in self.shared.variables

    def lower_loop(self, equation: Equation) -> None:
        start, stop, *inner = equation.operands
        split = equation["consts"]
        body, *tests = equation.regions
        constants = [self.values[v] for v in inner[:split]]
        carried = [self.carry(v, p) for v, p in zip(inner[split:], body.parameters[1 + split :], strict=True)]
        reserved = self.reserve(equation, carried)
        index = self.shared.names.index(body.parameters[0].name)
        arguments = [Position(symbol(index)), *constants, *carried]
        self.shared.loops += 1
        scope, results = self.region(body, arguments, frozenset(body.parameters[1 + split :]))
        scope.rebind(carried, results)
        test: tuple[Statement, ...] = ()
        condition, count = None, ""
        if tests:
            test_scope, (found,) = self.region(tests[0], arguments)
            test, condition = tuple(test_scope.statements), found
            count = self.bind_scalar(equation.results[0], "count")
        self.shared.loops -= 1
        self.shared.names.release(index)
        for stack in reserved:
            stack.has_room = False
        self.statements.append(
            For(index, self.atom(start), self.atom(stop), equation["step"], tuple(scope.statements), test, condition, count,  # type: ignore[arg-type]
                equation.source)
        )  # fmt: skip
        for result, value, last in zip(equation.results[-len(carried) :] if carried else (), carried, results, strict=True):
            self.values[result] = self.after(value, last)
        moved = {v.storage for v in map(self.values.get, equation.results) if isinstance(v, Buffer)} - {
            v.storage for v in carried if isinstance(v, Buffer)
        }
        if any(v.storage in self.shared.borrowed for v in results if isinstance(v, Buffer)):
            self.shared.borrowed |= moved  # they may have changed places

    def after(self, value: Value | Stack, last: Value | Stack) -> Value | Stack:
        """The value that a loop leaves in a carried variable."""
        if isinstance(value, Buffer) and isinstance(last, Buffer) and last.storage != value.storage:
            self.forget_views(value.name)
            return Buffer(value.name, value.type, f"{value.name}'")
        return value

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

    def lower_cond(self, equation: Equation) -> None:
        test, *arguments = equation.operands
        values = [self.values[v] for v in arguments]
        branches = [self.region(region, values) for region in equation.regions]
        (then, then_results), (orelse, else_results) = branches
        targets = [self.join(r, a, b, equation) for r, a, b in zip(equation.results, then_results, else_results, strict=True)]
        then.rebind(targets, then_results)
        orelse.rebind(targets, else_results)
        self.statements.append(If(self.atom(test), tuple(then.statements), tuple(orelse.statements), equation.source))

    def join(self, result: Var, a: Value | Stack, b: Value | Stack, equation: Equation) -> Value | Stack:
        """The variable in which both branches leave a result."""
        if a == b:
            self.values[result] = a
            self.shared.variables.discard(_name(a))  # it may have two readers now
            return a
        if isinstance(result.type, StackType):
            raise LoweringError("the branches of cond leave different stacks")
        name = self.bind_scalar(result, equation.hint or "value")
        if not is_array(result):
            self.shared.variables.add(name)
        elif {v.storage for v in (a, b) if isinstance(v, Buffer)} & self.shared.borrowed:
            self.shared.borrowed.add(name)
        return self.values[result]

    # the end

    def settled(self, parameter: str, result: Var) -> str:
        """Where the result for a parameter's memory is: there, or where no copy to another parameter can touch it."""
        value = self.buffer(result)
        return value.name if value.storage == parameter else str(self.alone(result))

    def copy_back(self, parameter: str, value: str) -> None:
        """Copy a result into the memory of the parameter that is to hold it, unless it is there already."""
        given = self.shared.given.get(parameter, parameter)
        if value != given and not (value == parameter and given == parameter):
            self.statements.append(Call("copy_into", (given, value)))
