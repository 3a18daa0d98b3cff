"""Each example runs alone, in a new process, with no warning, and says what it promises."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent.parent / "examples"
EXAMPLES = sorted(path.name for path in FOLDER.glob("*.py"))
SAYS = {
    "digits.py": ("held out are recognised", "fn loss(", "fn value_and_grad_loss(", "@njit", "a step"),
    "static_vs_dynamic.py": ("fn value_and_grad_loss(", "@njit", "matrix products", "bytes", "one thread"),
}
NEEDS = {"digits.py": "sklearn", "lenet_digits.py": "sklearn", "curve_fit.py": "matplotlib", "predator_prey.py": "matplotlib"}


@pytest.mark.slow
@pytest.mark.parametrize("name", EXAMPLES)
def test_example(name):
    if name in NEEDS:
        pytest.importorskip(NEEDS[name])
    environment = os.environ | {"MPLBACKEND": "Agg"}
    result = subprocess.run(
        [sys.executable, FOLDER / name], env=environment, capture_output=True, text=True, timeout=600, check=False
    )
    assert result.returncode == 0, result.stderr
    for text in SAYS.get(name, ()):
        assert text in result.stdout
