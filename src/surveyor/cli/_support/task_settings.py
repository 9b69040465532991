"""The options that change the tasks of a service which a run creates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from surveyor.errors import UsageError

if TYPE_CHECKING:
    from surveyor.pytest_plugin.task_settings import TaskSettings

__all__ = ["TaskSettingOptions", "task_settings_from"]


@dataclass(frozen=True)
class TaskSettingOptions:
    """What differs from the default settings of a task."""

    ttl: Annotated[int | None, typer.Option(metavar="SECONDS", help="TTL of the DNS records.")] = None
    stop_timeout: Annotated[int | None, typer.Option(metavar="SECONDS", help="The container's stopTimeout.")] = None
    drain: Annotated[
        int | None, typer.Option(metavar="SECONDS", help="How long the container answers after SIGTERM.")
    ] = None
    no_check: Annotated[bool, typer.Option("--no-check", help="No health check of the container.")] = False

    def settings(self) -> TaskSettings | None:
        """Return the settings, None if all are at their defaults. Raises UsageError."""
        return task_settings_from(self.ttl, self.stop_timeout, self.drain, check=not self.no_check)


def task_settings_from(
    ttl: int | None, stop_timeout: int | None, drain: int | None, *, check: bool
) -> TaskSettings | None:
    """Return the task settings of these options, None if all are at their defaults. Raises UsageError."""
    from surveyor.pytest_plugin.task_settings import task_settings_of

    try:
        return task_settings_of(ttl, stop_timeout, drain, check=check)
    except ValueError as error:
        raise UsageError(str(error)) from None
