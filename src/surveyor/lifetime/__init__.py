"""The life of one task as its observers saw it, and what follows from it for those who run such tasks."""

from __future__ import annotations

from surveyor.lifetime.advice import Advice, advise
from surveyor.lifetime.course import Course, Interval
from surveyor.lifetime.figures import DEFAULT, Figures, Tuning, figures_of, tuning_of

__all__ = ["DEFAULT", "Advice", "Course", "Figures", "Interval", "Tuning", "advise", "figures_of", "tuning_of"]
