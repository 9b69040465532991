"""A command that runs inside a VPC, as values: its words there, and the files that go in and come out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["InnerCommand", "Output"]


@dataclass(frozen=True)
class Output:
    """A file that the user named for a result: its name in the report's folder, and where it belongs here.

    `appended`: the result is added to a file that may exist.
    """

    inside: str
    path: Path
    appended: bool


@dataclass(frozen=True)
class InnerCommand:
    """A command without the options that say where it runs. `options`: those that it knows, without dashes.

    `files`: names in its folder there -> files and folders here.
    """

    name: str
    words: tuple[str, ...]
    options: frozenset[str]
    files: Mapping[str, Path] = field(default_factory=dict)
    outputs: tuple[Output, ...] = ()
