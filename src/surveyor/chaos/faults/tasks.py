"""Faults of tasks."""

from __future__ import annotations

from collections.abc import Callable

from surveyor.chaos.actions import ActionContext, ApiStep, SignalStep, Step, TellStep
from surveyor.chaos.faults.model import Fault, FaultImplementation, FaultPlan, Victims
from surveyor.chaos.service_under_test import ServiceUnderTest, Task

__all__ = ["TASKS"]

_SIGNALS = frozenset({"ecs", "task-signals"})
_CALLED = frozenset({"ecs", "ecs-processes"})
_ECS = frozenset({"ecs"})
_PROXIES = frozenset({"ecs", "task-signals", "service-connect"})

Make = Callable[[ServiceUnderTest, Task], Step]


def _each(begin: Make, undo: Make | None = None) -> Callable[[ServiceUnderTest, Victims, ActionContext], FaultPlan]:
    def plan(scene: ServiceUnderTest, victims: Victims, hands: ActionContext) -> FaultPlan:
        return FaultPlan(
            tuple(begin(scene, task) for task in victims.tasks),
            tuple(undo(scene, task) for task in victims.tasks) if undo is not None else (),
        )

    return plan


def _signal(name: str, to: str = "task") -> Make:
    return lambda scene, task: SignalStep(task.arn, name, to)


def _tell(path: str, *, ends: bool = False) -> Make:
    return lambda scene, task: TellStep(task.address, path, scene.port, ends)


def _stop(scene: ServiceUnderTest, task: Task) -> Step:
    return ApiStep("ecs", "stop_task", {"cluster": scene.cluster, "task": task.arn, "reason": "surveyor chaos"})


TASKS = (
    Fault(
        "task.kill",
        "ends a task's processes by SIGKILL, without a farewell to anybody",
        (
            FaultImplementation(_SIGNALS, _each(_signal("KILL"))),
            FaultImplementation(_CALLED, _each(_tell("/exit?code=137", ends=True)), workload=True),
        ),
        of_tasks=True,
    ),
    Fault("task.stop", "has ECS stop a task (StopTask)", (FaultImplementation(_ECS, _each(_stop)),), of_tasks=True),
    Fault(
        "task.pause",
        "freezes a task: it takes connections and never answers",
        (
            FaultImplementation(_SIGNALS, _each(_signal("STOP"), _signal("CONT"))),
            FaultImplementation(_CALLED, _each(_tell("/behave?do=hang"), _tell("/behave?do=answer")), workload=True),
        ),
        lasting=True,
        of_tasks=True,
    ),
    Fault(
        "task.unhealthy",
        "has a task's health check fail, while it goes on answering",
        (FaultImplementation(_CALLED, _each(_tell("/health?do=fail"), _tell("/health?do=pass")), workload=True),),
        lasting=True,
        of_tasks=True,
    ),
    Fault(
        "task.ignore-sigterm",
        "has a task take no notice of SIGTERM, until ECS kills it",
        (
            FaultImplementation(
                _CALLED, _each(_tell("/behave?do=ignore-sigterm"), _tell("/behave?do=heed-sigterm")), workload=True
            ),
        ),
        lasting=True,
        of_tasks=True,
    ),
    Fault(
        "net.latency",
        "has a task answer two seconds later than it would",
        (
            FaultImplementation(
                _CALLED, _each(_tell("/behave?do=slow&seconds=2"), _tell("/behave?do=answer")), workload=True
            ),
        ),
        lasting=True,
        of_tasks=True,
    ),
    Fault(
        "az.lose",
        "has ECS stop all tasks of one availability zone",
        (FaultImplementation(_ECS, _each(_stop)),),
        of_tasks=True,
    ),
    Fault(
        "proxy.kill",
        "ends the Service Connect proxy of a task by SIGKILL",
        (FaultImplementation(_PROXIES, _each(_signal("KILL", "proxy"))),),
        of_tasks=True,
    ),
    Fault(
        "proxy.pause",
        "freezes the Service Connect proxy of a task",
        (FaultImplementation(_PROXIES, _each(_signal("STOP", "proxy"), _signal("CONT", "proxy"))),),
        lasting=True,
        of_tasks=True,
    ),
)
