"""What can go wrong: a function without source, and a construct that jitgrad does not rewrite."""

import ast
import types

from ...errors import UnsupportedError


class SourceUnavailable(TypeError):
    """The source of a function cannot be found, so its loops and branches cannot be compiled."""

    def __init__(self, function: object, reason: str = "its source text cannot be found") -> None:
        self.function = function
        name = getattr(function, "__qualname__", repr(function))
        where = ""
        if isinstance(function, types.FunctionType):
            where = f" ({function.__code__.co_filename}:{function.__code__.co_firstlineno})"
        super().__init__(f"cannot compile {name}{where}: {reason}. Define it in a file or in a notebook cell.")


class Unsupported(UnsupportedError):
    """A construct that cannot be rewritten; `filename` and `lineno` say where it stands."""

    def __init__(self, node: ast.AST, message: str, filename: str | None = None) -> None:
        self.node, self.message, self.filename = node, message, filename
        self.lineno: int = getattr(node, "lineno", 0)
        super().__init__(f"{filename or '<unknown>'}:{self.lineno}: {message}")

    def within(self, filename: str) -> "Unsupported":
        """The same complaint, with the name of the file."""
        return Unsupported(self.node, self.message, filename)
