"""`surveyor targets`: list what --target accepts, and create the environments of emulators ahead of their first use.

Exit codes: 0 success, 2 an unknown target or an invalid target file, 3 an environment cannot be created.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from surveyor.cli._support.tables import print_table
from surveyor.errors import UsageError
from surveyor.layout import find_layout
from surveyor.targets.environments import create_environment, find_python
from surveyor.targets.loading import find_target, target_names, target_versions
from surveyor.targets.model import Target

__all__ = ["environment_state", "targets", "versions_of"]


def targets(
    names: Annotated[list[str] | None, typer.Argument(metavar="TARGET", help="Only these; default: all.")] = None,
    create: Annotated[
        bool, typer.Option("--create", help="Create the environments of these versions, which needs a package index.")
    ] = False,
) -> None:
    """List the targets with their versions, and the environments in which Surveyor starts them."""
    folder = find_layout().targets
    labels = [label for name in names or target_names(folder) for label in versions_of(name, folder)]
    chosen = [find_target(label, folder) for label in labels]
    if create:
        if names and not any(target.environment for target in chosen):
            raise UsageError(f"{', '.join(names)}: no separate environment is needed")
        for target in chosen:
            if target.environment:
                create_environment(target.environment)
    rows = [(target.label, _default_mark(target), environment_state(target), target.description) for target in chosen]
    print_table(("target", "", "environment", "description"), rows, header_in_pipe=True)


def versions_of(name: str, folder: Path) -> list[str]:
    """Return the names of all versions of a target, or `name` itself if it has none or is one of them."""
    if "@" in name or "://" in name:
        return [name]
    return [f"{name}@{version}" for version in target_versions(name, folder)] or [name]


def environment_state(target: Target) -> str:
    """Return whether the environment of a target exists, in a few words."""
    if target.environment:
        python = find_python(target.environment)
        return str(python.parent.parent) if python else "created at first use"
    return "that of Surveyor" if target.start else "none, it is not started here"


def _default_mark(target: Target) -> str:
    is_marked = target.environment and target.environment.others and target.environment.is_default
    return f"is {target.name}" if is_marked else ""
