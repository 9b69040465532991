"""Judge runs against thresholds: may a change proceed? Three-valued, with confidence intervals for rates."""

from __future__ import annotations

from surveyor.gate.evidence import GateEvidence, gather
from surveyor.gate.rule_file import load_rules
from surveyor.gate.rules import Rules, Threshold
from surveyor.gate.thresholds import ThresholdResult, judge_gate, verdict_of

__all__ = [
    "GateEvidence",
    "Rules",
    "Threshold",
    "ThresholdResult",
    "gather",
    "judge_gate",
    "load_rules",
    "verdict_of",
]
