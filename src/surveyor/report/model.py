"""Define the report of one run as values. On disk it is report.json; report.schema.json beside this file describes it.

Members added within a version are optional in the schema, so that older reports of that version stay readable.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from surveyor.report.claim_report import ClaimReport, KnownReport, TestReport, claim_from_json, claim_to_json
from surveyor.report.experiments import ExperimentReport
from surveyor.report.fix_first import FailureGroup, group_failures
from surveyor.report.score import SCORE_RULE, Mark, score
from surveyor.verdicts import Verdict

__all__ = ["API_VERSION", "KIND", "ClaimReport", "ConformanceReport", "KnownReport", "TargetReport", "TestReport"]

API_VERSION = "surveyor/v2"
KIND = "ConformanceReport"


@dataclass(frozen=True)
class TargetReport:
    """The target of a run.

    `kind`: `started` by Surveyor, or an `endpoint`. `absent`: declared features that were not found, with the actual
    behaviour. `endpoint`: its URL, "" for a started target and for AWS itself. `credentials`: as in a target file.
    """

    name: str
    version: str
    kind: str
    features: tuple[str, ...]
    absent: Mapping[str, str]
    endpoint: str = ""
    region: str = ""
    credentials: str = ""


@dataclass(frozen=True)
class ConformanceReport:
    """One run.

    `wall_seconds`: its duration; `service_seconds`: the time that passed on the target, over all workers. `areas` and
    `selected`: the selection (empty: everything). `failure`: what broke the run. `unexpected`: unexpected results that
    belong to no claim. `leaked_resources`: what the run created and did not delete. `experiments`: the experiments of
    chaos/ in this run.
    """

    target: TargetReport
    surveyor: str
    seed: int
    areas: tuple[str, ...]
    selected: tuple[str, ...]
    started: str
    finished: str
    wall_seconds: float
    service_seconds: float
    claims: tuple[ClaimReport, ...]
    failure: str = ""
    unexpected: tuple[str, ...] = ()
    leaked_resources: tuple[str, ...] = ()
    interrupted: bool = False
    experiments: tuple[ExperimentReport, ...] = ()

    @property
    def summary(self) -> dict[str, int]:
        """Return the number of claims with each verdict."""
        return {str(verdict): sum(claim.verdict is verdict for claim in self.claims) for verdict in Verdict}

    @property
    def fix_first(self) -> tuple[FailureGroup, ...]:
        """Return the failures by operation and symptom, the one on which most claims depend first."""
        return group_failures(self.claims)

    def to_json(self) -> dict[str, Any]:
        """Return JSON values, in reading order."""
        target = self.target
        return {
            "apiVersion": API_VERSION,
            "kind": KIND,
            "target": {
                "name": target.name,
                "version": target.version,
                "kind": target.kind,
                "endpoint": target.endpoint,
                "region": target.region,
                "credentials": target.credentials,
                "features": list(target.features),
                "absent": dict(target.absent),
            },
            "surveyor": {"version": self.surveyor},
            "seed": self.seed,
            "selection": {"areas": list(self.areas), "claims": list(self.selected)},
            "started": self.started,
            "finished": self.finished,
            "wallSeconds": self.wall_seconds,
            "serviceSeconds": self.service_seconds,
            "interrupted": self.interrupted,
            "failure": self.failure,
            "unexpected": list(self.unexpected),
            "leakedResources": list(self.leaked_resources),
            "summary": self.summary,
            "score": self._score_to_json(),
            "fixFirst": [_group_to_json(group) for group in self.fix_first],
            "claims": [claim_to_json(claim) for claim in self.claims],
            **({"experiments": [experiment.to_json() for experiment in self.experiments]} if self.experiments else {}),
        }

    def _score_to_json(self) -> dict[str, Any]:
        whole = score(self.claims)
        return {
            "passed": whole.held,
            "judged": whole.judged,
            "percent": whole.percent,
            "rule": SCORE_RULE,
            "notCounted": {str(mark): whole.marks.get(mark, 0) for mark in Mark if mark not in (Mark.PASS, Mark.FAIL)},
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> ConformanceReport:
        """Return the report in a value of to_json that report.schema.json allows."""
        target = value["target"]
        return cls(
            target=TargetReport(
                name=target["name"],
                version=target["version"],
                kind=target["kind"],
                features=tuple(target["features"]),
                absent=dict(target["absent"]),
                endpoint=target.get("endpoint", ""),
                region=target.get("region", ""),
                credentials=target.get("credentials", ""),
            ),
            surveyor=value["surveyor"]["version"],
            seed=value["seed"],
            areas=tuple(value["selection"]["areas"]),
            selected=tuple(value["selection"]["claims"]),
            started=value["started"],
            finished=value["finished"],
            wall_seconds=value["wallSeconds"],
            service_seconds=value["serviceSeconds"],
            claims=tuple(claim_from_json(claim) for claim in value["claims"]),
            failure=value["failure"],
            unexpected=tuple(value["unexpected"]),
            leaked_resources=tuple(value["leakedResources"]),
            interrupted=value["interrupted"],
            experiments=tuple(ExperimentReport.from_json(experiment) for experiment in value.get("experiments", ())),
        )


def _group_to_json(group: FailureGroup) -> dict[str, Any]:
    return {
        "operation": group.operation,
        "symptom": group.symptom,
        "claims": list(group.claims),
        "reports": list(group.reports),
    }
