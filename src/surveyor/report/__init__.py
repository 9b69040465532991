"""Reports: values (`model`), the file (`file`), building from test results (`build`), derived files (`outputs`)."""

from __future__ import annotations

from surveyor.report.file import load_report, save_report
from surveyor.report.model import ClaimReport, ConformanceReport, TargetReport, TestReport

__all__ = ["ClaimReport", "ConformanceReport", "TargetReport", "TestReport", "load_report", "save_report"]
