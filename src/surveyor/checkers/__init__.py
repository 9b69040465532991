"""Pure functions from a history to verdicts: each says pass, fail or inconclusive, with the events that prove it."""

from __future__ import annotations

from surveyor.checkers.check_result import Finding
from surveyor.checkers.figures import Figure, figures_of
from surveyor.checkers.judgement import Judged, judge_history
from surveyor.checkers.registry import CHECKERS, check_of, judge

__all__ = ["CHECKERS", "Figure", "Finding", "Judged", "check_of", "figures_of", "judge", "judge_history"]
