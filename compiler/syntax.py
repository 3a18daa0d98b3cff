"""Python's syntax trees from text, safely in several threads.

In: program text. Out: its tree. While CPython 3.11 makes a tree it keeps a count that all threads share, and two trees
made at once, as happens where the garbage collector calls Python, end in `SystemError: AST constructor recursion depth
mismatch` (https://github.com/python/cpython/issues/106905). So one tree is made at a time.
"""

import ast
import functools
import threading

_LOCK = threading.RLock()


def parse_module(text: str) -> ast.Module:
    """The tree of a module's text."""
    with _LOCK:
        return ast.parse(text)


@functools.lru_cache(maxsize=1024)
def parse_expression(text: str) -> ast.expr:
    """The tree of one expression's text; not to be changed, for all who ask get the same."""
    with _LOCK:
        return ast.parse(text, mode="eval").body
