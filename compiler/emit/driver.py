"""The driver: one Python function that allocates, launches kernels, calls libraries, and holds the scalar loops."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..ir import ArrayType, Dim
from ..ir.sizes import Size, single_symbol, symbols
from ..lower.program import (
    Allocate,
    Atom,
    Bind,
    Call,
    Check,
    Clear,
    For,
    If,
    Inside,
    Launch,
    Let,
    Load,
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
    Remember,
    Reserve,
    Statement,
    Store,
    View,
    Wrap,
    atoms,
    walk,
)  # fmt: skip
from .code import Code, count_readers, element_text
from .expressions import atom_text, dim_text, dtype_text
from .nests import store_line, wrap_lines

MOST_EXPRESSIONS = 30  # operands side by side in one call or tuple, of which some may be expressions


def driver_lines(program: Program, functions: set[str]) -> list[str]:
    """The text of the driver, without decorator."""
    return _Driver(program, functions).lines()


class _Driver:
    def __init__(self, program: Program, functions: set[str]) -> None:
        self.program, self.functions = program, functions
        statements = list(walk(program.body))
        returned = Bind((), program.results)
        pinned = pinned_names(statements) | crowded_names([*statements, returned])
        self.code = Code(count_readers([*statements, returned]), pinned, functions)

    def lines(self) -> list[str]:
        names = ", ".join(p.name for p in self.program.parameters)
        with self.code.block(f"def {self.program.name}({names}):"):
            self.sizes()
            self.statements(self.program.body)
            self.code.flush()
            self.code.line(f"return {', '.join(self.text(r) for r in self.program.results)}".rstrip())
        return self.code.lines

    def text(self, value: str | Atom) -> str:
        """A name or a number."""
        return value if isinstance(value, str) else self.code.atom(value).text

    def sizes(self) -> None:
        """Read sizes off shapes, and refuse arguments that do not fit the types or the guards."""
        bound: set[str] = set()
        checked = [parameter for parameter in self.program.parameters if not self._binds(parameter, bound)]
        for parameter in checked:
            self.functions.add("guards.expect_shape")
            self.code.line(f"expect_shape({parameter.name}, {shape_text(parameter.type)})")
        for guard in self.program.guards:
            if isinstance(guard.left, int) and isinstance(guard.right, int) and guard.holds({}):
                continue
            self.functions.add("guards.expect")
            self.code.line(f"expect({dim_text(guard.left)} {guard.relation} {dim_text(guard.right)})")

    def _binds(self, parameter: Parameter, bound: set[str]) -> bool:
        """Whether all sizes of a parameter are new; the new ones are read off its shape."""
        shape = [single_symbol(dim) for dim in parameter.type.shape]
        new = [name is not None and name not in bound and name not in shape[:axis] for axis, name in enumerate(shape)]
        if len(shape) > 1 and all(new):
            self.code.line(f"{', '.join(map(str, shape))} = {parameter.name}.shape")
        else:
            for axis, name in enumerate(shape):
                if new[axis]:
                    self.code.line(f"{name} = {parameter.name}.shape[{axis}]")
        bound.update(name for name in shape if name is not None)
        return all(new)

    def statements(self, statements: Iterable[Statement]) -> None:
        for statement in statements:
            self.statement(statement)

    def statement(self, s: Statement) -> None:
        """Write one statement."""
        code = self.code
        match s:
            case Let() | Load():
                code.scalar(s)
                return
            case Store():
                store_line(code, s)
                return
            case Wrap():
                wrap_lines(code, s)
                return
        write = getattr(self, f"write_{type(s).__name__.lower()}")
        write(s)

    def write_allocate(self, s: Allocate) -> None:
        self.code.flush()
        function = "buffers.zeros" if s.zero else "buffers.empty"
        self.functions.add(function)
        self.code.line(f"{s.name} = {function.partition('.')[2]}({shape_text(s.type)}, {dtype_text(s.type.dtype)})", s.source)

    def write_clear(self, s: Clear) -> None:
        self.code.flush()
        self.functions.add("buffers.clear")
        self.code.line(f"clear({s.name})", s.source)

    def write_view(self, s: View) -> None:
        self.code.flush()
        if s.offset is not None:
            self.functions.add("buffers.within")
            text = f"within({s.base}, {dim_text(s.offset)}, {shape_text(s.type)})"
        elif s.positions:
            text = element_text(s.base, s.positions)
        else:
            self.functions.add("buffers.view")
            text = f"view({s.base}, {shape_text(s.type)})"
        self.code.line(f"{s.name} = {text}", s.source)

    def write_launch(self, s: Launch) -> None:
        scalars = [self.text(atom) for atom in s.scalars]
        self.code.flush()
        call = f"{s.kernel.name}({', '.join([*s.buffers, *scalars])})"
        self.code.line(f"{', '.join(s.results)} = {call}" if s.results else call, s.source)

    def write_product(self, s: Product) -> None:
        self.code.flush()
        one, beta = ("1.0", f"{float(s.beta)}") if s.dtype.kind == "f" else ("1", str(s.beta))
        match s.ranks:
            case (2, 2):
                self.functions.add("blas.gemm")
                flags = ", ".join(map(str, s.transposed))
                self.code.line(f"gemm({s.out}, {s.a}, {s.b}, {flags}, {one}, {beta})", s.source)
            case (2, 1):
                self.functions.add("blas.gemv")
                self.code.line(f"gemv({s.out}, {s.a}, {s.b}, {s.transposed[0]}, {one}, {beta})", s.source)
            case (1, 2):
                self.functions.add("blas.gemv")
                self.code.line(f"gemv({s.out}, {s.b}, {s.a}, {not s.transposed[1]}, {one}, {beta})", s.source)
            case _:
                self.functions.add("blas.dot")
                self.code.line(f"{s.out} = dot({s.a}, {s.b})", s.source)

    def write_products(self, s: Products) -> None:
        self.code.flush()
        self.functions.add("blas.gemms")
        sizes, *steps = (f"({', '.join(map(dim_text, dims))})" for dims in (s.sizes, *s.steps))
        self.code.line(f"gemms({s.out}, {s.a}, {s.b}, {sizes}, {', '.join(steps)})", s.source)

    def write_call(self, s: Call) -> None:
        arguments = ", ".join(self.text(a) for a in s.arguments)
        self.code.flush()
        function = s.function if "." in s.function else f"numeric.{s.function}"
        self.functions.add(function)
        left = f"{', '.join(s.results)} = " if s.results else ""
        self.code.line(f"{left}{function}({arguments})", s.source)

    def write_bind(self, s: Bind) -> None:
        values = [self.text(value) for value in s.values]
        self.code.flush()
        for names, texts in _sequential(s.names, values):
            self.code.line(f"{', '.join(names)} = {', '.join(texts)}", s.source)

    def write_for(self, s: For) -> None:
        bounds = [self.text(s.start), self.text(s.stop)]
        if s.step != 1:
            bounds.append(str(s.step))
        elif bounds[0] == "0":
            bounds.pop(0)
        if s.count:
            self.code.flush()
            self.code.line(f"{s.count} = 0")
        with self.code.block(f"for {s.index} in range({', '.join(bounds)}):", s.source):
            if s.condition is not None:
                self.statements(s.test)
                condition = self.code.atom(s.condition)
                with self.code.block(f"if not {condition.inside(12)}:"):
                    self.code.line("break")
            self.statements(s.body)
            if s.count:
                self.code.flush()
                self.code.line(f"{s.count} += 1")

    def write_inside(self, s: Inside) -> None:
        self.code.flush()
        tests = [f"0 <= {dim_text(dim)} < {_tight(span.size)}" for span in s.spans for dim in (span.first, span.last)]
        self.code.line(f"{s.name} = {' and '.join(dict.fromkeys(tests))}")

    def write_if(self, s: If) -> None:
        test = self.text(s.test)
        then, orelse = s.then, s.orelse
        if not then and not orelse:
            return
        if not then:
            test, then, orelse = f"not {self.parenthesised(test)}", orelse, ()
        with self.code.block(f"if {test}:", s.source):
            self.statements(then)
        if orelse:
            with self.code.block("else:"):
                self.statements(orelse)

    def parenthesised(self, text: str) -> str:
        return text if text.isidentifier() else f"({text})"

    def write_check(self, s: Check) -> None:
        test, operands = self.code.atom(s.test), [self.text(o) for o in s.operands]
        with self.code.block(f"if not {test.inside(12)}:", s.source):
            if operands:
                self.functions.add("texts.tell")
                self.code.line(f"tell({s.message!r}, ({''.join(f'{operand}, ' for operand in operands).rstrip()}))")
            self.code.line(f"raise {s.kind}({s.message!r})")

    def write_print(self, s: Print) -> None:
        operands = [self.text(o) for o in s.operands]
        self.code.flush()
        function = "warn" if s.warning else "show"
        self.functions.add(f"texts.{function}")
        category = f"{s.warning!r}, " if s.warning else ""
        self.code.line(
            f"{function}({category}{s.text!r}, ({''.join(f'{operand}, ' for operand in operands).rstrip()}))", s.source
        )

    def write_newstack(self, s: NewStack) -> None:
        self.code.flush()
        if s.capacity is None:
            self.functions.add("arrays.remembered")
        room = f"remembered({s.place})" if s.capacity is None else dim_text(s.capacity)
        self.functions.add("buffers.empty")
        self.code.line(f"{s.name} = empty({room}, {dtype_text(s.dtype)})", s.source)
        self.code.line(f"{s.name}_top = 0")

    def write_reserve(self, s: Reserve) -> None:
        self.code.flush()
        self.functions.add("arrays.grow")
        needed = f"{s.stack}_top + {_tight(s.size)}"
        with self.code.block(f"if {s.stack}.size < {needed}:", s.source):
            self.code.line(f"{s.stack} = grow({s.stack}, {needed})")

    def write_remember(self, s: Remember) -> None:
        self.code.flush()
        self.functions.add("arrays.remember")
        self.code.line(f"remember({s.place}, {s.stack}_top)")

    def write_push(self, s: Push) -> None:
        value = "" if s.value is None else self.text(s.value)
        self.code.flush()
        top = s.top
        if s.value is None:
            pass
        elif isinstance(s.value, str):
            self.functions.add("numeric.write_flat")
            self.functions.add("buffers.view")
            self.code.line(f"numeric.write_flat({s.stack}, {top}, view({value}, {value}.size))", s.source)
        else:
            self.code.line(f"{s.stack}[{top}] = {value}", s.source)
        self.code.line(f"{top} += {_tight(s.size)}")

    def write_pop(self, s: Pop) -> None:
        self.code.flush()
        top = f"{s.stack}_top"
        self.code.line(f"{top} -= {_tight(s.type.size)}")
        if s.type.shape:
            self.functions.add("buffers.within")
            self.code.line(f"{s.name} = within({s.stack}, {top}, {shape_text(s.type)})", s.source)
        else:
            self.code.line(f"{s.name} = {s.stack}[{top}]", s.source)


def _sequential(names: tuple[str, ...], values: list[str]) -> Iterator[tuple[list[str], list[str]]]:
    """Simultaneous assignments one after the other where none reads what an earlier one assigns."""
    import re

    words = [set(re.findall(r"\w+", value)) for value in values]
    if any(name in later for k, name in enumerate(names) for later in words[k + 1 :]):
        yield list(names), values
    else:
        for name, value in zip(names, values, strict=True):
            yield [name], [value]


def shape_text(type: ArrayType) -> str:
    """A shape as an argument."""
    dims = ", ".join(map(dim_text, type.shape))
    return dims if len(type.shape) == 1 else f"({dims})"


def _tight(dim: Dim) -> str:
    text = dim_text(dim)
    return f"({text})" if isinstance(dim, Size) and not text.isidentifier() else text


def pinned_names(statements: list[Statement]) -> frozenset[str]:
    """The names that positions, shapes and statements other than expressions mention: they must be variables."""
    found: set[str] = set()

    def dim(d: Dim) -> None:
        found.update(symbols(d))

    for statement in statements:
        for read in atoms(statement):
            if isinstance(read, Position):
                dim(read.dim)
        match statement:
            case Load(index=index) | Store(index=index) | View(positions=index):
                for d in index:
                    dim(d)
        if isinstance(statement, View) and statement.offset is not None:
            dim(statement.offset)
        match statement:
            case Allocate(type=type) | View(type=type) | Pop(type=type):
                for d in type.shape:
                    dim(d)
            case Inside(spans=spans):
                for d in (d for span in spans for d in (span.first, span.last, span.size)):
                    dim(d)
            case Products(sizes=sizes, steps=steps):
                for d in (d for dims in (sizes, *steps) for d in dims):
                    dim(d)
            case Bind(names=names):
                found.update(names)
            case Push(size=size) | Reserve(size=size) | Wrap(size=size) | NewStack(capacity=size) if size is not None:
                dim(size)
    return frozenset(found)


def crowded_names(statements: list[Statement]) -> frozenset[str]:
    """The scalars that stand side by side in a call or tuple of so many that numba cannot read expressions with branches among them.

    Python 3.11 builds more than 30 operands step by step as a list, and numba follows that inside one basic block only.
    """
    found: set[str] = set()
    for statement in statements:
        read = atoms(statement)
        if len(read) + len(statement.buffers if isinstance(statement, Launch) else ()) > MOST_EXPRESSIONS:
            found.update(atom.name for atom in read if isinstance(atom, Local))
    return frozenset(found)


__all__ = ["atom_text", "driver_lines"]
