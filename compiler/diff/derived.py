"""Written by ``python -m jitgrad.compiler.diff.derive``: derivatives of the ops, as SymPy derives them."""

DERIVED: dict[str, tuple[str, ...]] = {
    "exp(x)": ("exp(x)",),
    "exp(x) - 1": ("exp(x)",),
    "log(x)": ("1 / x",),
    "log(1 + x)": ("1 / (1 + x)",),
    "sin(x)": ("cos(x)",),
    "cos(x)": ("-sin(x)",),
    "tan(x)": ("1 + tan(x) ** 2",),
    "atan(x)": ("1 / (1 + x ** 2)",),
    "sinh(x)": ("cosh(x)",),
    "cosh(x)": ("sinh(x)",),
    "tanh(x)": ("1 - tanh(x) ** 2",),
    "erf(x)": ("1.1283791670955126 * exp(-x ** 2)",),
    "erfc(x)": ("-(1.1283791670955126 * exp(-x ** 2))",),
}
