"""What an audit finds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Finding", "Level"]


class Level(StrEnum):
    """How bad it is, the worst first."""

    BREAKS = "breaks"
    """Clients get wrong answers now."""
    HURTS = "hurts"
    """Clients will get errors at the next deployment or failure."""
    WATCH = "watch"
    """It is a surprise to many, or near a limit."""


@dataclass(frozen=True)
class Finding:
    """One thing: `about` whom, `found` with its figures, and what to `change`.

    `claim` is the documented behaviour behind it, `report` where users tell of it; "" where there is none.
    """

    rule: str
    level: Level
    about: str
    found: str
    change: str
    claim: str = ""
    report: str = ""
