"""Read and write histories: one file of everything that observers, clients and faults did and saw in an experiment."""

from __future__ import annotations

from surveyor.history.joined import JoinedAttempt, joined_attempts, latest_deployments, watched_deployment
from surveyor.history.lives import TaskLifetime, task_lifetimes
from surveyor.history.reading import GrowingHistory, load_history, read_history
from surveyor.history.values import (
    CallRecord,
    ChangeRecord,
    Check,
    DeploymentSnapshot,
    DeploymentState,
    FaultRecord,
    Header,
    History,
    HistoryBroken,
    InjectionRecord,
    Operation,
    Outcome,
    PhaseRecord,
    TaskSnapshot,
    TaskState,
    UndoRecord,
    View,
    ViewMember,
    ViewSnapshot,
)
from surveyor.history.writing import Recorder

__all__ = [
    "CallRecord",
    "ChangeRecord",
    "Check",
    "DeploymentSnapshot",
    "DeploymentState",
    "FaultRecord",
    "GrowingHistory",
    "Header",
    "History",
    "HistoryBroken",
    "InjectionRecord",
    "JoinedAttempt",
    "Operation",
    "Outcome",
    "PhaseRecord",
    "Recorder",
    "TaskLifetime",
    "TaskSnapshot",
    "TaskState",
    "UndoRecord",
    "View",
    "ViewMember",
    "ViewSnapshot",
    "joined_attempts",
    "latest_deployments",
    "load_history",
    "read_history",
    "task_lifetimes",
    "watched_deployment",
]
