"""An observer polls one view of the service on a fixed schedule, in its own thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

import dns.exception
from botocore.exceptions import BotoCoreError, ClientError

from surveyor.account.failed_calls import describe_failed_call
from surveyor.callers import ViewContents
from surveyor.clock import ServiceClock
from surveyor.errors import NoAnswer
from surveyor.history import Outcome, Recorder
from surveyor.observers.deployments import ReadDeployments
from surveyor.observers.service_under_test import ServiceTask

__all__ = ["Observer"]


class Observer(threading.Thread):
    """Polls a view every `period` service seconds from its start; a poll that would be late is skipped.

    `made` and `skipped` count both; `failed` counts the last polls in a row that got no answer, with the last `reason`.
    """

    def __init__(
        self,
        view: str,
        poll: Callable[[], ViewContents | Mapping[str, ServiceTask] | ReadDeployments],
        recorder: Recorder,
        clock: ServiceClock,
        period: float,
    ) -> None:
        super().__init__(name=f"observer of {view}", daemon=True)
        self.view = view
        self.made, self.skipped = 0, 0
        self.failed, self.reason = 0, ""
        self.error: BaseException | None = None
        self._poll, self._recorder, self._clock, self._period = poll, recorder, clock, period
        self._stopped = threading.Event()

    def run(self) -> None:
        """Poll until stopped."""
        try:
            self._run()
        except BaseException as error:  # noqa: BLE001  # raised again by the thread that waits for this one
            self.error = error

    def _run(self) -> None:
        start, number = self._clock.now(), 0
        while not self._clock.wait(start + number * self._period, self._stopped):
            self.poll_once()
            self.made += 1
            due = int((self._clock.now() - start) / self._period)
            self.skipped += max(0, due - number - 1)
            number = max(number + 1, due)

    def poll_once(self) -> None:
        """Poll the view once, and record the result."""
        what = self.view if self.view in ("tasks", "deployments") else "look"
        began = self._recorder.invoke(self.view, what, view=self.view)
        try:
            result = self._poll()
        except ClientError as error:
            self._fail(describe_failed_call(error.operation_name, error.response))
            self._recorder.end(began, Outcome.FAIL, error=str(error.response.get("Error", {}).get("Code", "")))
        except (BotoCoreError, NoAnswer, dns.exception.DNSException, OSError) as error:
            self._fail(str(error) or type(error).__name__)
            self._recorder.end(began, Outcome.INFO, error=type(error).__name__)
        else:
            self.failed = 0
            if isinstance(result, ReadDeployments):
                self._recorder.record_deployments(began, result.states(self._recorder.start), result.watched)
            elif isinstance(result, ViewContents):
                self._recorder.record_view(began, result.members, revision=result.revision, ttl=result.ttl)
            else:
                self._recorder.record_tasks(
                    began, {task.id: task.state(self._recorder.start) for task in result.values()}
                )

    def _fail(self, reason: str) -> None:
        self.failed, self.reason = self.failed + 1, reason

    def stop(self) -> None:
        """Stop polling."""
        self._stopped.set()
