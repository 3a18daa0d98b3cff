"""The examples in the compiler's docstrings; those of the package's face are collected as they stand."""

import doctest
import importlib
from pathlib import Path

import pytest

COMPILER = Path(__file__).parent.parent / "compiler"
MODULES = sorted(
    ".".join(("jitgrad", "compiler", *path.relative_to(COMPILER).with_suffix("").parts)).removesuffix(".__init__")
    for path in COMPILER.rglob("*.py")
    if ">>> " in path.read_text()
)


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings(name):
    result = doctest.testmod(importlib.import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    assert result.attempted
    assert not result.failed
