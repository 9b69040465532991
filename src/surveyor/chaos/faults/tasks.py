"""Faults of tasks."""

from __future__ import annotations

from collections.abc import Callable

from surveyor.chaos.actions import Action, ActionContext, ApiAction, TaskCommand, TaskSignal
from surveyor.chaos.faults.model import Fault, FaultImplementation, FaultPlan, Victims
from surveyor.observers.service_under_test import ServiceTask, ServiceUnderTest

__all__ = ["TASK_FAULTS"]

_SIGNALS = frozenset({"ecs", "task-signals"})
_CALLED = frozenset({"ecs", "ecs-processes"})
_ECS = frozenset({"ecs"})
_PROXIES = frozenset({"ecs", "task-signals", "service-connect"})

MakeAction = Callable[[ServiceUnderTest, ServiceTask], Action]


def _each(
    begin: MakeAction, undo: MakeAction | None = None
) -> Callable[[ServiceUnderTest, Victims, ActionContext], FaultPlan]:
    def plan(service: ServiceUnderTest, victims: Victims, context: ActionContext) -> FaultPlan:
        return FaultPlan(
            tuple(begin(service, task) for task in victims.tasks),
            tuple(undo(service, task) for task in victims.tasks) if undo is not None else (),
        )

    return plan


def _signal(name: str, to: str = "task") -> MakeAction:
    return lambda service, task: TaskSignal(task.arn, name, to)


def _command(path: str, *, ends: bool = False) -> MakeAction:
    return lambda service, task: TaskCommand(task.address, path, service.port, ends, service.token)


def _stop(service: ServiceUnderTest, task: ServiceTask) -> Action:
    return ApiAction("ecs", "stop_task", {"cluster": service.cluster, "task": task.arn, "reason": "surveyor chaos"})


TASK_FAULTS = (
    Fault(
        "task.kill",
        "kills a task's processes with SIGKILL; other tasks than Surveyor's own are stopped through ECS (StopTask)",
        (
            FaultImplementation(_SIGNALS, _each(_signal("KILL")), by="SIGKILL"),
            FaultImplementation(
                _CALLED, _each(_command("/exit?code=137", ends=True)), workload=True, by="a command to the task"
            ),
            # SIGKILL from inside a container does not reach its first process (pid_namespaces(7)), so ECS Exec cannot.
            FaultImplementation(_ECS, _each(_stop), by="StopTask: SIGTERM, and SIGKILL after the stopTimeout"),
        ),
        of_tasks=True,
    ),
    Fault(
        "task.stop", "stops a task through ECS (StopTask)", (FaultImplementation(_ECS, _each(_stop)),), of_tasks=True
    ),
    Fault(
        "task.pause",
        "freezes a task: it accepts connections and never answers",
        (
            FaultImplementation(_SIGNALS, _each(_signal("STOP"), _signal("CONT"))),
            FaultImplementation(
                _CALLED, _each(_command("/behave?do=hang"), _command("/behave?do=answer")), workload=True
            ),
        ),
        lasting=True,
        of_tasks=True,
    ),
    Fault(
        "task.unhealthy",
        "makes a task's health check fail while it keeps answering",
        (FaultImplementation(_CALLED, _each(_command("/health?do=fail"), _command("/health?do=pass")), workload=True),),
        lasting=True,
        of_tasks=True,
    ),
    Fault(
        "task.ignore-sigterm",
        "makes a task ignore SIGTERM until ECS kills it",
        (
            FaultImplementation(
                _CALLED,
                _each(_command("/behave?do=ignore-sigterm"), _command("/behave?do=heed-sigterm")),
                workload=True,
            ),
        ),
        lasting=True,
        of_tasks=True,
    ),
    Fault(
        "az.lose",
        "stops all tasks of one availability zone through ECS",
        (FaultImplementation(_ECS, _each(_stop)),),
        of_tasks=True,
    ),
    Fault(
        "proxy.kill",
        "kills the Service Connect proxy of a task with SIGKILL",
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
