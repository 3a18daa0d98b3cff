"""Scalar expressions in a CUDA kernel.

Operators read as on the CPU. Functions come from ``math``, which numba maps to CUDA's own library in the precision of the
operand, or from ``runtime/device.py``.
"""

from __future__ import annotations

from ...ir.types import F64, I64
from ...lower.program import Let, Load
from ...runtime.functions import SPECIAL
from ..code import Code, element_text
from ..expressions import Text, dtype_text, operand_dtype, operator_text, template

MATH = {
    **dict.fromkeys(("sqrt", "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "erf", "erfc", "lgamma")),
    **dict.fromkeys(("sin", "cos", "tan", "sinh", "cosh", "tanh", "hypot")),
    **dict.fromkeys(("floor", "ceil", "fmod", "copysign", "isinf", "isfinite")),
    "arcsin": "asin", "arccos": "acos", "arctan": "atan", "arctan2": "atan2",
    "arcsinh": "asinh", "arccosh": "acosh", "arctanh": "atanh",
}  # fmt: skip
# operators that are undefined on the device where NumPy has a result, such as 0 for 1 // 0
_UNDEFINED = {(op, kind) for op in ("floor_divide", "remainder", "pow") for kind in "iu"} | {("floor_divide", "f")}


class DeviceCode(Code):
    """Lines of a kernel."""

    def _text(self, step: Let | Load) -> Text:
        if isinstance(step, Load):
            return Text(element_text(step.buffer, step.index))
        return device_text(step, [self.atom(operand) for operand in step.operands], self.functions)


def device_text(let: Let, operands: list[Text], functions: set[str]) -> Text:
    """The expression of a Let; the modules of functions that it calls are added to ``functions``."""
    dtype = operand_dtype(let)
    text = template(let.op, dtype)
    operator = text and "np." not in text and (let.op, dtype.kind) not in _UNDEFINED
    if let.op == "convert" or operator:
        return operator_text(let, operands)
    if let.op in MATH and dtype.kind == "f":
        module, name = "math", MATH[let.op] or let.op
    else:
        module, name = "device", let.op if dtype.kind == "f" else f"integer_{let.op}"
    functions.add(module)
    call = f"{module}.{name}({', '.join(o.text for o in operands)})"
    widened = let.op in ("digamma", "polygamma", *SPECIAL) or let.dtype.kind in "iu"
    return Text(f"{dtype_text(let.dtype)}({call})" if widened and let.dtype != I64 and let.dtype != F64 else call)
