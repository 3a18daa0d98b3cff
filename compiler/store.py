"""Bytes on disk under a key, for this user on this machine only.

In: a key (hexadecimal text) and bytes. Out: the same bytes in a later process, or None.

An entry is a file of the user's cache folder: a magic word, an HMAC-SHA256 over key and content, the content. The
HMAC's secret is a random file that only the user can read, so an entry that is truncated, damaged, renamed, or
written by somebody else reads as None: nothing is unpickled or run before that check. No trouble with the disk is ever
raised; a folder that cannot be used makes every read None and every write nothing.
"""

import functools
import hmac
import os
import secrets
import stat
import sys
import tempfile
from pathlib import Path

MAGIC = b"jitgrad1"
DIGEST_SIZE = 32
SECRET_SIZE = 32


def cache_folder() -> Path:
    """Where entries live: $JITGRAD_CACHE_DIR, or the folder `jitgrad` in the user's cache folder of the platform."""
    if chosen := os.environ.get("JITGRAD_CACHE_DIR"):
        return Path(chosen).expanduser()
    if sys.platform == "darwin":
        return Path("~/Library/Caches/jitgrad").expanduser()
    if os.name == "nt":
        return Path(os.environ.get("LOCALAPPDATA") or "~/AppData/Local").expanduser() / "jitgrad"
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "jitgrad"


def read_entry(key: str) -> bytes | None:
    """What was written under `key`, if it is there, whole, and ours."""
    folder, secret = cache_folder(), _secret(cache_folder())
    if secret is None or (entry := _read_own_file(folder / f"{key}.entry")) is None:
        return None
    head = len(MAGIC) + DIGEST_SIZE
    content = entry[head:]
    genuine = hmac.compare_digest(entry[:head], MAGIC + _authenticate(secret, key, content))
    return content if genuine else None


def write_entry(key: str, content: bytes) -> None:
    """Put `content` under `key`, in one step as other processes see it."""
    folder, secret = cache_folder(), _secret(cache_folder())
    if secret is not None:
        _write_file(folder / f"{key}.entry", MAGIC + _authenticate(secret, key, content) + content)


def write_source(name: str, text: str) -> Path | None:
    """Put program text where debuggers and readers find it; its path, or None if that is impossible."""
    if _secret(cache_folder()) is None:
        return None
    path, content = cache_folder() / name, text.encode()
    if _read_own_file(path) == content or _write_file(path, content):
        return path
    return None


def _authenticate(secret: bytes, key: str, content: bytes) -> bytes:
    return hmac.digest(secret, key.encode() + b"\0" + content, "sha256")


def _secret(folder: Path) -> bytes | None:
    """The secret of `folder`, made if need be; None if the folder is not this user's alone or cannot be written."""
    try:
        return _secret_of_folder(folder)
    except OSError:
        return None


@functools.lru_cache(maxsize=16)
def _secret_of_folder(folder: Path) -> bytes:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not _is_own(folder.stat()):
        raise PermissionError(f"{folder} can be written by other users")
    path = folder / "secret"
    if (secret := _read_secret(path)) is not None:
        return secret
    path.unlink(missing_ok=True)
    _create_secret(path)
    if (secret := _read_secret(path)) is None:
        raise PermissionError(f"{path} cannot be kept private")
    return secret


def _read_secret(path: Path) -> bytes | None:
    secret = _read_own_file(path, forbidden=stat.S_IRWXG | stat.S_IRWXO)
    return secret if secret is not None and len(secret) == SECRET_SIZE else None


def _create_secret(path: Path) -> None:
    """Make the secret unless another process is quicker: a hard link appears whole, and never replaces."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix="secret-") as draft:
        draft.write(secrets.token_bytes(SECRET_SIZE))
        draft.flush()
        try:
            os.link(draft.name, path)
        except FileExistsError:
            pass


def _read_own_file(path: Path, forbidden: int = stat.S_IWGRP | stat.S_IWOTH) -> bytes | None:
    """The content of a regular file that is this user's and grants nobody else the `forbidden` rights."""
    try:
        with open(os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)), "rb") as file:
            status = os.fstat(file.fileno())
            return file.read() if stat.S_ISREG(status.st_mode) and _is_own(status, forbidden) else None
    except OSError:
        return None


def _is_own(status: os.stat_result, forbidden: int = stat.S_IWGRP | stat.S_IWOTH) -> bool:
    """Windows has no such modes: there the folder inherits the user's private profile."""
    return os.name == "nt" or (status.st_uid == os.getuid() and not status.st_mode & forbidden)


def _write_file(path: Path, content: bytes) -> bool:
    """Write beside, then rename, so that no reader ever sees half a file; False if the disk refuses."""
    draft = None
    try:
        descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix="draft-")
        with open(descriptor, "wb") as file:
            file.write(content)
        os.replace(draft, path)
        return True
    except OSError:
        if draft is not None:
            _remove(draft)
        return False


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        pass
