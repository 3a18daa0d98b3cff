"""The compiler: from a Python function to native kernels.

The folders in the order in which a program travels: ``trace`` (a user's function becomes an IR function), ``ir`` and ``ops``
(what that is), ``diff`` (its derivatives), ``passes`` (simpler and fused), ``lower`` (kernels and buffers), ``emit`` (source text),
``load`` (native code). ``pipeline`` strings them together.
"""
