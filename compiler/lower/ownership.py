"""Every in-place write made safe: copies are put where an old value, or a view of it, is still needed.

In: a function in which ``update`` and its kin make new arrays. Out: an equal function in which each of them may overwrite its
operand, each loop may overwrite the initial values of what it carries, and results share no memory. ``check_ownership`` proves
it for the outcome.

    fn f(x: f64[n], v: f64[]) -> (f64[n]) {                fn f(x: f64[n], v: f64[]) -> (f64[n]) {
      %0: f64[n] = update x v {spec=(0,)}                    %0: f64[n] = copy x
      return %0                                              %1: f64[n] = update %0 v {spec=(0,)}
    }                                                        return %1
                                                           }

Memory belongs to whoever made it: results of equations that compute, carried values inside a loop, and parameters that are
donated. What CHEAP ops give is a view: it lives in its operand's memory until somebody needs it elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import VerifyError
from ..ir import Equation, Function, StackType, Var
from ..ops import Builder
from .roles import Role, destroyed, is_array, is_flattening, role_of


def own(function: Function, donated: frozenset[int] = frozenset()) -> Function:
    """Insert copies so that every in-place write may destroy its operand; the memory of donated parameters may be taken."""
    return _Owner(function, donated).run()


def check_ownership(function: Function, donated: frozenset[int] = frozenset()) -> Function:
    """Return the function if no destroyed value is read again; raises ``VerifyError`` otherwise."""
    _check(function, donated)
    return function


class Lives:
    """Until when variables are needed, and which show the memory of others."""

    def __init__(self, function: Function) -> None:
        self.end = len(function.equations)
        self.last: dict[Var, int] = {}
        self.base: dict[Var, Var] = {}
        self.views: dict[Var, list[Var]] = {}
        self.flattened: set[Var] = set()  # views that kernels cannot read through
        for position, equation in enumerate(function.equations):
            for operand in equation.operands:
                self.last[operand] = position
            if is_view_of_operand(equation):
                root = self.root(equation.operands[0])
                self.base[equation.result] = root
                self.views.setdefault(root, []).append(equation.result)
                if is_flattening(equation) or equation.operands[0] in self.flattened:
                    self.flattened.add(equation.result)
        for result in function.results:
            self.last[result] = self.end

    def root(self, var: Var) -> Var:
        """The variable in whose memory a view lives."""
        return self.base.get(var, var)

    def late_views(self, var: Var, position: int, equation: Equation) -> list[Var]:
        """The views of a variable that an equation at a position must not overwrite: a kernel that writes may read most of them."""
        reads_itself = role_of(equation) is Role.WRITE
        return [
            view for view in self.views.get(var, ())
            if self.last.get(view, -1) >= position + (reads_itself and view not in self.flattened)
        ]  # fmt: skip


def is_view_of_operand(equation: Equation) -> bool:
    """Whether the result is read from the operand's memory whenever it is read."""
    if not equation.results or not equation.operands or not is_array(equation.results[0]):
        return False
    return (role_of(equation) is Role.CHEAP or is_flattening(equation)) and is_array(equation.operands[0])


def owned_variables(function: Function, donated: frozenset[int]) -> set[Var]:
    """The variables whose memory belongs to the function."""
    owned = {p for k, p in enumerate(function.parameters) if k in donated or isinstance(p.type, StackType)}
    for equation in function.equations:
        if role_of(equation) is not Role.CHEAP and not is_flattening(equation):
            owned.update(equation.results)
    return owned


class _Owner:
    def __init__(self, function: Function, donated: frozenset[int]) -> None:
        self.function, self.donated = function, donated
        self.lives = Lives(function)
        self.owned = owned_variables(function, donated)
        self.builder = Builder(function.parameters)
        self.environment: dict[Var, Var] = {p: p for p in function.parameters}

    def run(self) -> Function:
        for position, equation in enumerate(self.function.equations):
            self.add(position, equation)
        results = self.results()
        return self.builder.finish(self.function.name, results).replace(guards=self.function.guards)

    def copy(self, var: Var, equation: Equation | None = None) -> Var:
        """A copy of the present value of a variable of the old function."""
        self.builder.source = equation.source if equation else None
        return self.builder.emit("copy", self.environment[var])

    def add(self, position: int, equation: Equation) -> None:
        """Add an equation, with the copies that it needs before."""
        taken = self.taken(position, equation)
        operands = [self.environment[v] for v in equation.operands]
        for k in destroyed(equation):
            var = equation.operands[k]
            if not is_array(var):
                continue
            if k in taken:
                self.save_views(var, position, equation)
            elif equation.op != "cond":
                operands[k] = self.copy(var, equation)
        for k, var in enumerate(equation.operands):
            if k not in destroyed(equation):
                operands[k] = self.environment[var]
        regions = tuple(own(r, self.inner_donated(equation, taken, region=k)) for k, r in enumerate(equation.regions))
        results = tuple(self.builder.fresh(r.type) for r in equation.results)
        self.environment.update(zip(equation.results, results, strict=True))
        self.builder.append(equation.replace(operands=tuple(operands), results=results, regions=regions))

    def taken(self, position: int, equation: Equation) -> frozenset[int]:
        """The destroyed operands whose memory the equation may take without a copy."""
        found = set()
        for k in destroyed(equation):
            var = equation.operands[k]
            alone = equation.operands.count(var) == 1
            if var in self.owned and self.lives.last[var] == position and alone:
                if equation.op != "cond" or not self.views_needed(var, position, equation):
                    found.add(k)
        return frozenset(found)

    def views_needed(self, var: Var, position: int, equation: Equation) -> list[Var]:
        """The views of a variable that must outlive its memory."""
        return [view for view in self.lives.late_views(var, position, equation) if view in self.environment]

    def save_views(self, var: Var, position: int, equation: Equation) -> None:
        for view in self.views_needed(var, position, equation):
            self.environment[view] = self.copy(view, equation)
            self.lives.views[var].remove(view)

    def inner_donated(self, equation: Equation, taken: frozenset[int], region: int) -> frozenset[int]:
        """The parameters of a region whose memory it may take."""
        if equation.op == "loop" and region == 0:
            return frozenset(k - 1 for k in destroyed(equation))
        if equation.op == "cond":
            return frozenset(k - 1 for k in taken)
        return frozenset()

    def results(self) -> list[Var]:
        """The results, each array in memory of its own."""
        found: list[Var] = []
        seen: set[Var] = set()
        for var in self.function.results:
            mine = var in self.owned and var not in seen
            found.append(self.environment[var] if mine or not is_array(var) else self.copy(var))
            seen.add(var)
        return found


def _check(function: Function, donated: frozenset[int]) -> None:
    lives, owned = Lives(function), owned_variables(function, donated)
    for position, equation in enumerate(function.equations):
        for k in destroyed(equation):
            _check_destroyed(function, equation, k, position, lives, owned)
        for number, region in enumerate(equation.regions):
            _check(region, _donated_inside(equation, number, owned, lives, position))
    _check_results(function, owned)


def _donated_inside(equation: Equation, region: int, owned: set[Var], lives: Lives, position: int) -> frozenset[int]:
    if equation.op == "loop":
        return frozenset(k - 1 for k in destroyed(equation)) if region == 0 else frozenset()
    return frozenset(
        k - 1
        for k in destroyed(equation)
        if (var := equation.operands[k]) in owned
        and lives.last[var] == position
        and equation.operands.count(var) == 1
        and not lives.late_views(var, position, equation)
    )


def _check_destroyed(function: Function, equation: Equation, k: int, position: int, lives: Lives, owned: set[Var]) -> None:
    var = equation.operands[k]
    if not is_array(var) or equation.op == "cond":
        return
    if var not in owned:
        raise VerifyError(f"in {function.name}: {equation.op} overwrites {var.name}, which is not its own")
    if lives.last[var] > position or equation.operands.count(var) > 1:
        raise VerifyError(f"in {function.name}: {equation.op} overwrites {var.name}, which is still needed")
    for view in lives.late_views(var, position, equation):
        raise VerifyError(f"in {function.name}: {equation.op} overwrites {var.name}, of which {view.name} is a view")


def _check_results(function: Function, owned: set[Var]) -> None:
    arrays: Sequence[Var] = [v for v in function.results if is_array(v)]
    for var in arrays:
        if var not in owned or arrays.count(var) > 1:
            raise VerifyError(f"in {function.name}: the result {var.name} shares memory")
