"""Fixtures: a report with every verdict on the real claims, and the report of a hostile target."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
from msgspec import structs

from surveyor.claims import Claims, load_claims
from surveyor.evidence import EvidenceEntry
from surveyor.layout import find_layout
from surveyor.report.model import ClaimReport, ConformanceReport, TargetReport, TestReport
from surveyor.verdicts import Verdict

MakeReport = Callable[..., ConformanceReport]

HOSTILE = (
    "</script><script>window.stolen=1</script><img src=x onerror='window.stolen=1'> ]]> <!-- & \"'` | @everyone [a](b) "
    "{{7*7}} \x00\x08\x1b[31m\r\n\u202eevil\u2028\ufeff\ufffe\ud800"
)
"""Text that a target may send: markup for every output, controls, right-to-left text, half a surrogate pair."""

ENTRIES: tuple[EvidenceEntry, ...] = (
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
    """Return the real claims."""
    return load_claims(find_layout().claims)


@pytest.fixture(scope="session")
def make_report(claims: Claims) -> MakeReport:
    """Return a function that builds a report on all claims (or `only`), with every verdict or with `verdicts`.

    `unexpected`: ids of claims whose outcome is unexpected; `entries`: the evidence of every judged claim; `text`: used
    wherever text from a target may occur.
    """

    def make(
        name: str = "moto",
        version: str = "5.2.5",
        *,
        verdicts: Mapping[str, Verdict] | None = None,
        unexpected: tuple[str, ...] = (),
        entries: tuple[EvidenceEntry, ...] = ENTRIES,
        text: str = "expected the error InvalidInput, got no error",
        only: tuple[str, ...] = (),
    ) -> ConformanceReport:
        rows = []
        for number, claim in enumerate(claims.by_id.values()):
            if only and claim.id not in only:
                continue
            chosen = (verdicts or {}).get(claim.id, Verdict.PASS if verdicts else _PATTERN[number % len(_PATTERN)])
            verdict = Verdict.NOT_RUN if claim.unproven else chosen
            judged = verdict not in (Verdict.NOT_RUN, Verdict.UNSUPPORTED)
            is_failure = judged and verdict is not Verdict.PASS
            detail = text if is_failure else "" if judged else "no suite"
            test = TestReport(f"suites/{claim.area}/test_it.py::test_{number}", verdict, text, detail, entries)
            rows.append(
                ClaimReport(
                    id=claim.id,
                    area=claim.area,
                    statement=claim.statement,
                    verdict=verdict,
                    expected=claim.id not in unexpected,
                    note=f"expected pass, got {verdict}" if claim.id in unexpected else "",
                    symptom=text if is_failure else "",
                    detail=detail,
                    tests=(test,) if judged else (),
                    unproven=f"{claim.unproven.reason}: {claim.unproven.note}" if claim.unproven else None,
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
    """Return the text of a hostile target."""
    return HOSTILE


@pytest.fixture(scope="session")
def hostile_report(make_report: MakeReport) -> ConformanceReport:
    """Return a report in which everything that a target controls is an attack."""
    entries: tuple[EvidenceEntry, ...] = (
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
    report = make_report(HOSTILE, HOSTILE, entries=entries, text=HOSTILE, unexpected=("dns.srv.value",))
    alien = structs.replace(
        report.claims[0], id=f"alien.{HOSTILE}", area=HOSTILE, statement=HOSTILE, note=HOSTILE, expected=False
    )
    target = structs.replace(report.target, absent={HOSTILE: HOSTILE})
    return structs.replace(
        report,
        target=target,
        claims=(*report.claims, alien),
        failure=HOSTILE,
        unexpected=(HOSTILE,),
        leaked_resources=(HOSTILE,),
        started=HOSTILE,
        areas=(HOSTILE,),
    )
