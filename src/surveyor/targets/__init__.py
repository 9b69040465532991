"""Targets: what they are (`model`), their files (`loading`), starting (`process`) and having one (`running`)."""

from __future__ import annotations

from surveyor.targets.loading import all_versions, load_target, target_names, target_versions
from surveyor.targets.model import Credentials, Dns, Environment, Start, Target, TaskPlacement

__all__ = [
    "Credentials",
    "Dns",
    "Environment",
    "Start",
    "Target",
    "TaskPlacement",
    "all_versions",
    "load_target",
    "target_names",
    "target_versions",
]
