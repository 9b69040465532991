"""Allure results have the members that Allure's own library writes, and the content of the report."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attr
import pytest
from allure_commons import model2
from allure_commons.types import LabelType, Severity

from surveyor.claims import Claims
from surveyor.report import allure
from surveyor.report.model import ConformanceReport
from surveyor.verdicts import Verdict

STATUSES = {value for name, value in vars(model2.Status).items() if name.isupper()}
PARTS = {
    "labels": model2.Label,
    "links": model2.Link,
    "parameters": model2.Parameter,
    "attachments": model2.Attachment,
    "steps": model2.TestStepResult,
}


def read(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the results in a folder by the id of their claim."""
    results = [json.loads(path.read_text()) for path in folder.glob("*-result.json")]
    return {result["fullName"]: result for result in results}


def check(item: dict[str, Any], kind: type) -> None:
    """Assert that the members of an item and of its parts exist in the library's classes, and statuses are valid."""
    assert item.keys() <= {field.name for field in attr.fields(kind)}
    if "status" in item:
        assert item["status"] in STATUSES
        assert item["statusDetails"].keys() <= {field.name for field in attr.fields(model2.StatusDetails)}
        assert item["start"] <= item["stop"]
    for name, part in PARTS.items():
        for value in item.get(name, []):
            check(value, part)


def test_members_conform_to_the_format(
    make_report: Callable[..., ConformanceReport], claims: Claims, tmp_path: Path
) -> None:
    """Every result, step, label, link and attachment has only members that allure-python-commons knows."""
    allure.save(make_report(unexpected=("dns.srv.value",)), claims, tmp_path / "results")
    results = read(tmp_path / "results")
    assert results.keys() == claims.by_id.keys()
    known = {value for name, value in vars(LabelType).items() if name.isupper()}
    for result in results.values():
        check(result, model2.TestResult)
        names = {label["name"] for label in result["labels"]}
        assert {"feature", "story", "severity"} <= names <= known | {"target"}
    for path in (tmp_path / "results").iterdir():
        assert re.fullmatch(r"[\w-]+-(result|attachment)\.json|environment\.properties|categories\.json", path.name)


def test_a_result_has_area_document_and_evidence(
    make_report: Callable[..., ConformanceReport], claims: Claims, tmp_path: Path
) -> None:
    """A result has feature, story, severity, source link and target; its step has the evidence attached."""
    report = make_report(verdicts={"dns.srv.value": Verdict.FAIL}, unexpected=("dns.srv.value",))
    allure.save(report, claims, tmp_path)
    result = read(tmp_path)["dns.srv.value"]
    labels = {(label["name"], label["value"]) for label in result["labels"]}
    severity = ("severity", Severity.CRITICAL.value)
    assert {("feature", "DNS answers"), ("story", "dns.srv.value"), severity, ("target", "moto")} <= labels
    assert ("tag", "unexpected") in labels
    assert result["status"] == "failed"
    assert result["statusDetails"]["message"].startswith("expected pass, got fail")
    assert result["links"] == [
        {
            "type": "link",
            "name": "servicediscovery/DnsRecord.Type",
            "url": "https://docs.aws.amazon.com/cloud-map/latest/api/API_DnsRecord.html#cloudmap-Type-DnsRecord-Type",
        }
    ]
    (attachment,) = result["steps"][0]["attachments"]
    tests = next(claim.tests for claim in report.claims if claim.id == "dns.srv.value")
    assert json.loads((tmp_path / attachment["source"]).read_text()) == list(tests[0].evidence)


def test_an_expected_failure_is_marked_as_known(
    make_report: Callable[..., ConformanceReport], claims: Claims, tmp_path: Path
) -> None:
    """An expected failure is failed and known; a claim without a suite is skipped."""
    allure.save(make_report(verdicts={"dns.srv.value": Verdict.FAIL}), claims, tmp_path)
    results = read(tmp_path)
    assert results["dns.srv.value"]["statusDetails"]["known"] is True
    unproven = next(claim.id for claim in claims.by_id.values() if claim.unproven)
    assert results[unproven]["status"] == "skipped"
    assert "no suite" in results[unproven]["statusDetails"]["message"]


@pytest.mark.soak
def test_results_of_two_targets_share_a_folder(
    make_report: Callable[..., ConformanceReport], claims: Claims, tmp_path: Path
) -> None:
    """The same claim on two targets is one test case with two histories; writing twice adds nothing."""
    for name in ("moto", "ministack", "moto"):
        allure.save(make_report(name), claims, tmp_path)
    results = [json.loads(path.read_text()) for path in tmp_path.glob("*-result.json")]
    assert len(results) == 2 * len(claims.by_id)
    same = [result for result in results if result["fullName"] == "dns.srv.value"]
    assert len({result["testCaseId"] for result in same}) == 1
    assert len({result["historyId"] for result in same}) == 2


def test_a_hostile_target_cannot_choose_file_names(
    hostile_report: ConformanceReport, claims: Claims, tmp_path: Path
) -> None:
    """File names do not depend on what a target sends, and the environment has one line per value."""
    allure.save(hostile_report, claims, tmp_path / "results")
    assert {path.name for path in tmp_path.iterdir()} == {"results"}
    environment = (tmp_path / "results" / "environment.properties").read_text().splitlines()
    assert len(environment) == 7
    for result in read(tmp_path / "results").values():
        check(result, model2.TestResult)
    assert not [path for path in (tmp_path / "results").glob("*.json") if re.search(r"\bNaN\b", path.read_text())]
