"""Judge histories: pure functions that return pass, fail or inconclusive, with the events that prove it."""

from __future__ import annotations

from surveyor.checkers.check_result import CheckResult
from surveyor.checkers.figures import Measurement, figures_of
from surveyor.checkers.judgement import VERDICT_SUFFIX, Judgement, judge_file, judge_history, read_judgement
from surveyor.checkers.phase_figures import CALLERS_ZONE
from surveyor.checkers.registry import CHECKERS, judge, make_check

__all__ = [
    "CALLERS_ZONE",
    "CHECKERS",
    "VERDICT_SUFFIX",
    "CheckResult",
    "Judgement",
    "Measurement",
    "figures_of",
    "judge",
    "judge_file",
    "judge_history",
    "make_check",
    "read_judgement",
]
