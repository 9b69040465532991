"""What one test of a suite found, as a value that crosses from a worker to the process that reports."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from surveyor.evidence import Entry
from surveyor.verdicts import Verdict

__all__ = ["Facts", "TestResult"]


@dataclass(frozen=True)
class TestResult:
    """The outcome of one test.

    `service_seconds`: how much service time passed in it; `calls`: how often it called which `service:Operation`;
    `history`: the path of an experiment's history, relative to the report's folder.
    """

    __test__ = False  # the name is no invitation to collect it

    nodeid: str
    claims: tuple[str, ...]
    verdict: Verdict
    symptom: str = ""
    detail: str = ""
    evidence: tuple[Entry, ...] = ()
    service_seconds: float = 0.0
    calls: Mapping[str, int] = field(default_factory=dict)
    history: str = ""

    def dumps(self) -> str:
        """As JSON text, which is what may cross between processes."""
        return json.dumps(asdict(self))

    @classmethod
    def loads(cls, text: str) -> TestResult:
        """The inverse of dumps."""
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
        )


@dataclass(frozen=True)
class Facts:
    """What one worker knows at its end: its target as it was met, and which test proves what."""

    version: str
    features: tuple[str, ...]
    absent: tuple[tuple[str, str], ...]
    collected: Mapping[str, tuple[str, ...]]
    service_seconds: float
    failure: str

    def dumps(self) -> str:
        """As JSON text, which is what may cross between processes."""
        return json.dumps(asdict(self))

    @classmethod
    def loads(cls, text: str) -> Facts:
        """The inverse of dumps."""
        value = json.loads(text)
        return cls(
            version=value["version"],
            features=tuple(value["features"]),
            absent=tuple((name, why) for name, why in value["absent"]),
            collected={nodeid: tuple(claims) for nodeid, claims in value["collected"].items()},
            service_seconds=value["service_seconds"],
            failure=value["failure"],
        )
