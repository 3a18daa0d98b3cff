"""Derivatives of functions, as functions: ``jvp`` and ``vjp``.

In the order of reading: ``expressions`` and ``derive`` (the partial derivatives of elementwise ops), ``tangents`` (the
derivative rule of one equation), ``linear`` and ``linearize`` (walking a function), ``forward`` (forward mode); then ``demand``
and ``transpose`` (running the linear program backwards), ``loops``, ``conditions`` and ``calls`` (regions), ``residuals``,
``mincut``, ``parts``, ``lasting``, ``leaving``, ``undoing`` and ``saving`` (what the backward pass needs from the forward one), ``reverse`` (reverse
mode).
"""

from .forward import jvp
from .reverse import vjp

__all__ = ["jvp", "vjp"]
