"""Define the result of one test, as a value that a worker sends to the process that reports."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct

from surveyor.evidence import EvidenceEntry
from surveyor.verdicts import Verdict

__all__ = ["TestResult", "WorkerFacts"]


class TestResult(Struct, frozen=True):
    """The result of one test.

    `service_seconds`: service time that passed during the test; `calls`: the number of calls of each
    `service:Operation`; `tasks`: the number of tasks on Fargate that it started; `history`: the path of an experiment's
    history, relative to the report's folder. `operation` and `cause`: of a test that fails, what is wrong in the words
    of the API, without values of this run.
    """

    __test__: ClassVar[bool] = False  # pytest must not collect this class

    nodeid: str
    claims: tuple[str, ...]
    verdict: Verdict
    symptom: str = ""
    detail: str = ""
    evidence: tuple[EvidenceEntry, ...] = ()
    service_seconds: float = 0.0
    calls: dict[str, int] = {}
    tasks: int = 0
    history: str = ""
    operation: str = ""
    cause: str = ""


class WorkerFacts(Struct, frozen=True):
    """The facts that one worker reports at its end: its target, and the claims that each test proves.

    `calls`: of all its calls, those between tests too; `repeated`: how many requests repeated a call;
    `closing_seconds`: service seconds of the last deletions of a rehearsal.
    """

    version: str
    features: tuple[str, ...]
    absent: tuple[tuple[str, str], ...]
    collected: dict[str, tuple[str, ...]]
    service_seconds: float
    failure: str
    calls: dict[str, int] = {}
    repeated: int = 0
    closing_seconds: float = 0.0
