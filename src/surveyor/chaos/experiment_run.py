"""A running experiment: observers, callers, faults, safety limits, and how it ends."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from surveyor.callers import CallerThread, ServiceEndpoints
from surveyor.chaos.actions import Action, ActionContext, ApiAction, FaultFailed, Restoration, perform
from surveyor.chaos.experiment import Experiment
from surveyor.chaos.fault_planning import plan_fault
from surveyor.chaos.fault_proxy import FaultProxy
from surveyor.chaos.faults import FaultPlan, find_fault
from surveyor.chaos.leftovers import LeftBehind, find_leftovers
from surveyor.chaos.safety_limits import ExperimentStopped, TaskChange
from surveyor.chaos.service_guard import ServiceGuard
from surveyor.chaos.service_timing import ServiceTiming
from surveyor.chaos.undo_log import UndoLog
from surveyor.clock import ServiceClock
from surveyor.errors import Inconclusive, UsageError, WrongAnswer
from surveyor.fixtures.reads import WrittenServices
from surveyor.history import Outcome, Recorder
from surveyor.observers.deployments import DeploymentReader
from surveyor.observers.keeping_up import describe_lag
from surveyor.observers.observer import Observer
from surveyor.observers.service_under_test import ServiceTask, ServiceUnderTest
from surveyor.observers.tasks import describe_tasks

__all__ = ["DryRun", "ExperimentRun"]

CHECK_EVERY = 1.0
"""Service seconds between two checks of the safety limits while the experiment waits."""

LEFT_FOR = 60.0
"""Service seconds after which an instance without a task is not merely being deregistered."""


class DryRun(Exception):
    """A dry run has reached its first fault, and ends there."""


@dataclass
class ExperimentRun:
    """What the test of an experiment works with. All seconds are service seconds."""

    experiment: Experiment
    service: ServiceUnderTest
    endpoints: ServiceEndpoints
    clock: ServiceClock
    context: ActionContext
    recorder: Recorder
    undo_log: UndoLog
    proxy: FaultProxy
    guard: ServiceGuard
    features: frozenset[str]
    seed: int
    chance: random.Random
    caller: CallerThread
    observers: Sequence[Observer]
    print_line: Callable[[str], object]
    timing: ServiceTiming = field(default_factory=ServiceTiming)
    duration: float = 30.0
    dry_run: bool = False
    _touched: set[str] = field(default_factory=set)
    _written: WrittenServices = field(default_factory=WrittenServices)
    _never: threading.Event = field(default_factory=threading.Event)

    def tasks(self) -> list[ServiceTask]:
        """Return the tasks that are RUNNING, in the order of their ids."""
        tasks = describe_tasks(self.context.client("ecs"), self.service, {}).values()
        return sorted((task for task in tasks if task.status == "RUNNING"), key=lambda task: task.id)

    def pick(self, count: int) -> list[ServiceTask]:
        """Return `count` running tasks, chosen by the experiment's seed. Ends the experiment if there are fewer."""
        running = self.tasks()
        if count > len(running):
            self.guard.refuse(f"{count} victims were requested, and the service has {len(running)} running tasks")
        return self.chance.sample(running, count)

    def pick_share(self, share: float) -> list[ServiceTask]:
        """Return that share of the running tasks, rounded to the nearest whole number, at least one."""
        running = self.tasks()
        return self.pick(max(1, round(share * len(running)))) if running else self.pick(1)

    def pick_zone(self) -> list[ServiceTask]:
        """Return all running tasks of one availability zone; none if no task is running.

        It is the zone of the client's task, if the service is called by one, and has tasks there.
        """
        running = self.tasks()
        zones = sorted({task.zone for task in running})
        zone = self.chance.choice(zones) if zones else ""
        if self.service.client_zone in zones:
            zone = self.service.client_zone
        return [task for task in running if task.zone == zone]

    def victims(self, fault: str) -> list[ServiceTask]:
        """Return one task for a fault of tasks, a zone's tasks for az.lose, none for other faults."""
        if fault == "az.lose":
            return self.pick_zone()
        return self.pick(1) if find_fault(fault).of_tasks else []

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Name a period of the experiment: its figures are given, too."""
        began = self.recorder.invoke("experiment", "phase", name=name)
        yield
        self.recorder.end(began, Outcome.OK)

    def shifted_percent(self) -> float:
        """Return which share of the production traffic the newest deployment has shifted, in percent."""
        described = DeploymentReader(self.context.client("ecs"), self.service).read().described
        newest = next(iter(described.values()), {})
        target = newest.get("targetServiceRevision") or {}
        return float(target.get("requestedProductionTrafficWeight") or 0.0)

    @contextmanager
    def fault(self, name: str, victims: Sequence[ServiceTask] = (), **parameters: Any) -> Iterator[None]:
        """Start a fault, and undo it however the block ends.

        Raises FeatureLacking if the target cannot do it or a safety limit forbids it, FaultFailed.
        """
        fault = find_fault(name)
        if name not in self.experiment.faults:
            raise UsageError(f"{self.experiment.name} uses the fault {name} without declaring it")
        planned = plan_fault(
            fault,
            victims,
            parameters,
            service=self.service,
            features=self.features,
            guard=self.guard,
            context=self.context,
            dry_run=self.dry_run,
        )
        plan, change = planned.plan, planned.change
        self.print_line(f"{self.experiment.name}: seed {self.seed}: {name}: {planned.subject}")
        if self.dry_run:
            raise DryRun
        with ExitStack() as stack:
            began = self.recorder.invoke(
                "faults",
                "fault",
                fault=name,
                victims=tuple(task.id for task in victims),
                lasting=fault.lasting,
                description=planned.description,
            )
            number = self.undo_log.begin(name, plan.undo)
            stack.callback(self._undo, name, plan, began, number, lasting=fault.lasting)
            self.guard.begin(number, change)
            stack.callback(self.guard.end, number, lasting=fault.lasting)
            try:
                self._perform_on(plan.begin, change, [task.id for task in victims])
            except (FaultFailed, ExperimentStopped) as error:
                self.recorder.end(began, Outcome.INFO, error=str(error))  # part of it may have started
                raise
            if plan.proxy_share:
                self.proxy.set(name, plan.proxy_share, plan.operations, plan.amount)
            self.recorder.end(began, Outcome.OK)
            yield

    def _perform_on(self, actions: Sequence[Action], change: TaskChange, victims: Sequence[str]) -> None:
        """Perform actions; if there is one for each victim, the limits are checked again while that takes its time."""
        checked = self.clock.now()
        for number, action in enumerate(actions):
            if len(actions) == len(change.victims) and self.clock.now() - checked >= CHECK_EVERY:
                self.check_progress()
                self.guard.check(replace(change, victims=frozenset(victims[number:])))
                checked = self.clock.now()
            self._perform((action,))

    def _perform(self, actions: Sequence[Action], *, undoing: bool = False) -> None:
        for action in actions:
            if not isinstance(action, ApiAction | Restoration):
                perform(action, self.context, undoing=undoing)
                continue
            self._touched |= {str(action.params[name]) for name in ("InstanceId", "instance") if name in action.params}
            parameters = {name: str(value) for name, value in action.params.items() if isinstance(value, str | int)}
            began = self.recorder.invoke("faults", "change", call=self._call_of(action), parameters=parameters)
            try:
                performed = perform(action, self.context, undoing=undoing)
                self._written.note(performed.answer, self.clock.now())
                if action.deploys:
                    self.guard.deployed(performed.answer)
            except FaultFailed as error:
                self.recorder.end(began, Outcome.INFO, error=str(error))
                raise
            if performed.left:
                self.print_line(f"{self.experiment.name}: not undone, since another user changed it: {performed.left}")
            self.recorder.end(began, Outcome.OK, **({"error": performed.left} if performed.left else {}))

    def _call_of(self, action: ApiAction | Restoration) -> str:
        if isinstance(action, Restoration):
            return action.calls[0]
        operation = self.context.client(action.service).meta.method_to_api_mapping[action.method]
        return f"{action.service}:{operation}"

    def _undo(self, name: str, plan: FaultPlan, began: int, number: int, *, lasting: bool) -> None:
        if not lasting:
            self.undo_log.mark_undone(number)
            return
        ending = self.recorder.invoke("faults", "undo", fault=began)
        if plan.proxy_share:
            self.proxy.set(name, 0)
        self._perform(plan.undo, undoing=True)
        self.undo_log.mark_undone(number)
        self.recorder.end(ending, Outcome.OK)

    def wait(self, seconds: float) -> None:
        """Let time pass. Raises ExperimentStopped at a safety limit, and the error of an observer or caller."""
        until = self.clock.now() + seconds
        while (left := until - self.clock.now()) > 0:
            self.clock.wait(self.clock.now() + min(CHECK_EVERY, left), self._never)
            self.check_progress()

    def check_progress(self) -> None:
        """Raise ExperimentStopped at a safety limit, and the error of an observer or caller."""
        self.guard.check_progress(self.caller.error_rate(), self.clock.now())
        for thread in self._threads():
            if thread.error is not None:
                raise thread.error

    def until(self, condition: Callable[[], object], within: float, expected: str) -> None:
        """Wait until a condition is true. Raises Inconclusive if it is not within that time."""
        start = self.clock.now()
        while not condition():
            if self.clock.now() - start > within:
                raise Inconclusive(f"expected {expected} within {within:g} s; it did not happen")
            self.wait(CHECK_EVERY)

    def until_steady(self, within: float | None = None) -> None:
        """Wait until the desired number of tasks is running, in a single completed deployment.

        By default within the time that the service's settings need.

        Raises WrongAnswer if that does not happen, since then the faults were not really undone.
        """
        start, within = self.clock.now(), self.timing.recovery if within is None else within
        while not self._is_steady():
            if self.clock.now() - start > within:
                message = f"expected {self.service.service} to be steady again within {within:g} s; it was not"
                raise WrongAnswer(message, actual="not steady again")
            self.wait(CHECK_EVERY)

    def _is_steady(self) -> bool:
        ecs = self.context.client("ecs")
        services = ecs.describe_services(cluster=self.service.cluster, services=[self.service.service])["services"]
        if not services or self._written.may_be_earlier(services[0], self.clock.now()):
            return False  # reads may lag the creation, and the last change
        service = services[0]
        all_running = service["runningCount"] == service["desiredCount"] and not service["pendingCount"]
        deployments = service["deployments"]
        return all_running and len(deployments) == 1 and deployments[0].get("rolloutState", "COMPLETED") == "COMPLETED"

    def rest(self, seconds: float) -> None:
        """Wait until the service is steady after the last fault, and then `seconds` more. Raises WrongAnswer.

        A service of others with a longer TTL gets as much more.
        """
        self.until_steady()
        self.wait(seconds + self.timing.more_ttl)

    def recover(self) -> str:
        """Wait until the service of a stopped experiment is steady; return why it is not, "" if it is."""
        self.guard.lift()
        try:
            self.until_steady()
        except WrongAnswer as error:
            return str(error)
        return ""

    def check_leftovers(self) -> None:
        """Raise LeftBehind if instances that faults have touched stay in the registry of a user's service."""
        if self.service.temporary or self.dry_run:
            return
        start = self.clock.now()
        while left := find_leftovers(self.context.client, self.service, self._touched):
            if self.clock.now() - start > LEFT_FOR:
                where = f"{', '.join(left)} in the registry {self.service.registry}"
                raise LeftBehind(
                    f"left behind: instances without a task: {where}; remove them with "
                    "aws servicediscovery deregister-instance"
                )
            self.clock.wait(self.clock.now() + CHECK_EVERY, self._never)

    def lag(self) -> str:
        """Return that this machine, on which the service runs too, did not keep up; "" if it did, or is not used."""
        return describe_lag(self.observers) if self.endpoints.local else ""

    def stop(self) -> None:
        """Stop observers and callers, and wait for their last polls and calls."""
        for thread in self._threads():
            thread.stop()
        for thread in self._threads():
            if thread.ident is not None:
                thread.join()

    def _threads(self) -> list[Observer | CallerThread]:
        return [*self.observers, self.caller]
