"""`store`: what was written comes back, and nothing else ever does."""

import os
import stat
from pathlib import Path

import pytest
from jitgrad.compiler import store
from jitgrad.compiler.store import cache_folder, read_entry, write_entry, write_source

CONTENT = bytes(range(256)) * 4


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache that holds CONTENT under the key "a", and something else under "b"."""
    monkeypatch.setenv("JITGRAD_CACHE_DIR", str(tmp_path / "x" / "cache"))
    write_entry("a", CONTENT)
    write_entry("b", b"other")
    return tmp_path / "x" / "cache"


def forget_secrets() -> None:
    store._secret_of_folder.cache_clear()


def test_round_trip(folder: Path) -> None:
    assert read_entry("a") == CONTENT
    forget_secrets()
    assert read_entry("a") == CONTENT
    assert read_entry("c") is None


def test_nobody_else_can_read_the_secret(folder: Path) -> None:
    assert stat.S_IMODE((folder / "secret").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_entry_is_replaced_whole(folder: Path) -> None:
    write_entry("a", b"new")
    assert read_entry("a") == b"new"
    assert sorted(path.name for path in folder.iterdir()) == ["a.entry", "b.entry", "secret"]


@pytest.mark.parametrize("length", [0, 1, 8, 39, 40, 41, 500, len(CONTENT) + 39])
def test_truncated(folder: Path, length: int) -> None:
    path = folder / "a.entry"
    path.write_bytes(path.read_bytes()[:length])
    assert read_entry("a") is None


@pytest.mark.parametrize("position", [0, 7, 8, 39, 40, -1])
def test_flipped_bit(folder: Path, position: int) -> None:
    content = bytearray((folder / "a.entry").read_bytes())
    content[position] ^= 1
    (folder / "a.entry").write_bytes(content)
    assert read_entry("a") is None


def test_longer_garbage_and_foreign_content(folder: Path) -> None:
    for content in ((folder / "a.entry").read_bytes() + b"x", os.urandom(3000), b"jitgrad1" + os.urandom(3000)):
        (folder / "a.entry").write_bytes(content)
        assert read_entry("a") is None


def test_entry_of_another_key(folder: Path) -> None:
    os.replace(folder / "b.entry", folder / "a.entry")
    assert read_entry("a") is None


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_entry_that_others_can_write(folder: Path, mode: int) -> None:
    (folder / "a.entry").chmod(mode)
    assert read_entry("a") is None


def test_link_and_folder_in_place_of_an_entry(folder: Path) -> None:
    (folder / "a.entry").rename(folder / "elsewhere")
    (folder / "a.entry").symlink_to(folder / "elsewhere")
    assert read_entry("a") is None
    (folder / "a.entry").unlink()
    (folder / "a.entry").mkdir()
    assert read_entry("a") is None
    write_entry("a", CONTENT)
    assert read_entry("a") is None


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize("name", ["a.entry", "secret", "."])
def test_not_ours(folder: Path, name: str) -> None:
    os.chown(folder / name, 12345, -1)
    forget_secrets()
    assert read_entry("a") is None


@pytest.mark.parametrize("secret", [b"", b"short", b"x" * 32, b"x" * 33])
def test_another_secret(folder: Path, secret: bytes) -> None:
    (folder / "secret").write_bytes(secret)
    forget_secrets()
    assert read_entry("a") is None
    write_entry("a", CONTENT)
    assert read_entry("a") == CONTENT


def test_secret_that_others_can_read_is_replaced(folder: Path) -> None:
    (folder / "secret").chmod(0o644)
    forget_secrets()
    assert read_entry("a") is None
    assert stat.S_IMODE((folder / "secret").stat().st_mode) == 0o600


def test_folder_that_others_can_write(folder: Path) -> None:
    folder.chmod(0o777)
    forget_secrets()
    assert read_entry("a") is None
    write_entry("c", CONTENT)
    assert not (folder / "c.entry").exists()


def test_folder_that_cannot_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("JITGRAD_CACHE_DIR", str(tmp_path / "file" / "cache"))
    write_entry("a", CONTENT)
    assert read_entry("a") is None
    assert write_source("program.py", "pass") is None


def test_disk_that_refuses_writes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(store.tempfile, "mkstemp", refuse)
    write_entry("c", CONTENT)
    assert read_entry("c") is None
    assert read_entry("a") == CONTENT
    assert write_source("program.py", "pass") is None


def test_source(folder: Path) -> None:
    path = write_source("program.py", "x = 'ü'\n")
    assert path is not None and path.read_text(encoding="utf-8") == "x = 'ü'\n"
    path.write_text("tampered")
    assert write_source("program.py", "x = 'ü'\n") == path
    assert path.read_text(encoding="utf-8") == "x = 'ü'\n"


def test_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store.sys, "platform", "linux")
    monkeypatch.delenv("JITGRAD_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert cache_folder() == Path("/somewhere/jitgrad")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path.home() / ".cache" / "jitgrad"
    monkeypatch.setattr(store.sys, "platform", "darwin")
    assert cache_folder() == Path.home() / "Library" / "Caches" / "jitgrad"
    monkeypatch.setenv("JITGRAD_CACHE_DIR", "~/mine")
    assert cache_folder() == Path.home() / "mine"
