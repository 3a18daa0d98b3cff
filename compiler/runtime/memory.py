"""Memory that is freed and soon needed again, as in each step of a training, stays with the process.

By default glibc returns large blocks to the system and gets them anew, page by page, at the next step: 10,000 page faults, 40% of the
time, in a step of a small convolutional net on 256 images. Other C libraries are left alone, and so are users who have set this up
themselves (``man mallopt``).
"""

from __future__ import annotations

import ctypes
import functools
import os
import sys

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # parameters of mallopt
KEPT = 256 * 2**20  # bytes free at the end of the heap that the process keeps
LARGEST = 32 * 2**20  # bytes of a block that comes from the heap: the most that glibc accepts
VARIABLES = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES")


@functools.cache
def keep_freed_memory() -> bool:
    """Ask glibc, once, to keep what is freed; whether it does."""
    if not sys.platform.startswith("linux") or any(name in os.environ for name in VARIABLES):
        return False
    library = ctypes.CDLL(None)
    if not hasattr(library, "gnu_get_libc_version") or not hasattr(library, "mallopt"):
        return False
    return bool(library.mallopt(MMAP_THRESHOLD, LARGEST) and library.mallopt(TRIM_THRESHOLD, KEPT))
