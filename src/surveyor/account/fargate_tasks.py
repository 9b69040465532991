"""The Fargate tasks that a run has asked for, and how many it may have at a time.

They cost money and fill the account's quota of vCPUs, which all of its teams share. Tasks of other launch types do not
count: they start only on instances, which are paid for already.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from surveyor.account.shared_file import open_shared
from surveyor.errors import Inconclusive

__all__ = ["TASKS_FILE", "FargateTasks"]

TASKS_FILE = "tasks.json"
"""How many tasks each service of the run has, and each cluster without a service, in the folder of its ledgers."""

_PAUSE = 5.0
_MAX_PAUSES = 240

Undo = Callable[[], None]


@dataclass
class FargateTasks:
    """Counts tasks by what the calls of all workers ask for, through a shared `file`; `limit`: at a time.

    `started` counts those of this process. `pause` is called while other workers have as many as there may be; None
    means that no task of theirs will end meanwhile.
    """

    limit: float = math.inf
    file: Path | None = None
    pause: Callable[[float], None] | None = None
    started: int = 0
    _own: dict[str, int] = field(default_factory=dict)

    def before(self, service: str, operation: str, params: Mapping[str, Any]) -> Undo | None:
        """Count a call before it is sent, and return how to undo it if the call is refused.

        Waits until there is room; raises Inconclusive if there will be none.
        """
        if service != "ecs" or (change := _change_of(operation, params)) is None:
            return None
        if operation == "DeleteCluster":
            self._drop_cluster(change.key)
            return None
        if operation in ("UpdateService", "StopTask", "DeleteService") and change.key not in self._own:
            return None
        before = self._own.get(change.key, 0)
        after = before + change.more if change.more else change.count
        self._set(change.key, max(0, after))
        self.started += max(0, after - before)
        return lambda: self._set(change.key, before)

    def _set(self, key: str, count: int) -> None:
        more = count - self._own.get(key, 0)
        own = sum(self._own.values()) + more
        if more > 0 and own > self.limit:
            raise Inconclusive(_full(self.limit, f"this call would make it {own}"))
        for _ in range(_MAX_PAUSES if self.pause and more > 0 else 1):
            if self._try(key, count, more):
                self._own[key] = count  # also 0: it may get tasks later
                return
            if self.pause:
                self.pause(_PAUSE)
        raise Inconclusive(_full(self.limit, "none of another worker ended in time"))

    def _try(self, key: str, count: int, more: int) -> bool:
        """Write the count, unless all workers would have too many."""
        if self.file is None:
            return True
        with open_shared(self.file) as sheet:
            counts = _counts(sheet.read())
            if more > 0 and sum(counts.values()) + more > self.limit:
                return False
            counts = {**counts, key: count} if count else {name: n for name, n in counts.items() if name != key}
            sheet.seek(0)
            sheet.write(json.dumps(counts))
            sheet.truncate()
        return True

    def _drop_cluster(self, cluster: str) -> None:
        for key in [key for key in self._own if key.startswith(cluster)]:
            self._set(key, 0)


@dataclass(frozen=True)
class _Change:
    """The count of a service, or `more` tasks of a cluster than before."""

    key: str
    count: int = 0
    more: int = 0


def _change_of(operation: str, params: Mapping[str, Any]) -> _Change | None:
    """Return what a call of ECS changes; None if it starts and ends no Fargate task."""
    cluster = _last_part(params.get("cluster")) or "default"
    match operation:
        case "CreateService" if _is_fargate(params):
            return _Change(f"{cluster}/{_last_part(params.get('serviceName'))}", _number(params.get("desiredCount"), 1))
        case "UpdateService" if "desiredCount" in params:
            return _Change(f"{cluster}/{_last_part(params.get('service'))}", _number(params["desiredCount"], 0))
        case "DeleteService":
            return _Change(f"{cluster}/{_last_part(params.get('service'))}")
        case "RunTask" if _is_fargate(params):
            return _Change(f"{cluster}/", more=_number(params.get("count"), 1))
        case "StopTask":
            return _Change(f"{cluster}/", more=-1)
        case "DeleteCluster":
            return _Change(f"{cluster}/")
    return None


def _is_fargate(params: Mapping[str, Any]) -> bool:
    strategy = params.get("capacityProviderStrategy")
    providers = [item.get("capacityProvider") for item in strategy or () if isinstance(item, Mapping)]
    return params.get("launchType") == "FARGATE" or any(str(name).startswith("FARGATE") for name in providers)


def _last_part(text: object) -> str:
    return text.rpartition("/")[2] if isinstance(text, str) else ""


def _number(value: object, default: int) -> int:
    """Return a count of tasks; suites pass values of other types, which are refused."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else default


def _counts(text: str) -> dict[str, int]:
    """Return the counts in a file; none if it was cut short."""
    try:
        counts = json.loads(text)
    except ValueError:
        return {}
    if not isinstance(counts, dict):
        return {}
    return {str(name): count for name, count in counts.items() if isinstance(count, int)}


def _full(limit: float, why: str) -> str:
    return f"a run may have {limit:g} Fargate tasks at a time, and {why}; --budget tasks=N allows more"
