"""Thresholds on what was measured and judged: whether a change may go on, three-valued, with intervals for rates."""

from __future__ import annotations

from surveyor.gate.evidence import Evidence, gather
from surveyor.gate.rules import Rules, Threshold, load_rules
from surveyor.gate.thresholds import Outcome, judge_gate, verdict_of

__all__ = ["Evidence", "Outcome", "Rules", "Threshold", "gather", "judge_gate", "load_rules", "verdict_of"]
