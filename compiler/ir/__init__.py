"""The intermediate representation: sizes, types, functions and their text.

In the order of reading: ``sizes`` (integers known only at run time), ``bounds`` (what follows from theirs), ``types`` (dtype and shape of a value), ``function``
(variables, equations, functions), ``integers`` (what the integers of one are), ``text`` (printing) and ``parse`` (the way back). What an op means is in ``..ops``.
"""

from .function import Equation, Function, Guard, SourceLine, Var
from .parse import parse
from .sizes import Dim, Size, symbol
from .text import function_text
from .types import ArrayType, StackType, Type

__all__ = [
    "ArrayType",
    "Dim",
    "Equation",
    "Function",
    "Guard",
    "Size",
    "SourceLine",
    "StackType",
    "Type",
    "Var",
    "function_text",
    "parse",
    "symbol",
]
