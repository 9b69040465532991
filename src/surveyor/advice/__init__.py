"""The life of one task as its observers saw it, and what follows from it for those who run such tasks."""

from __future__ import annotations

from surveyor.advice.figures import DEFAULT, Figures, TaskSettings, figures_of, parse_task_settings
from surveyor.advice.recommendations import Advice, advise

__all__ = ["DEFAULT", "Advice", "Figures", "TaskSettings", "advise", "figures_of", "parse_task_settings"]
