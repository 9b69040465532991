"""Recommend task settings from the measured lifetime of a task."""

from __future__ import annotations

from surveyor.advice.figures import DEFAULT, TaskFigures, TaskSettings, figures_of, parse_task_settings
from surveyor.advice.recommendations import Advice, Recommendation, advise

__all__ = [
    "DEFAULT",
    "Advice",
    "Recommendation",
    "TaskFigures",
    "TaskSettings",
    "advise",
    "figures_of",
    "parse_task_settings",
]
