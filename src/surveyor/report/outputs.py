"""Write the files derived from a report beside its report.json: for people, for CI and for other tools."""

from __future__ import annotations

from pathlib import Path

from surveyor.claims import Claims
from surveyor.output_files import write_text
from surveyor.report import allure, junit, markdown, page
from surveyor.report.model import ConformanceReport

__all__ = ["ALLURE_FOLDER", "JUNIT_FILE", "PAGE_FILE", "SUMMARY_FILE", "save_outputs"]

PAGE_FILE = "report.html"
JUNIT_FILE = "junit.xml"
SUMMARY_FILE = "summary.md"
ALLURE_FOLDER = "allure-results"


def save_outputs(report: ConformanceReport, claims: Claims, out: Path) -> Path:
    """Write all derived files into the folder `out`, and return the path of the page."""
    write_text(out / JUNIT_FILE, junit.render(report, claims))
    write_text(out / SUMMARY_FILE, markdown.render(report, claims))
    allure.save(report, claims, out / ALLURE_FOLDER)
    write_text(out / PAGE_FILE, page.render([report], claims))
    return out / PAGE_FILE
