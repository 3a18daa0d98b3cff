"""What was made of a function: its IR, its source, and how long each stage took."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .compiled import Compiled
from .transforms import jit


@dataclass(frozen=True)
class Stages:
    """Each stage of a program as text, and the seconds that each took."""

    traced: str
    optimised: str
    source: str
    seconds: dict[str, float]

    def __str__(self) -> str:
        times = ", ".join(f"{name} {1000 * value:.1f} ms" for name, value in self.seconds.items())
        return f"traced:\n{self.traced}\noptimised:\n{self.optimised}\nsource:\n{self.source}\ntimes: {times}"


def _compiled(fun: Any) -> Compiled:
    return fun if isinstance(fun, Compiled) else jit(fun)


def ir(fun: Any, *args: Any, **kwargs: Any) -> str:
    """The IR of a function, as traced; of ``grad(f)`` and its like, value and gradient together.

    The arguments are arrays, or specs such as ``spec("f64[n, 3]")``.

    >>> from jitgrad import spec
    >>> print(ir(lambda x: x + x, spec("f64[n]")))
    fn function(x: f64[n]) -> (f64[n]) {
      %0: f64[n] = add x x
      return %0
    }
    <BLANKLINE>
    """
    compiled = _compiled(fun)
    return str(compiled.trace(compiled.arguments(args, kwargs)).function)


def source(fun: Any, *args: Any, **kwargs: Any) -> str:
    """The Python source that is compiled for a function of such arguments (arrays or specs)."""
    return stages(fun, *args, **kwargs).source


def stages(fun: Any, *args: Any, **kwargs: Any) -> Stages:
    """All stages of a function for such arguments (arrays or specs), compiled."""
    compiled = _compiled(fun)
    program = compiled.compile(compiled.arguments(args, kwargs))
    built = program.built
    return Stages(str(program.function), str(built.function), built.emitted.source, program.seconds)
