"""Define the result of one test, as a value that a worker sends to the process that reports."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from surveyor.evidence import EvidenceEntry
from surveyor.verdicts import Verdict

__all__ = ["TestResult", "WorkerFacts"]


@dataclass(frozen=True)
class TestResult:
    """The result of one test.

    `service_seconds`: service time that passed during the test; `calls`: the number of calls of each
    `service:Operation`; `history`: the path of an experiment's history, relative to the report's folder. `operation`
    and `cause`: of a test that fails, what is wrong in the words of the API, without values of this run.
    """

    __test__ = False  # pytest must not collect this class

    nodeid: str
    claims: tuple[str, ...]
    verdict: Verdict
    symptom: str = ""
    detail: str = ""
    evidence: tuple[EvidenceEntry, ...] = ()
    service_seconds: float = 0.0
    calls: Mapping[str, int] = field(default_factory=dict)
    history: str = ""
    operation: str = ""
    cause: str = ""

    def dumps(self) -> str:
        """Return JSON text, which can be sent between processes."""
        return json.dumps(asdict(self))

    @classmethod
    def loads(cls, text: str) -> TestResult:
        """Return the result in a text of dumps."""
        value = json.loads(text)
        return cls(
            nodeid=value["nodeid"],
            claims=tuple(value["claims"]),
            verdict=Verdict(value["verdict"]),
            symptom=value["symptom"],
            detail=value["detail"],
            evidence=tuple(value["evidence"]),
            service_seconds=value["service_seconds"],
            calls=value["calls"],
            history=value["history"],
            operation=value["operation"],
            cause=value["cause"],
        )


@dataclass(frozen=True)
class WorkerFacts:
    """The facts that one worker reports at its end: its target, and the claims that each test proves."""

    version: str
    features: tuple[str, ...]
    absent: tuple[tuple[str, str], ...]
    collected: Mapping[str, tuple[str, ...]]
    service_seconds: float
    failure: str

    def dumps(self) -> str:
        """Return JSON text, which can be sent between processes."""
        return json.dumps(asdict(self))

    @classmethod
    def loads(cls, text: str) -> WorkerFacts:
        """Return the facts in a text of dumps."""
        value = json.loads(text)
        return cls(
            version=value["version"],
            features=tuple(value["features"]),
            absent=tuple((name, reason) for name, reason in value["absent"]),
            collected={nodeid: tuple(claims) for nodeid, claims in value["collected"].items()},
            service_seconds=value["service_seconds"],
            failure=value["failure"],
        )
