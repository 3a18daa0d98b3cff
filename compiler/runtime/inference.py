"""What adopted functions ask of numba's type inference is answered once.

In: numba's context of types. Out: one that remembers the signatures of builtin functions: `a * b` for two floats is looked up among all that `*` may
mean, in every function and twice for each place where it stands, which is a third of what type inference takes.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from numba.core import types
from numba.core.typing import Signature
from numba.core.typing.context import Context

_signatures: dict[tuple[Any, ...], Signature] = {}


class ObjectTypes(Context):
    """numba's context of types for adopted functions. Made from an existing one, with which it shares what is registered there."""

    @classmethod
    def of(cls, context: Context) -> ObjectTypes:
        """A context like this one."""
        made = copy.copy(context)
        made.__class__ = cls
        return made

    def resolve_function_type(self, func: Any, args: tuple[types.Type, ...], kws: Mapping[str, types.Type]) -> Signature | None:
        """The signature of a function for arguments of these types."""
        if type(func) is not types.Function:
            return super().resolve_function_type(func, args, kws)
        if chooses_size(func, args):
            return Signature(types.intp, (types.intp,) * len(args), None)
        key = (func, tuple(args), tuple(kws.items()))
        if key not in _signatures:
            found = super().resolve_function_type(func, args, kws)
            if found is None:
                return None
            _signatures[key] = found
        return _signatures[key]


def chooses_size(function: types.Type, args: tuple[types.Type, ...]) -> bool:
    """Whether a call of `min` or `max` is one of sizes. numba compiles a function for each such call, and copies it into the caller."""
    return (
        isinstance(function, types.Function)
        and function.typing_key in (min, max)
        and len(args) > 1
        and all(types.unliteral(kind) == types.intp for kind in args)
    )
