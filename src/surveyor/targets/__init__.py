"""Targets: what they are (`model`), their files (`loading`), starting (`process`) and having one (`running`)."""

from __future__ import annotations

from surveyor.targets.loading import load_target, target_names
from surveyor.targets.model import Credentials, Dns, Start, Target, TaskPlacement

__all__ = ["Credentials", "Dns", "Start", "Target", "TaskPlacement", "load_target", "target_names"]
