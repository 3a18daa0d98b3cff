"""Fresh names for emitted code: the user's where they are free, numbered where they are not."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Iterable

_MODULES = {"np", "math", "njit", "cuda", "device", "gpu", "lapack", "numeric", "special"}
_FUNCTIONS = {
    "gemm",
    "gemms",
    "gemv",
    "ger",
    "dot",
    "empty",
    "zeros",
    "view",
    "within",
    "grow",
    "add_any_order",
    "rounding_error",
    "with_error",
    "larger",
    "smaller",
    "masked_mul",
}
_BLOCKS = {f"block_{op}" for op in ("sum", "prod", "max", "min", "all", "any", "argmax", "argmin")}
RESERVED = frozenset(keyword.kwlist) | frozenset(dir(builtins)) | _MODULES | _FUNCTIONS | _BLOCKS


INDICES = "ijklpqr"


class Names:
    """The names taken so far in one scope; deterministic in the order of requests."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self.taken = {*RESERVED, *taken}
        self._next: dict[str, int] = {}

    def index(self, wish: str) -> str:
        """A name for the index of a loop: a letter of its own for each loop around."""
        letter = next((c for c in INDICES if c not in self.taken), None)
        if not re.fullmatch(r"_?[a-z]?(_\d+)*", wish) or letter is None:
            return self.fresh(wish)
        self.taken.add(letter)
        return letter

    def release(self, name: str) -> None:
        """Let a name be used again."""
        self.taken.discard(name)
        self._next.pop(name, None)

    def fresh(self, wish: str) -> str:
        """The wished name made an identifier, with a number of its own if it is taken."""
        base = re.sub(r"(_\d+)+$", "", identifier(wish)) or "t"
        name, number = base, self._next.get(base, 2)
        while name in self.taken:
            name = f"{base}_{number}"
            number += 1
        self._next[base] = number
        self.taken.add(name)
        return name


def identifier(text: str) -> str:
    """The text with everything that cannot stand in a name replaced."""
    cleaned = re.sub(r"\W+", "_", text, flags=re.ASCII).strip("_")
    return cleaned if cleaned and not cleaned[0].isdigit() else f"t{cleaned}"
