"""The course of a watch: for a time, until a deployment is over, or while a command deploys. All in service seconds."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from surveyor.account.failed_calls import describe_failed_call
from surveyor.errors import SurveyorError, UsageError
from surveyor.history import Outcome
from surveyor.visible_text import one_line
from surveyor.watch.deployment import Choice
from surveyor.watch.running import RunningWatch

__all__ = ["CommandEnded", "Course", "describe_status", "watch_deployment"]

LATE_READS = 30.0
"""Service seconds after which a deployment that a command has begun must be visible: ECS is eventually consistent
(ecs/RunTask)."""

FAILED_READS = 5.0
"""Service seconds after which a deployment that a failed command has begun must be visible: most have begun none."""

AFTERWARDS = 10.0
"""Service seconds for which a watch continues at least after a deployment."""

Report = Callable[[str], object]


@dataclass(frozen=True)
class CommandEnded:
    """The deployment command: its exit status, None while it runs."""

    status: int | None
    process: int


@dataclass(frozen=True)
class Course:
    """What happens in a watch: it lasts `seconds` if that is not 0, else until a deployment is over, `within` at most.

    `deploy` forces that deployment, and `command` runs what deploys, each after `before` seconds. Faults of clients
    begin at the same time, with the deployment that is watched otherwise, or after `before` seconds.
    """

    seconds: float = 0.0
    before: float = 0.0
    within: float = 3_600.0
    deploy: bool = False
    command: Sequence[str] = ()

    @property
    def choice(self) -> Choice:
        """Return which deployment is watched."""
        return "next" if self.deploy or self.command else "current"

    def follow(self, watch: RunningWatch, ecs: Callable[[], Any], report: Report) -> CommandEnded | None:
        """Let everything happen; return how the command ended, None without one. `ecs` returns a client."""
        if self.seconds:
            before = self.before if watch.faults is not None else 0.0
            watch.wait(before)
            watch.begin_faults(report)
            watch.wait(self.seconds - before)
            return None
        if self.deploy or self.command:
            watch.wait(self.before)
            watch.begin_faults(report)
        if self.command:
            return _run_command(watch, self.command, self.within, report)
        if self.deploy:
            _force_deployment(watch, ecs(), report)
        watch_deployment(watch, self.within, report)
        return None


def watch_deployment(watch: RunningWatch, within: float, report: Report) -> bool:
    """Watch until the deployment is over and the longest cache has run out; return whether it was over `within`.

    Waits for a deployment to begin if none is in progress.
    """
    began = watch.wait_until(lambda: watch.deployment() is not None, within)
    if not began:
        report(f"no deployment began within {within:g} s")
        return False
    described = watch.deployment()
    assert described is not None, "a deployment that has begun stays known"
    report(f"watching the deployment {str(described['serviceDeploymentArn']).rpartition('/')[2]}")
    watch.begin_faults(report)
    over = watch.wait_until(lambda: watch.watched.is_over, within)
    if not over:
        report(f"the deployment is not over after {within:g} s")
        return False
    report(f"the deployment is over; clients may use what they know for {watch.cache:g} s more")
    watch.wait(max(watch.cache, AFTERWARDS))
    return True


def _force_deployment(watch: RunningWatch, ecs: Any, report: Report) -> None:
    """Make ECS replace all tasks by new ones of the same revision; the only call of a watch that changes something.

    Nothing is forced if a deployment is in progress. Raises SurveyorError if ECS refuses.
    """
    service = watch.service
    if watch.deployment() is not None:
        report("a deployment has begun meanwhile: none is forced")
        return
    parameters = {"cluster": service.cluster, "service": service.service, "forceNewDeployment": "true"}
    began = watch.recorder.invoke("watch", "change", call="ecs:UpdateService", parameters=parameters)
    try:
        ecs.update_service(cluster=service.cluster, service=service.service, forceNewDeployment=True)
    except ClientError as error:
        watch.recorder.end(began, Outcome.FAIL, error=str(error.response.get("Error", {}).get("Code", "")))
        raise SurveyorError(describe_failed_call("ecs:UpdateService", error.response)) from None
    watch.recorder.end(began, Outcome.OK)
    report("a new deployment is forced")


def describe_status(status: int) -> str:
    """Return how a command ended, as subprocess.Popen.returncode says it."""
    if status >= 0:
        return f"ended with {status}"
    try:
        return f"was ended by {signal.Signals(-status).name}"
    except ValueError:
        return f"was ended by signal {-status}"


def _run_command(watch: RunningWatch, command: Sequence[str], within: float, report: Report) -> CommandEnded:
    """Run a command that deploys, and watch until it and its deployment are over, and the longest cache has run out.

    The command is never stopped: it may be in the middle of a deployment. Raises UsageError if it cannot be started.
    """
    try:
        process = subprocess.Popen(list(command))  # what the user asks for
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UsageError(f"{one_line(command[0])} cannot be run: {reason}") from None
    if not watch.wait_until(lambda: process.poll() is not None, within):
        report(f"the command (process {process.pid}) is not over after {within:g} s; it still runs")
        return CommandEnded(None, process.pid)
    status = process.returncode
    report(f"the command {describe_status(status)}")
    late = FAILED_READS if status else LATE_READS
    if watch.deployment() is None and not watch.wait_until(lambda: watch.deployment() is not None, late):
        report("no deployment began while the command ran")
        return CommandEnded(status, process.pid)
    watch_deployment(watch, within, report)
    return CommandEnded(status, process.pid)
