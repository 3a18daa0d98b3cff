"""Tracing: a user's function is run once on tracers and becomes an IR function.

In the order in which things happen: ``trace`` (arguments in, function out), ``rewrite`` (Python's control flow goes through
operators), ``operators`` and ``calls`` (what those do), ``tracer`` (the values), ``functions`` and the modules it lists (what NumPy
calls mean), ``branches`` and ``loops`` (which become regions; on the ground of ``blocks`` and ``unbound``), ``sizing`` and
``context`` (what is known and built).
"""
