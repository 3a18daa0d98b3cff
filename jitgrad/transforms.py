"""``jit``, ``grad`` and the other transforms; signatures and behaviour are JAX's.

Each returns a function that may be called with arrays, when it is compiled, or inside a function that is being traced, when it
becomes a part of that program. All nest, to any order.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

from .compiled import Compiled, CompiledModule
from .compiler.trace.state import current_trace
from .compiler.tree import NODES

Function = Callable[..., Any]


def _name(function: Function) -> str:
    name = getattr(function, "__name__", type(function).__name__)
    return name if name.isidentifier() else "function"


def call(function: Function) -> Function:
    """A function as it runs in a trace; the tracer is loaded now."""
    from .compiler.trace.calls import call

    return call(function)


def jit(
    fun: Function | None = None,
    *,
    static_argnums: int | Sequence[int] = (),
    static_argnames: str | Sequence[str] = (),
    target: str = "cpu",
) -> Any:
    """Compile a function.

    Parameters
    ----------
    fun : a function of arrays, numbers and pytrees of them, written with NumPy.
    static_argnums, static_argnames : arguments whose values are part of the program; a new value compiles anew.
    target : "cpu" or "cuda", for an NVIDIA GPU with numba-cuda; arrays go in and come out on the host all the same.

    Returns a function of the same arguments and results.

    >>> import numpy as np
    >>> @jit
    ... def f(x):
    ...     return np.sin(x) ** 2 + np.cos(x) ** 2
    >>> f(np.arange(3.0))
    array([1., 1., 1.])
    """
    if fun is None:
        return lambda f: jit(f, static_argnums=static_argnums, static_argnames=static_argnames, target=target)
    if not callable(fun):
        raise TypeError(f"jit takes a function, found {fun!r}")
    numbers, names = _static(fun, static_argnums, static_argnames)
    if type(fun) in NODES:
        return CompiledModule(fun, _known(target), numbers, names)
    return Compiled(fun, lambda *a, **k: call(fun)(*a, **k), _name(fun), _known(target), numbers, names)


def _static(fun: Function, numbers: int | Sequence[int], names: str | Sequence[str]) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """The static parameters by number and by name, each in both ways where it has both; refuses those that the function lacks."""
    numbers = (numbers,) if isinstance(numbers, int) else tuple(numbers)
    names = (names,) if isinstance(names, str) else tuple(names)
    try:
        parameters = list(inspect.signature(fun).parameters.values()) if numbers or names else []
    except (TypeError, ValueError):  # builtins without a signature
        parameters = []
    kinds = {parameter.kind for parameter in parameters}
    positional = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    named = [p.name for p in parameters if p.kind in (p.KEYWORD_ONLY, p.POSITIONAL_OR_KEYWORD)]
    if parameters:
        for name in names:
            if name not in named and inspect.Parameter.VAR_KEYWORD not in kinds:
                raise ValueError(
                    f"static_argnames: {_name(fun)} has no parameter {name!r}; it has {', '.join(map(repr, named))}"
                )
        for number in numbers:
            if not -len(positional) <= number < len(positional) and inspect.Parameter.VAR_POSITIONAL not in kinds:
                raise ValueError(f"static_argnums: {_name(fun)} has no positional parameter {number}; it has {len(positional)}")
    by_number = [positional[k] for k in numbers if -len(positional) <= k < len(positional)]
    by_name = [positional.index(name) for name in names if name in positional]
    return tuple(dict.fromkeys([*numbers, *by_name])), tuple(dict.fromkeys([*names, *(n for n in by_number if n in named)]))


def _known(target: str) -> str:
    if target not in ("cpu", "cuda"):
        raise ValueError(f'target is "cpu" or "cuda", found {target!r}')
    return target


def grad(fun: Function | None = None, argnums: int | Sequence[int] = 0, has_aux: bool = False, *, target: str = "cpu") -> Any:
    """The gradient of a scalar function.

    Parameters
    ----------
    fun : a function that returns one scalar, or with ``has_aux`` a pair (scalar, anything).
    argnums : the positional argument, or arguments, to differentiate; pytrees of float32 or float64.
    target : "cpu" or "cuda", as for ``jit``.

    Returns a function that gives the gradient in the structure, shapes and dtypes of the argument (a tuple of them if ``argnums`` is
    a sequence), or (gradient, aux). Raises TypeError for a loss that is no scalar and for integer arguments.

    >>> import numpy as np
    >>> grad(lambda x: np.sum(3 * (x + 2) ** 2))(np.ones(2))
    array([18., 18.])
    """
    if fun is None:
        return lambda f: grad(f, argnums, has_aux, target=target)

    def gradient(*args: Any, **kwargs: Any) -> Any:
        value, gradients = _value_and_gradients(fun, argnums, has_aux, args, kwargs)
        return (gradients, value[1]) if has_aux else gradients

    return Compiled(_checked(fun, "grad"), gradient, f"grad_{_name(fun)}", _known(target))


def value_and_grad(
    fun: Function | None = None, argnums: int | Sequence[int] = 0, has_aux: bool = False, *, target: str = "cpu"
) -> Any:
    """The value of a scalar function together with its gradient; the parameters are those of ``grad``.

    >>> import numpy as np
    >>> value_and_grad(lambda x: np.sum(x**2))(np.array([1.0, 2.0]))
    (np.float64(5.0), array([2., 4.]))
    """
    if fun is None:
        return lambda f: value_and_grad(f, argnums, has_aux, target=target)

    def both(*args: Any, **kwargs: Any) -> Any:
        return _value_and_gradients(fun, argnums, has_aux, args, kwargs)

    return Compiled(_checked(fun, "value_and_grad"), both, f"value_and_grad_{_name(fun)}", _known(target))


def _checked(fun: Any, transform: str) -> Function:
    if not callable(fun):
        raise TypeError(f"{transform} takes a function, found {fun!r}")
    return fun


def _value_and_gradients(fun: Function, argnums: Any, has_aux: bool, args: Any, kwargs: Any) -> Any:
    from .compiler.transforms import value_and_gradients

    return value_and_gradients(fun, argnums, has_aux, args, kwargs)


def jvp(fun: Function, primals: Sequence[Any], tangents: Sequence[Any], has_aux: bool = False) -> Any:
    """The value of a function and its derivative in one direction (forward mode).

    Returns ``(fun(*primals), tangent)``, and aux as a third if ``has_aux``. Nothing is saved on the way.

    >>> import numpy as np
    >>> jvp(np.sin, (np.zeros(2),), (np.ones(2),))
    (array([0., 0.]), array([1., 1.]))
    """
    if not isinstance(primals, (tuple, list)) or not isinstance(tangents, (tuple, list)):
        raise TypeError("jvp: primals and tangents are tuples of arguments, as in jvp(f, (x,), (dx,))")
    return _pushforward(fun, has_aux)(tuple(primals), tuple(tangents))


@functools.lru_cache(maxsize=512)
def _pushforward(fun: Function, has_aux: bool) -> Compiled:
    def push(primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> Any:
        from .compiler.transforms import forward

        return forward(fun, primals, tangents, has_aux)

    return Compiled(push, push, f"jvp_{_name(fun)}")


def vjp(fun: Function, *primals: Any, has_aux: bool = False) -> Any:
    """The value of a function and the function that pulls a cotangent of it back (reverse mode).

    Returns ``(fun(*primals), pullback)``, and aux as a third if ``has_aux``; ``pullback(cotangent)`` is a tuple with the gradient for
    each argument.

    >>> import numpy as np
    >>> y, pullback = vjp(lambda x: 2 * x, np.zeros(3))
    >>> pullback(np.array([1.0, 2.0, 3.0]))
    (array([2., 4., 6.]),)
    """
    if current_trace() is not None:
        from .compiler.transforms import pullback

        return pullback(fun, primals, has_aux)
    run, pull = _pullback(fun, has_aux)
    point = _snapshot(primals)
    result = run(*primals)
    value = result[0] if has_aux else result

    def pull_back(cotangent: Any) -> tuple[Any, ...]:
        return pull(point, _like(cotangent, value))

    return (value, pull_back, result[1]) if has_aux else (value, pull_back)


def _snapshot(primals: tuple[Any, ...]) -> tuple[Any, ...]:
    """The arguments as they are now, whatever is written into their arrays later; an array given twice stays one."""
    import numpy as np

    from .compiler.tree import flatten

    leaves, tree = flatten(primals)
    copies = {id(leaf): leaf.copy() for leaf in leaves if isinstance(leaf, np.ndarray)}
    return tree.unflatten([copies.get(id(leaf), leaf) for leaf in leaves])  # type: ignore[no-any-return]


def _like(cotangent: Any, value: Any) -> Any:
    """A cotangent given as Python numbers or lists, as arrays of the result's dtype."""
    import numpy as np

    from .compiler.tree import flatten

    leaves, tree = flatten(value)
    if len(leaves) == 1 and isinstance(cotangent, (int, float, list)) and tree.paths() == [()]:
        return np.asarray(cotangent, np.asarray(leaves[0]).dtype)[()]
    return cotangent


@functools.lru_cache(maxsize=512)
def _pullback(fun: Function, has_aux: bool) -> tuple[Compiled, Compiled]:
    def pull(primals: tuple[Any, ...], cotangent: Any) -> Any:
        from .compiler.transforms import pullback

        return pullback(fun, primals, has_aux)[1](cotangent)

    return jit(fun), Compiled(pull, pull, f"vjp_{_name(fun)}")


def stop_gradient(x: Any) -> Any:
    """The identity, whose derivative is zero; takes pytrees.

    >>> import numpy as np
    >>> grad(lambda x: x * stop_gradient(x))(3.0)
    np.float64(3.0)
    """
    if current_trace() is None:
        return x
    from .compiler.trace.context import active_trace
    from .compiler.trace.promotion import as_tracer
    from .compiler.trace.tracer import Tracer, new
    from .compiler.tree import map_leaves

    def stop(leaf: Any) -> Any:
        if not isinstance(leaf, Tracer):
            return leaf
        return new(active_trace().emit("stop_gradient", as_tracer(leaf).value), weak=leaf.weak, scalar=leaf.is_scalar)

    return map_leaves(stop, x)


class custom_vjp:
    """A function whose backward pass is given by hand.

    >>> import numpy as np
    >>> @custom_vjp
    ... def clipped(x):
    ...     return np.minimum(x, 1.0)
    >>> clipped.defvjp(lambda x: (np.minimum(x, 1.0), x), lambda x, ct: (np.where(x < 2.0, ct, 0.0),))
    >>> grad(lambda x: np.sum(clipped(x)))(np.array([0.0, 1.5, 3.0]))
    array([1., 1., 0.])
    """

    def __init__(self, fun: Function) -> None:
        functools.update_wrapper(self, fun, updated=())
        self.fun = _checked(fun, "custom_vjp")
        self.rules: tuple[Function, Function] | None = None
        self._compiled = Compiled(fun, self._in_trace, _name(fun))

    def defvjp(self, fwd: Function, bwd: Function) -> None:
        """Give the two passes: ``fwd(*args) -> (result, saved)`` and ``bwd(saved, cotangent) -> gradients``, a tuple with one per
        argument (None is zero)."""
        self.rules = (fwd, bwd)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if kwargs:
            raise TypeError(f"{_name(self.fun)} has a custom derivative and takes positional arguments only")
        return self._compiled(*args)

    def _in_trace(self, *args: Any) -> Any:
        from .compiler.trace.context import active_trace
        from .compiler.trace.custom import custom_call

        if self.rules is None:
            raise TypeError(f"{_name(self.fun)} has no derivative yet: call {_name(self.fun)}.defvjp(fwd, bwd)")
        expanding = active_trace().expanding
        if id(self) in expanding:  # the forward function calls the function itself
            return call(self.fun)(*args)
        expanding.add(id(self))
        try:
            return custom_call(self.fun, *self.rules, args)
        finally:
            expanding.remove(id(self))


def checkpoint(fun: Function | None = None) -> Any:
    """The same function; reverse mode keeps only its arguments and computes the rest again.

    >>> import numpy as np
    >>> grad(lambda x: checkpoint(np.sin)(x))(0.0)
    np.float64(1.0)
    """
    if fun is None:
        return checkpoint

    def in_trace(*args: Any, **kwargs: Any) -> Any:
        from .compiler.trace.inner import checkpointed

        return checkpointed(functools.partial(fun, **kwargs) if kwargs else fun, args)

    return Compiled(_checked(fun, "checkpoint"), in_trace, _name(fun))
