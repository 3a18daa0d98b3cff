"""What all tests share: a cache folder of their own, golden files, and Hypothesis's profiles.

Kernels that the tests compile go to a temporary folder, one for all workers of a session, so each is compiled once.
"""

import difflib
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import hypothesis
import pytest

GOLDEN = Path(__file__).parent / "golden"
CACHE = pytest.StashKey[str]()

hypothesis.settings.register_profile("dev", deadline=None, max_examples=50)
hypothesis.settings.register_profile("ci", deadline=None, max_examples=200, derandomize=True, print_blob=True)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite the files under tests/golden/ that differ")


def pytest_configure(config: pytest.Config) -> None:
    """Set what is read when NumPy and jitgrad are imported; workers of xdist inherit it."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the workers share the cores
    if not hasattr(config, "workerinput"):
        config.stash[CACHE] = tempfile.mkdtemp(prefix="jitgrad-tests-")
        os.environ["JITGRAD_CACHE_DIR"] = config.stash[CACHE]


def pytest_unconfigure(config: pytest.Config) -> None:
    if CACHE in config.stash:
        shutil.rmtree(config.stash[CACHE], ignore_errors=True)


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """``golden(name, text)`` fails where the text differs from tests/golden/name; --update-golden rewrites that file."""

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        expected = path.read_text() if path.exists() else ""
        if text == expected:
            return
        if request.config.getoption("--update-golden"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            return
        lines = difflib.unified_diff(expected.splitlines(), text.splitlines(), f"golden/{name}", "found", lineterm="")
        pytest.fail("\n".join([*lines, "where the change is meant, run pytest with --update-golden"]), pytrace=False)

    return compare
