"""`surveyor sandbox`: run a command in a sandbox."""

from __future__ import annotations

import shutil
from typing import Annotated

import typer

from surveyor.errors import UsageError
from surveyor.sandbox import enter

__all__ = ["sandbox"]


def sandbox(
    arguments: typer.Context,
    join: Annotated[
        int | None, typer.Option(min=1, metavar="PID", help="Enter the sandbox of this process, not a new one.")
    ] = None,
) -> None:
    """Run a command in a network without a way out, where every address and port is free to use (docs/sandbox.md).

    \b
        surveyor sandbox -- surveyor conform
        surveyor sandbox --join PID -- dig web.corp.internal

    Exit code and signals are those of the command; what it leaves behind ends with it.
    """
    command = arguments.args
    if not command:
        raise UsageError("a sandbox needs a command: surveyor sandbox -- COMMAND")
    if shutil.which(command[0]) is None:
        raise UsageError(f"{command[0]!r} is no program that can be run")
    enter(command, join)
