"""Thresholds on what was measured and judged: whether a change may go on, three-valued, with intervals for rates."""

from __future__ import annotations

from surveyor.gate.evidence import Evidence, gather
from surveyor.gate.judging import Outcome, judge_gate, verdict_of
from surveyor.gate.rules import Rules, Threshold, load_rules

__all__ = ["Evidence", "Outcome", "Rules", "Threshold", "gather", "judge_gate", "load_rules", "verdict_of"]
