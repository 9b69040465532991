"""How an experiment says what it is about: the service it needs, how that is called, and what is to hold."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from surveyor.advice.figures import TaskSettings
from surveyor.history import Check

__all__ = ["MARK", "Experiment", "Setting", "experiment"]

MARK = "experiment"
"""The name of the marker that carries an Experiment."""


@dataclass(frozen=True)
class Setting:
    """The service of an experiment: how many tasks, and how they live (service seconds).

    `ttl`, `stop_timeout`, `drain`: as for `surveyor advise`, whose options change them. `check`: the container has a
    health check, each `check_interval` seconds, and is unhealthy after `check_retries` failures. `rate`: calls a wall
    second, each of which `takes` so long. `period`: from look to look of an observer. `by`: how callers find tasks,
    `dns` or `api`. `shared`: callers are another account's, with which the namespace is shared. `connect`: each task
    has a Service Connect proxy, which its calls come through; `fronts`: it has, and there are a client's proxy and a
    load balancer before the service, where the target has such. `before`: how long it is watched before a fault.
    """

    count: int = 3
    ttl: int = 20
    stop_timeout: int = 30
    drain: int = 0
    check: bool = False
    check_interval: int = 5
    check_retries: int = 2
    rate: float = 25.0
    takes: float = 0.0
    period: float = 1.0
    by: str = "dns"
    shared: bool = False
    connect: bool = False
    fronts: bool = False
    before: float = 15.0

    def tuned(self, tuning: TaskSettings | None) -> Setting:
        """With what the command line gives instead."""
        if tuning is None:
            return self
        return replace(
            self,
            ttl=tuning.ttl,
            stop_timeout=tuning.stop_timeout,
            drain=tuning.drain,
            check=self.check and tuning.check,
        )


@dataclass(frozen=True)
class Experiment:
    """One experiment: its name, what it does in one sentence, its service, what is to hold, the faults that it uses."""

    name: str
    title: str
    setting: Setting
    holds: tuple[Check, ...]
    faults: tuple[str, ...]


def experiment(
    title: str,
    *,
    faults: tuple[str, ...],
    holds: tuple[Check, ...],
    setting: Setting | None = None,
    name: str = "",
) -> pytest.MarkDecorator:
    """Marks a test of chaos/ as an experiment; its name is that of its file unless it is given.

    `title` says in one sentence what happens; `faults` are the names of all faults that it uses, none for those that
    `--fault` names.
    """
    return pytest.mark.experiment(title, setting or Setting(), holds, faults, name)
