"""Runs in an account whose organisation denies what is created without a tag."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from surveyor.report.file import load_report
from surveyor.verdicts import Verdict
from tests.account.conftest import ACCOUNT, EmulatorAccount
from tests.account.limited import deny, limited
from tests.account.test_runs import conform, surveyor

CLAIMS = (
    "namespaces.created-with-tags",
    "namespaces.no-generic-create",
    "protocol.speaks-json-and-cbor",
    "listing.tags-round-trip",
    "services.created-with-tags",
    "route53.records.batches-are-transactions",
    "ecs.tags.of-each-resource",
    "ecs.tags.are-included",
    "ecs.service.is-described",
)
CREATIONS = (
    "servicediscovery:CreateHttpNamespace", "servicediscovery:CreatePrivateDnsNamespace",
    "servicediscovery:CreatePublicDnsNamespace", "servicediscovery:CreateService", "ecs:CreateCluster",
    "ecs:CreateService", "ecs:CreateTaskSet", "ecs:RegisterTaskDefinition", "ecs:RunTask",
)  # fmt: skip
DEMAND = {"Null": {"aws:RequestTag/cost-centre": "true"}}


def run(emulator: EmulatorAccount, out: Path, *arguments: str) -> tuple[int, str]:
    """Judge CLAIMS as a user who may create nothing without the tag; return exit code and output."""
    environment = limited(emulator, deny(*CREATIONS, **DEMAND))
    claims = [word for claim in CLAIMS for word in ("--claim", claim)]
    done = surveyor(emulator, *conform(emulator, out), *claims, "--workers", "1", *arguments, **environment)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.soak
def test_a_run_with_the_tag_judges_as_elsewhere(emulator: EmulatorAccount, tmp_path: Path) -> None:
    """Everything passes, also what lists the tags of a resource, and the calls carry the tag."""
    code, output = run(emulator, tmp_path, "--tag", "cost-centre=42")
    report = load_report(tmp_path / "report.json")
    verdicts = {claim.id: (claim.verdict, claim.detail) for claim in report.claims if claim.verdict is not Verdict.PASS}
    assert (code, verdicts) == (0, {}), output
    calls = [entry for claim in report.claims for test in claim.tests for entry in test.evidence]
    tagged = {str(entry.get("operation")) for entry in calls if "cost-centre" in json.dumps(entry.get("params"))}
    assert {"CreateHttpNamespace", "RunTask", "RegisterTaskDefinition", "ChangeTagsForResource"} <= tagged
    assert ACCOUNT not in (tmp_path / "report.json").read_text()


@pytest.mark.soak
def test_a_run_without_the_tag_blames_no_service(emulator: EmulatorAccount, tmp_path: Path) -> None:
    """Nothing fails: the denied actions are named, and how to give tags."""
    code, output = run(emulator, tmp_path)
    assert code != 0
    assert "servicediscovery:CreateHttpNamespace" in output
    assert "--tag KEY=VALUE" in output
    if (tmp_path / "report.json").exists():
        assert Verdict.FAIL not in {claim.verdict for claim in load_report(tmp_path / "report.json").claims}
