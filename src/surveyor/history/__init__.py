"""One file of all that observers, clients and faults did and saw while an experiment went on, in service time."""

from __future__ import annotations

from surveyor.history.lives import Life, lives_of
from surveyor.history.reading import load_history, read_history
from surveyor.history.values import (
    Call,
    Change,
    Check,
    Fault,
    Header,
    History,
    HistoryBroken,
    Look,
    Member,
    Operation,
    Outcome,
    Phase,
    TaskSeen,
    TaskSnapshot,
    Undo,
    View,
)
from surveyor.history.writing import Recorder

__all__ = [
    "Call",
    "Change",
    "Check",
    "Fault",
    "Header",
    "History",
    "HistoryBroken",
    "Life",
    "Look",
    "Member",
    "Operation",
    "Outcome",
    "Phase",
    "Recorder",
    "TaskSeen",
    "TaskSnapshot",
    "Undo",
    "View",
    "lives_of",
    "load_history",
    "read_history",
]
