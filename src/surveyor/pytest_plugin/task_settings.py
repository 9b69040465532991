"""How the tasks of a measured service live: TTL, stopTimeout, drain, container health check."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["DEFAULT", "TaskSettings", "parse_task_settings", "task_settings_of"]

MAX_TTL = 3_600
MIN_STOP_TIMEOUT, MAX_STOP_TIMEOUT = 2, 120
MAX_DRAIN = 120


@dataclass(frozen=True)
class TaskSettings:
    """Settings of a task, in seconds.

    `ttl`: of the DNS records; `stop_timeout`: the container's stopTimeout; `drain`: how long the process answers after
    SIGTERM; `check`: whether the container has a health check, by which ECS judges a new task during a deployment.
    """

    ttl: int = 60
    stop_timeout: int = 30
    drain: int = 0
    check: bool = True

    def arguments(self) -> list[str]:
        """Return the settings as pytest options."""
        words = ["--ttl", str(self.ttl), "--stop-timeout", str(self.stop_timeout), "--drain", str(self.drain)]
        return words if self.check else [*words, "--no-check"]

    def dumps(self) -> str:
        """Return the settings as one word, the inverse of `parse_task_settings`."""
        return f"ttl={self.ttl},stop={self.stop_timeout},drain={self.drain},check={int(self.check)}"

    def __str__(self) -> str:
        checked = "a container check" if self.check else "no container check"
        return f"TTL {self.ttl} s, stopTimeout {self.stop_timeout} s, drain {self.drain} s, {checked}"


DEFAULT = TaskSettings()
"""The defaults of most services: a TTL of 60 s, 30 s to stop, a process that SIGTERM ends, a container check."""


def task_settings_of(
    ttl: int | None, stop_timeout: int | None, drain: int | None, *, check: bool
) -> TaskSettings | None:
    """Return the settings that options give, defaults for the rest; None if no option was given.

    Raises ValueError for a value out of range.
    """
    if ttl is None and stop_timeout is None and drain is None and check:
        return None
    return _checked(
        TaskSettings(
            DEFAULT.ttl if ttl is None else ttl,
            DEFAULT.stop_timeout if stop_timeout is None else stop_timeout,
            DEFAULT.drain if drain is None else drain,
            check,
        )
    )


def parse_task_settings(text: str) -> TaskSettings:
    """Return the settings in a text such as `ttl=60,stop=30,drain=0`. Raises ValueError that names the problem."""
    names = {"ttl": "ttl", "stop": "stop_timeout", "drain": "drain", "check": "check"}
    values: dict[str, Any] = {}
    for part in filter(None, text.split(",")):
        name, _, value = part.partition("=")
        if name not in names or not value.isdecimal():
            raise ValueError(f"expected ttl=N,stop=N,drain=N,check=0|1 with whole seconds, got {part!r}")
        values[names[name]] = bool(int(value)) if name == "check" else int(value)
    return _checked(TaskSettings(**values))


def _checked(settings: TaskSettings) -> TaskSettings:
    if not 0 <= settings.ttl <= MAX_TTL:
        raise ValueError(f"the TTL must be from 0 to {MAX_TTL} whole seconds, got {settings.ttl}")
    if not MIN_STOP_TIMEOUT <= settings.stop_timeout <= MAX_STOP_TIMEOUT:
        raise ValueError(
            f"stopTimeout must be from {MIN_STOP_TIMEOUT} to {MAX_STOP_TIMEOUT} whole seconds "
            f"(ecs/ContainerDefinition.stopTimeout), got {settings.stop_timeout}"
        )
    if not 0 <= settings.drain <= MAX_DRAIN:
        raise ValueError(
            f"the drain must be from 0 to {MAX_DRAIN} whole seconds, got {settings.drain}: SIGKILL ends a longer one"
        )
    return settings
