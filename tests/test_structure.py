"""Who imports whom: the compiler's imports point one way, and heavy packages are imported late, in one place each."""

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
COMPILER = ROOT / "compiler"
FILES = sorted(COMPILER.rglob("*.py"))

# A module imports only modules of its own part and of lower rank. Leaves import nothing of the compiler.
RANKS = {
    "errors": 0,
    "store": 0,
    "syntax": 0,
    "tree": 0,
    "ir": 1,
    "runtime": 1,
    "ops": 2,
    "trace": 3,
    "diff": 3,
    "passes": 3,
    "lower": 3,
    "transforms": 4,
    "emit": 4,
    "load": 5,
    "launch": 6,
    "pipeline": 7,
}
MAY_IMPORT = {
    "sympy": ("diff",),
    "numba": ("load", "launch", "runtime"),
    "llvmlite": ("runtime",),
    "torch": (),
    "jax": (),
    "sklearn": (),
}


def part(path: Path) -> str:
    """The part of the compiler that a file belongs to: "trace", "load"; "" for compiler/__init__.py."""
    first = path.relative_to(COMPILER).parts[0].removesuffix(".py")
    return "" if first == "__init__" else first


def imported(path: Path) -> Iterator[str]:
    """The full names of the modules that a file imports anywhere: "numba.core", "jitgrad.compiler.ir.types"."""
    package = ("jitgrad", "compiler", *path.relative_to(COMPILER).parts[:-1])
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module or ""
        elif isinstance(node, ast.ImportFrom):
            base = [*package[: len(package) - node.level + 1], *(node.module or "").split(".")]
            name = ".".join(filter(None, base))
            yield from (f"{name}.{alias.name}" for alias in node.names) if name == "jitgrad.compiler" else [name]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(COMPILER)))
def test_imports_point_one_way(path):
    here = part(path)
    for name in imported(path):
        assert not name.startswith("jitgrad.") or name.startswith("jitgrad.compiler"), f"the compiler imports the face: {name}"
        if name.startswith("jitgrad.compiler."):
            other = name.split(".")[2]
            assert other == here or RANKS[other] < RANKS[here], f"{here} imports {name}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(COMPILER)))
def test_heavy_packages_are_imported_where_they_belong(path):
    for name in imported(path):
        allowed = MAY_IMPORT.get(name.partition(".")[0])
        assert allowed is None or part(path) in allowed, f"{path} imports {name}"


def test_every_part_has_a_rank():
    assert {part(path) for path in FILES} - {""} == set(RANKS)


def test_importing_jitgrad_imports_little():
    heavy = (
        "numba",
        "llvmlite",
        "sympy",
        "scipy",
        "torch",
        "jax",
        "optree",
        "jitgrad.compiler.ir",
        "jitgrad.compiler.trace.trace",
    )
    code = f"import sys, jitgrad; print([name for name in {heavy} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=120)
    assert result.stdout.strip() == "[]"


def test_every_package_is_installed():
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    inside = {path.parent.relative_to(COMPILER) for path in COMPILER.rglob("__init__.py")}
    outside = {path.parent.relative_to(ROOT) for path in (ROOT / "jitgrad").rglob("__init__.py")}
    expected = {".".join(("jitgrad", "compiler", *folder.parts)) for folder in inside} | {".".join(f.parts) for f in outside}
    assert sorted(listed) == sorted(expected)
    assert {path.parent for path in FILES} == {path.parent for path in COMPILER.rglob("__init__.py")}
