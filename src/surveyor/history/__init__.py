"""Read and write histories: one file of everything that observers, clients and faults did and saw in an experiment."""

from __future__ import annotations

from surveyor.history.lives import TaskLifetime, task_lifetimes
from surveyor.history.reading import load_history, read_history
from surveyor.history.values import (
    CallRecord,
    ChangeRecord,
    Check,
    FaultRecord,
    Header,
    History,
    HistoryBroken,
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
    "FaultRecord",
    "Header",
    "History",
    "HistoryBroken",
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
    "load_history",
    "read_history",
    "task_lifetimes",
]
