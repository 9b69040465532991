"""Describe an event of a history in words, for readers of a witness."""

from __future__ import annotations

from surveyor.history import (
    CallRecord,
    ChangeRecord,
    DeploymentSnapshot,
    FaultRecord,
    History,
    Operation,
    TaskSnapshot,
    UndoRecord,
    ViewSnapshot,
)

__all__ = ["describe_event"]

MAX_NAMES = 4
"""Names listed in one description; the rest are counted."""


def describe_event(history: History, number: int) -> str:
    """Return what happened in the operation that has this event; "" if no event has this number."""
    for operation in (
        *history.view_snapshots,
        *history.task_snapshots,
        *history.deployment_snapshots,
        *history.calls,
        *history.changes,
        *history.faults,
        *history.undos,
    ):
        if number in (operation.number, operation.end_event):
            return f"{operation.begin:.1f} to {operation.end:.1f} s: {_describe(operation)}"
    return ""


def _describe(operation: Operation) -> str:
    match operation:
        case ViewSnapshot(view=view, actor=actor):
            source = view if actor == view else f"{view}, asked by {actor},"
            return f"{source} showed {_join(sorted(operation.members)) or operation.error or 'no members'}"
        case TaskSnapshot():
            states = sorted(f"{task[:8]} {state.status}" for task, state in operation.tasks.items())
            return f"ECS listed {_join(states) or 'no task'}"
        case DeploymentSnapshot():
            known = [f"{arn.rpartition('/')[2]} {state.status}" for arn, state in operation.deployments.items()]
            return f"ECS listed the deployments {', '.join(known[:MAX_NAMES])}"
        case CallRecord():
            source = operation.task[:8] or "an unknown task"
            actual = f"{operation.status} from {source}" if operation.status else operation.error
            return f"a call to {operation.address or 'no address'}: {actual}"
        case FaultRecord():
            return f"{operation.fault} of {_join([victim[:8] for victim in operation.victims]) or 'the service'}"
        case UndoRecord():
            return "the fault was undone"
        case ChangeRecord():
            return f"{operation.call} {', '.join(f'{name}={value}' for name, value in operation.parameters.items())}"
        case _:
            return type(operation).__name__


def _join(names: list[str]) -> str:
    short = [name if len(name) < 24 else name[:8] for name in names[:MAX_NAMES]]
    return ", ".join(short) + (f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else "")
