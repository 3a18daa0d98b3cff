"""`load`: signatures, exactness of the call, sharing, and a disk that cannot be trusted.

Machine code cannot be unloaded, so whatever a new process would see is tested in a new process.
"""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from jitgrad.compiler.load import load, parse_parameter

SOURCE = '''
"""Twice x, plus {number}."""
import numpy as np
from numba import njit

@njit(error_model="numpy")
def double(out, x):
    for i in range(x.size):
        out[i] = 2.0 * x[i]

@njit(error_model="numpy")
def shift(out):
    for i in range(out.size):
        out[i] += {number}

@njit(error_model="numpy")
def run(x):
    if x.size == 7:
        raise ValueError("seven")
    out = np.empty(x.size)
    double(out, x)
    shift(out)
    return out
'''

CHILD = """
import json, sys
import numpy as np
from jitgrad.compiler.load import load
from jitgrad.compiler.runtime.objects import ObjectCompiler

compiled, compile_extra = [], ObjectCompiler.compile_extra
def count(self, function):
    compiled.append(function.__name__)
    return compile_extra(self, function)
ObjectCompiler.compile_extra = count

run = load(sys.argv[1], "run", ("f64[::1]",))
print(json.dumps([run(np.ones(2)).tolist(), sorted(compiled)]))
"""

PLAIN = """
print(load(sys.argv[1], "run", ("f64[::1]",))(np.ones(2)))
"""

EVERYTHING = ["double", "run", "shift"]


def start_child(folder: Path, number: float, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, SOURCE.format(number=number)],
        env={**os.environ, "JITGRAD_CACHE_DIR": str(folder), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(child: subprocess.Popen[str], number: float) -> list[str]:
    """What the child compiled, after a look at its result."""
    output, complaints = child.communicate(timeout=60)
    assert child.returncode == 0, complaints
    assert complaints == ""
    result, compiled = json.loads(output)
    assert result == [2.0 + number] * 2
    return compiled


def compiled_by(folder: Path, number: float = 1.0, **environment: str) -> list[str]:
    return finish(start_child(folder, number, **environment), number)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of a cache that holds the program with number 1."""
    folder = tmp_path_factory.mktemp("filled")
    assert compiled_by(folder) == EVERYTHING
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def folder(filled: dict[str, bytes], tmp_path: Path) -> Path:
    """A private copy of that cache."""
    copy = tmp_path / "cache"
    copy.mkdir(mode=0o700)
    for name, content in filled.items():
        (copy / name).write_bytes(content)
        (copy / name).chmod(0o600)
    return copy


def entries(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.entry"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("f64", "float64"),
        ("b1", "bool"),
        ("c64", "complex64"),
        ("u8", "uint8"),
        ("f32[]", "array(float32, 0d, C)"),
        ("f32[::1]", "array(float32, 1d, C)"),
        ("i64[:]", "array(int64, 1d, A)"),
        ("f64[:, :, ::1]", "array(float64, 3d, C)"),
        ("readonly b1[:, :]", "readonly array(bool, 2d, A)"),
    ],
)
def test_parameters(text: str, expected: str) -> None:
    assert str(parse_parameter(text)) == expected


@pytest.mark.parametrize("text", ["", "f65", "g64", "f64[", "f64[::1, :]", "f64 [:]", "b2", "f64[:,:]", "p64"])
def test_malformed_parameters(text: str) -> None:
    with pytest.raises(ValueError, match="is not a"):
        parse_parameter(text)


def test_call_takes_exactly_its_types() -> None:
    run = load(SOURCE.format(number=2.0), "run", ("f64[::1]",))
    np.testing.assert_array_equal(run(np.arange(3.0)), [2.0, 4.0, 6.0])
    np.testing.assert_array_equal(run(x=np.empty(0)), [])
    frozen = np.ones(3)
    frozen.flags.writeable = False
    unaligned = np.frombuffer(b"\0" * 17, np.uint8)[1:].view(np.float64)
    for wrong in (np.ones(3, np.float32), np.ones((3, 1)), np.ones(6)[::2], np.ones(3, ">f8"), frozen, unaligned):
        with pytest.raises(TypeError, match="run: compiled for"):
            run(wrong)
    for wrong in (1.0, None, [1.0], "x", np.array([None])):
        with pytest.raises(TypeError, match="run: compiled for"):
            run(wrong)
    with pytest.raises(TypeError):
        run()


def test_any_strides_take_contiguous_arrays_and_readonly_takes_writable_ones() -> None:
    run = load(SOURCE.format(number=2.0), "run", ("readonly f64[:]",))
    wide = np.arange(6.0)
    for fine in (wide[:3], wide[:3].copy(), wide[::2], wide[::-1], np.broadcast_to(1.0, 3)):
        for _ in range(2):
            np.testing.assert_array_equal(run(fine), 2 * fine + 2)
    for wrong in (np.ones(3, np.float32), np.ones((3, 1)), 1.0):
        with pytest.raises(TypeError, match="run: compiled for"):
            run(wrong)


def test_no_unsafe_conversion_of_scalars() -> None:
    source = 'from numba import njit\n@njit(error_model="numpy")\ndef half(x):\n    return x / 2\n'
    assert load(source, "half", ("i64",))(3) == 1.5
    with pytest.raises(TypeError):
        load(source, "half", ("i64",))(3.5)
    with pytest.raises(TypeError):
        load(source, "half", ("f64",))(3)


def test_errors_show_the_emitted_text() -> None:
    run = load(SOURCE.format(number=3.0), "run", ("f64[::1]",))
    with pytest.raises(ValueError, match="seven"):
        run(np.ones(7))


def test_many_results_and_none() -> None:
    source = (
        'from numba import njit\n@njit(error_model="numpy")\n'
        "def both(x, s):\n    x[0] = s\n    return x, s, x.size > 1\n"
        '@njit(error_model="numpy")\ndef nothing():\n    pass\n'
    )
    x = np.zeros(2)
    result, scalar, flag = load(source, "both", ("f64[:]", "f32"))(np.zeros(4)[::2], np.float32(2))
    np.testing.assert_array_equal(result, [2.0, 0.0])
    assert (scalar, flag) == (2.0, True)
    assert load(source, "nothing", ())() is None
    assert x[0] == 0


def test_numbers_are_no_types() -> None:
    """A kernel that is called with several constants is compiled once."""
    source = """
from numba import njit

@njit(error_model="numpy")
def scaled(x, factor, flip):
    return -x * factor if flip else x * factor

@njit(error_model="numpy")
def run(x):
    return scaled(x, 2, True) + scaled(x, 3, False) + scaled(x, 4, False)
"""
    run = load(source, "run", ("f64",))
    assert run(np.float64(1.5)) == 1.5 * 5
    assert len(run.compiled.library.callees) == 1


@pytest.mark.parametrize(
    ("body", "expected"), [("return x + x", False), ("for i in range(3):\n        x += i\n    return x", True)]
)
def test_only_functions_with_loops_are_optimised_to_the_full(body: str, expected: bool) -> None:
    source = f"""
from numba import njit

@njit(error_model="numpy")
def run(x):
    {body}
"""
    run = load(source, "run", ("f64",))
    assert run(np.float64(1.5)) == (4.5 if expected else 3.0)
    assert run.compiled.library.has_loops == expected


def test_threads_share_one_compilation(monkeypatch: pytest.MonkeyPatch) -> None:
    from jitgrad.compiler.runtime.objects import ObjectCompiler

    compiled, compile_extra = [], ObjectCompiler.compile_extra

    def count(self: ObjectCompiler, function: object) -> object:
        compiled.append(function.__name__)
        return compile_extra(self, function)

    monkeypatch.setattr(ObjectCompiler, "compile_extra", count)
    source, programs, gate = SOURCE.format(number=os.getpid() + 0.5), [], threading.Barrier(8)

    def work() -> None:
        gate.wait()
        programs.append(load(source, "run", ("f64[::1]",)))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(programs) == 8
    assert len(set(map(id, programs))) == 1
    assert set(compiled) <= set(EVERYTHING) and len(compiled) == len(set(compiled))


def test_plain_python_means_the_same() -> None:
    source = SOURCE.format(number=4.0)
    namespace: dict[str, object] = {}
    exec(source.replace('@njit(error_model="numpy")', ""), namespace)
    x = np.linspace(0, 1, 5)
    np.testing.assert_array_equal(load(source, "run", ("f64[::1]",))(x), namespace["run"](x))


def test_warm_process_compiles_nothing(folder: Path) -> None:
    assert compiled_by(folder, PYTHONHASHSEED="1") == []
    assert compiled_by(folder, PYTHONHASHSEED="2") == []


def test_programs_share_kernels_on_disk(folder: Path) -> None:
    assert compiled_by(folder, number=5.0) == ["run", "shift"]


def test_source_stands_beside_the_entries(folder: Path) -> None:
    assert [path.read_text() for path in folder.glob("run-*.py")] == [SOURCE.format(number=1.0)]


def test_damaged_entries_are_rebuilt(folder: Path) -> None:
    first, second, third = entries(folder)
    first.write_bytes(first.read_bytes()[:-10])
    second.write_bytes(third.read_bytes())
    third.write_bytes(b"jitgrad1" + os.urandom(5000))
    assert compiled_by(folder) == EVERYTHING
    assert compiled_by(folder) == []


def test_one_missing_kernel(folder: Path) -> None:
    small = min(entries(folder), key=lambda path: path.stat().st_size)
    small.unlink()
    assert len(compiled_by(folder)) == 2
    assert compiled_by(folder) == []


def test_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert compiled_by(tmp_path / "file" / "cache") == EVERYTHING


def test_other_settings_are_another_key(folder: Path) -> None:
    assert compiled_by(folder, NUMBA_CPU_NAME="generic", NUMBA_CPU_FEATURES="") == EVERYTHING


def test_two_processes_at_once(tmp_path: Path) -> None:
    children = [start_child(tmp_path / "cache", 1.0) for _ in range(2)]
    for child in children:
        finish(child, 1.0)
    assert compiled_by(tmp_path / "cache") == []
    assert not list((tmp_path / "cache").glob("draft-*"))


def test_without_compilation(tmp_path: Path) -> None:
    code = CHILD.partition("from jitgrad.compiler.runtime")[0] + PLAIN
    child = subprocess.run(
        [sys.executable, "-c", code, SOURCE.format(number=1.0)],
        env={**os.environ, "JITGRAD_CACHE_DIR": str(tmp_path), "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert child.stdout == "[3. 3.]\n"


def test_import_of_load_is_light() -> None:
    code = "import sys, jitgrad.compiler.load; print(sorted({'numba', 'scipy', 'numpy'} & set(sys.modules)))"
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "numba" not in output.stdout
