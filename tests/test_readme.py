"""The README's commands: one line each, and about files that are there."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
SHELL = [text for language, text in BLOCKS if language in ("sh", "bash", "console", "shell")]


def test_first_two_shell_blocks_are_one_line_each():
    for block in SHELL[:2]:
        assert len(block.splitlines()) == 1


def test_first_block_runs_the_main_job():
    assert "pip install" in SHELL[0]
    assert SHELL[0].rstrip().endswith("examples/digits.py")


def test_second_block_runs_the_tests():
    assert "pip install" in SHELL[1]
    assert "-m pytest" in SHELL[1]


def test_files_that_the_readme_names_exist():
    names = set(re.findall(r"\b(?:examples|benchmarks|tests|compiler|\.ci)/[\w/.]*\w", README))
    assert "examples/digits.py" in names
    for name in names:
        assert (ROOT / name).exists(), name


def test_python_in_the_readme_runs():
    namespace = {}
    for language, text in BLOCKS:
        if language == "python":
            exec(compile(text, "README.md", "exec"), namespace)
