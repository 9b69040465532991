"""An experiment while it goes on: who is observed, whom it is done to, what holds it back, how it ends."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from surveyor.chaos.actions import ActionContext, ApiStep, FaultFailed, Step, perform
from surveyor.chaos.callers import Caller
from surveyor.chaos.experiment import Experiment
from surveyor.chaos.experiment_clock import Flow
from surveyor.chaos.fault_proxy import FaultProxy
from surveyor.chaos.faults import FaultPlan, Victims, fault_of
from surveyor.chaos.observers import Observer, roll
from surveyor.chaos.safety_limits import SafetyLimits
from surveyor.chaos.service_under_test import ServiceUnderTest, Task
from surveyor.chaos.undo_log import UndoLog
from surveyor.errors import FeatureLacking, Inconclusive, UsageError, WrongAnswer
from surveyor.history import Outcome, Recorder

__all__ = ["DryRun", "ExperimentRun"]

LOOK = 1.0
"""Service seconds between two looks of whoever waits."""

RECOVERY = 240.0
"""Service seconds in which a service is whole again after the last fault."""


class DryRun(Exception):
    """The first fault was about to begin, and nothing was to be done."""


@dataclass
class ExperimentRun:
    """What an experiment of chaos/ works with. All seconds are service seconds."""

    experiment: Experiment
    scene: ServiceUnderTest
    flow: Flow
    hands: ActionContext
    recorder: Recorder
    journal: UndoLog
    front: FaultProxy
    brakes: SafetyLimits
    features: frozenset[str]
    seed: int
    chance: random.Random
    caller: Caller
    observers: Sequence[Observer]
    tell: Callable[[str], object]
    lasts: float = 30.0
    dry_run: bool = False
    _over: threading.Event = field(default_factory=threading.Event)

    def tasks(self) -> list[Task]:
        """The tasks that run now, in the order of their ids."""
        found = roll(self.hands.of("ecs"), self.scene, {}).values()
        return sorted((task for task in found if task.status == "RUNNING"), key=lambda task: task.id)

    def pick(self, count: int) -> list[Task]:
        """So many running tasks, by the experiment's seed. Raises UsageError if there are not that many."""
        running = self.tasks()
        if count > len(running):
            raise UsageError(f"{count} victims were asked for, and the service has {len(running)} running tasks")
        return self.chance.sample(running, count)

    def pick_share(self, share: float) -> list[Task]:
        """That share of the running tasks, to the nearest whole, one at least: a share of few is never nobody."""
        running = self.tasks()
        return self.pick(max(1, round(share * len(running)))) if running else self.pick(1)

    def pick_zone(self) -> list[Task]:
        """All tasks of one of the zones that have any; nobody where no task runs."""
        running = self.tasks()
        zones = sorted({task.zone for task in running})
        zone = self.chance.choice(zones) if zones else ""
        return [task for task in running if task.zone == zone]

    def victims(self, fault: str) -> list[Task]:
        """For a fault of tasks one of them, or those of a zone; nobody for others."""
        if fault == "az.lose":
            return self.pick_zone()
        return self.pick(1) if fault_of(fault).of_tasks else []

    @contextmanager
    def fault(self, name: str, victims: Sequence[Task] = (), **given: Any) -> Iterator[None]:
        """Begin a fault; it is undone however the block is left.

        Raises FeatureLacking where the target cannot do it, UsageError where a brake says no, FaultFailed.
        """
        fault = fault_of(name)
        if name not in self.experiment.faults:
            raise UsageError(f"{self.experiment.name} does {name}, and does not declare it")
        way = fault.way(self.features, workload=self.scene.workload)
        if way is None:
            why = fault.lacking(self.features) or "tasks that run surveyor_agents.workload"
            raise FeatureLacking(f"{name} needs {why}")
        if fault.of_tasks:
            self.brakes.victims(victims, self.tasks(), own=self.scene.own)
        unknown = self.dry_run and fault.creates
        plan = FaultPlan() if unknown else way.plan(self.scene, Victims(victims, given), self.hands)
        whom = ", ".join(map(str, victims)) or plan.told or f"the service {self.scene.service}"
        self.tell(f"{self.experiment.name}: seed {self.seed}: {name}: {whom}")
        if self.dry_run:
            raise DryRun
        with ExitStack() as stack:
            began = self.recorder.invoke(
                "faults",
                "fault",
                fault=name,
                victims=tuple(task.id for task in victims),
                lasting=fault.lasting,
                told=plan.told,
            )
            number = self.journal.begins(name, plan.undo)
            stack.callback(self._undo, name, plan, began, number, lasting=fault.lasting)
            try:
                self._make(plan.begin)
            except FaultFailed as wrong:
                self.recorder.end(began, Outcome.INFO, error=str(wrong))  # some of it may have begun
                raise
            if plan.front:
                self.front.set(name, plan.front)
            self.recorder.end(began, Outcome.OK)
            yield

    def _make(self, steps: Sequence[Step], *, again: bool = False) -> None:
        for step in steps:
            if not isinstance(step, ApiStep):
                perform(step, self.hands, again=again)
                continue
            operation = self.hands.of(step.service).meta.method_to_api_mapping[step.method]
            told = {name: str(value) for name, value in step.params.items() if isinstance(value, str | int)}
            began = self.recorder.invoke("faults", "change", call=f"{step.service}:{operation}", told=told)
            try:
                perform(step, self.hands, again=again)
            except FaultFailed as wrong:
                self.recorder.end(began, Outcome.INFO, error=str(wrong))
                raise
            self.recorder.end(began, Outcome.OK)

    def _undo(self, name: str, plan: FaultPlan, began: int, number: int, *, lasting: bool) -> None:
        if not lasting:
            self.journal.undone(number)
            return
        ending = self.recorder.invoke("faults", "undo", fault=began)
        if plan.front:
            self.front.set(name, 0)
        self._make(plan.undo, again=True)
        self.journal.undone(number)
        self.recorder.end(ending, Outcome.OK)

    def wait(self, seconds: float) -> None:
        """Let time pass. Raises Stopped when a brake says so, and what broke an observer."""
        until = self.flow.now() + seconds
        while (left := until - self.flow.now()) > 0:
            self.flow.wait(self.flow.now() + min(LOOK, left), self._over)
            self.look()

    def look(self) -> None:
        """Whether all is well with the experiment itself. Raises Stopped, and what broke somebody."""
        self.brakes.look(self.caller.errors(), own=self.scene.own)
        for one in self._everybody():
            if one.broken is not None:
                raise one.broken

    def until(self, condition: Callable[[], object], within: float, what: str) -> None:
        """Wait for something. Raises Inconclusive if it does not come: what was to be seen never happened."""
        start = self.flow.now()
        while not condition():
            if self.flow.now() - start > within:
                raise Inconclusive(f"expected {what} within {within:g} s; it did not come")
            self.wait(LOOK)

    def until_whole(self, within: float = RECOVERY) -> None:
        """Wait until as many tasks run as are wanted, in one deployment that is done.

        Raises WrongAnswer if that does not come, since then nothing was really undone.
        """
        start = self.flow.now()
        while not self._is_whole():
            if self.flow.now() - start > within:
                told = f"expected {self.scene.service} to be whole again within {within:g} s; it was not"
                raise WrongAnswer(told, actual="not whole again")
            self.wait(LOOK)

    def _is_whole(self) -> bool:
        ecs = self.hands.of("ecs")
        [found] = ecs.describe_services(cluster=self.scene.cluster, services=[self.scene.service])["services"]
        counts = found["runningCount"] == found["desiredCount"] and not found["pendingCount"]
        deployments = found["deployments"]
        return counts and len(deployments) == 1 and deployments[0].get("rolloutState", "COMPLETED") == "COMPLETED"

    def rest(self, seconds: float) -> None:
        """After the last fault: wait until the service is whole again, and then for so long. Raises WrongAnswer."""
        self.until_whole()
        self.wait(seconds)

    def verify(self) -> str:
        """What became of the service after an experiment that was ended before its time; "" if all is well."""
        self.brakes = replace(self.brakes, kill_file=None, errors=1.0)
        try:
            self.until_whole()
        except WrongAnswer as never:
            return str(never)
        return ""

    def stop(self) -> None:
        """End observers and callers, and wait for what they have under way."""
        for one in self._everybody():
            one.stop()
        for one in self._everybody():
            if one.ident is not None:
                one.join()

    def _everybody(self) -> list[Observer | Caller]:
        return [*self.observers, self.caller]
