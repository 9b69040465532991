"""Reports to render: one with every verdict, made of the real claims, and one whose target is hostile."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

import pytest

from surveyor.claims import Claims, load_claims
from surveyor.evidence import Entry
from surveyor.layout import find_layout
from surveyor.report.model import ClaimReport, ConformanceReport, TargetReport, TestReport
from surveyor.verdicts import Verdict

MakeReport = Callable[..., ConformanceReport]

HOSTILE = (
    "</script><script>window.stolen=1</script><img src=x onerror='window.stolen=1'> ]]> <!-- & \"'` | @everyone [a](b) "
    "{{7*7}} \x00\x08\x1b[31m\r\n\u202eevil\u2028\ufeff\ufffe\ud800"
)
"""What a target may send to be shown: markup for every form, controls, text that runs backwards, half a character."""

ENTRIES: tuple[Entry, ...] = (
    {
        "kind": "call",
        "service": "servicediscovery",
        "operation": "CreateHttpNamespace",
        "params": {"Name": "shop"},
        "status": 200,
        "response": {"OperationId": "op-1234567890"},
        "at": 1000.0,
        "wallMs": 2.5,
    },
    {
        "kind": "call",
        "service": "servicediscovery",
        "operation": "GetOperation",
        "params": {"OperationId": "op-1234567890"},
        "status": 200,
        "response": {"Operation": {"Status": "SUCCESS", "Targets": {"NAMESPACE": "ns-abcdef123456"}}},
        "at": 1001.0,
        "wallMs": 1.0,
    },
    {
        "kind": "dns",
        "question": "web.shop.example.com A",
        "server": "127.0.0.2:5353",
        "answer": {"rcode": "NOERROR", "answer": ["web.shop.example.com. 60 IN A 192.0.2.1"]},
        "at": 1031.0,
        "wallMs": 0.4,
    },
    {
        "kind": "call",
        "service": "servicediscovery",
        "operation": "CreateService",
        "params": {"NamespaceId": "ns-abcdef123456", "Name": "web"},
        "status": 400,
        "error": {"Code": "ServiceAlreadyExists", "Message": "there already"},
        "at": 1031.5,
        "wallMs": 1.5,
    },
)

_PATTERN = (*[Verdict.PASS] * 6, Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.UNSUPPORTED, Verdict.NOT_RUN)


@pytest.fixture(scope="session")
def claims() -> Claims:
    """The real ones."""
    return load_claims(find_layout().claims)


@pytest.fixture(scope="session")
def make_report(claims: Claims) -> MakeReport:
    """Makes a report of a target on all claims (or `only`), of every verdict unless `verdicts` says which.

    `moved` are the ids of claims whose outcome is unexpected; `entries` what every judged claim has as evidence;
    `text` stands wherever a target's own words may.
    """

    def make(
        name: str = "moto",
        version: str = "5.2.5",
        *,
        verdicts: Mapping[str, Verdict] | None = None,
        moved: tuple[str, ...] = (),
        entries: tuple[Entry, ...] = ENTRIES,
        text: str = "expected the error InvalidInput; no error came",
        only: tuple[str, ...] = (),
    ) -> ConformanceReport:
        rows = []
        for number, claim in enumerate(claims.by_id.values()):
            if only and claim.id not in only:
                continue
            chosen = (verdicts or {}).get(claim.id, Verdict.PASS if verdicts else _PATTERN[number % len(_PATTERN)])
            verdict = Verdict.NOT_RUN if claim.unproven else chosen
            judged = verdict not in (Verdict.NOT_RUN, Verdict.UNSUPPORTED)
            wrong = judged and verdict is not Verdict.PASS
            detail = text if wrong else "" if judged else "no suite proves it"
            test = TestReport(f"suites/{claim.area}/test_it.py::test_{number}", verdict, text, detail, entries)
            rows.append(
                ClaimReport(
                    id=claim.id,
                    area=claim.area,
                    statement=claim.statement,
                    verdict=verdict,
                    expected=claim.id not in moved,
                    note=f"expected pass, came {verdict}" if claim.id in moved else "",
                    symptom=text if wrong else "",
                    detail=detail,
                    tests=(test,) if judged else (),
                    unproven=f"{claim.unproven.reason}: {claim.unproven.note}" if claim.unproven else None,
                    last_confirmed_on_aws=None,
                )
            )
        return ConformanceReport(
            target=TargetReport(name, version, "started", ("cloudmap", "route53"), {}),
            surveyor="0.1.0",
            seed=7,
            areas=(),
            selected=(),
            started="2026-11-20T23:07:00+00:00",
            finished="2026-11-20T23:07:09+00:00",
            wall_seconds=9.3,
            service_seconds=431.0,
            claims=tuple(rows),
        )

    return make


@pytest.fixture(scope="session")
def hostile() -> str:
    """What a hostile target sends."""
    return HOSTILE


@pytest.fixture(scope="session")
def hostile_report(make_report: MakeReport) -> ConformanceReport:
    """A report in which everything that may come from a target is an attack."""
    entries: tuple[Entry, ...] = (
        {
            "kind": "call",
            "service": HOSTILE,
            "operation": HOSTILE,
            "params": {HOSTILE: HOSTILE},
            "status": 200,
            "response": {"a": [HOSTILE, float("nan"), {"b": HOSTILE}]},
        },
        {"kind": "dns", "question": HOSTILE, "server": HOSTILE, "answer": HOSTILE},
        {"kind": HOSTILE},
    )
    report = make_report(HOSTILE, HOSTILE, entries=entries, text=HOSTILE, moved=("dns.srv.value",))
    alien = dataclasses.replace(
        report.claims[0], id=f"alien.{HOSTILE}", area=HOSTILE, statement=HOSTILE, note=HOSTILE, expected=False
    )
    target = dataclasses.replace(report.target, absent={HOSTILE: HOSTILE})
    return dataclasses.replace(
        report,
        target=target,
        claims=(*report.claims, alien),
        failure=HOSTILE,
        surprises=(HOSTILE,),
        left_behind=(HOSTILE,),
        started=HOSTILE,
        areas=(HOSTILE,),
    )
