"""A target file as it is written: its tables and keys."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from msgspec import Meta, Struct

from surveyor import timeouts
from surveyor.account.budget import UNBOUNDED, Budget
from surveyor.targets.model import Credentials, TaskPlacement
from surveyor.typed_toml import Text

__all__ = ["StartTable", "TargetFile", "VersionTable"]

Feature = str
"""The name of a feature; loading checks that it is known, and suggests the nearest."""

Operation = Annotated[str, Meta(pattern="^[^:]+:[^:]+$", description="the form service:Operation")]
Seconds = Annotated[float, Meta(gt=0)]
Module = Annotated[str, Meta(pattern=r"^[A-Za-z_]\w*$", description="the name of a Python package")]
"""The name under which a Python package is imported."""


class StartTable(Struct, frozen=True, forbid_unknown_fields=True):
    """`[start]`: how Surveyor starts the target; see `Start`."""

    argv: Annotated[tuple[str, ...], Meta(min_length=1)]
    env: dict[str, str] = {}
    ready: Literal["http", "json-line"] = "http"
    path: Text = "/"
    within: Seconds = timeouts.START


class VersionTable(Struct, frozen=True, forbid_unknown_fields=True):
    """`[versions."1.0"]`: values that replace those of the file for one version."""

    features: tuple[Feature, ...] | None = None
    lacks: tuple[Operation, ...] | None = None


class TargetFile(Struct, frozen=True, forbid_unknown_fields=True):
    """A target file; see `Target` for what its keys mean."""

    description: Text | None = None
    package: Text | None = None
    region: Text = "us-east-1"
    regions: tuple[Text, ...] = ()
    endpoint: Text | None = None
    clock: Literal["wall", "control"] = "wall"
    dns: Text = "none"
    features: tuple[Feature, ...] = ()
    on_request: tuple[Feature, ...] = ()
    optional: dict[Feature, Module] = {}
    lacks: tuple[Operation, ...] = ()
    inject_host_prefix: bool = False
    settles: Seconds = math.inf
    rehearsal: bool = False
    start: StartTable | None = None
    versions: dict[str, VersionTable] = {}
    credentials: Credentials = Credentials()
    budget: Budget = UNBOUNDED
    ecs: TaskPlacement = TaskPlacement()
    tags: dict[str, str] = {}
