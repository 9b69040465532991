"""The alarms of the user that stop an experiment, as stop conditions do in AWS FIS.

AWS FIS User Guide, "Stop conditions for AWS FIS": an experiment does not start while such an alarm is in ALARM, and
stops once it is.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from surveyor.chaos.safety_limits import ExperimentStopped
from surveyor.errors import Inconclusive, TargetUnavailable, UsageError
from surveyor.observers.alarms import read_alarms
from surveyor.visible_text import one_line

__all__ = ["StopAlarms"]

LOOK_EVERY = 5.0
"""Service seconds between two looks; an alarm is evaluated every ten seconds at most (cloudwatch/PutMetricAlarm)."""

UNSEEN_FOR = 60.0
"""Service seconds for which looks may fail before an experiment without its alarms is stopped."""

_ARN = ":alarm:"


class StopAlarms:
    """Alarms by name or ARN. `client` creates a client of CloudWatch in the account of the service."""

    def __init__(self, names: Collection[str], client: Callable[[str], Any]) -> None:
        self._names = [name.rpartition(_ARN)[2] if name.startswith("arn:") else name for name in names]
        self._client = client
        self._due = self._seen = float("-inf")

    def check_start(self) -> None:
        """Raise UsageError for an alarm that does not exist or is in ALARM, TargetUnavailable if none can be read."""
        if not all(self._names):
            raise UsageError("--stop-on-alarm: expected the name or the ARN of an alarm, got ''")
        try:
            found = read_alarms(self._client("cloudwatch"), self._names) if self._names else {}
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code"))
            advice = "allow cloudwatch:DescribeAlarms" if code.startswith("AccessDenied") else "try again later"
            raise TargetUnavailable(f"--stop-on-alarm: DescribeAlarms was refused with {code}: {advice}") from None
        for name in self._names:
            if name not in found:
                raise UsageError(
                    f"--stop-on-alarm: CloudWatch has no alarm {one_line(name)!r} in this account and Region"
                )
            if found[name].get("StateValue") == "ALARM":
                raise UsageError(f"--stop-on-alarm: {one_line(name)!r} is in ALARM already: start when it is OK")

    def check(self, now: float) -> None:
        """Look, unless that was a moment ago, and raise ExperimentStopped if an alarm is in ALARM or gone."""
        if not self._names or now < self._due:
            return
        self._due = now + LOOK_EVERY
        try:
            found = read_alarms(self._client("cloudwatch"), self._names)
        except (ClientError, BotoCoreError, TargetUnavailable, Inconclusive) as error:
            self._seen = max(self._seen, now - UNSEEN_FOR) if self._seen == float("-inf") else self._seen
            if now - self._seen >= UNSEEN_FOR:
                why = f"{type(error).__name__}: {error}".splitlines()[0][:200]
                raise ExperimentStopped(f"stopped: its alarms could not be read for {UNSEEN_FOR:g} s: {why}") from None
            return
        self._seen = now
        for name in self._names:
            if name not in found:
                raise ExperimentStopped(f"stopped: the alarm {one_line(name)!r} was deleted")
            if found[name].get("StateValue") == "ALARM":
                raise ExperimentStopped(f"stopped by the alarm {one_line(name)!r}: it is in ALARM")
