"""Verdicts on a client: one trait of it with its evidence, and the times that separate one trait from another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = [
    "ENOUGH", "JUST_ASKED", "PROMPT", "SHOWS_ENOUGH", "SLACK", "WALK_WITHIN", "Level", "TraitVerdict", "unseen",
]  # fmt: skip

Level = Literal["good", "problem", "note", "unknown"]
"""`problem`: what fails calls or keeps a task from being left; `note`: worth knowing; `unknown`: not seen."""

SLACK = 1.5
"""Wall seconds by which a client may be late without another verdict: it calls now and then, and machines are busy."""

JUST_ASKED = 0.5
"""Wall seconds before a connection within which a lookup belongs to it."""

WALK_WITHIN = 1.0
"""Wall seconds after a refused attempt within which one to another address belongs to the same call."""

PROMPT = 3.0
"""Wall seconds within which a client has left something at once, if it calls often enough to show it."""

ENOUGH = 5.0
"""Wall seconds of calls without which nothing is judged."""

SHOWS_ENOUGH = 0.8
"""Share of cases that make a habit."""


@dataclass(frozen=True)
class TraitVerdict:
    """`check`: what was judged; `trait`: the outcome as a word, `sentence`: for people; `seconds`: the figure in it.

    `evidence`: lines with the seconds since the command was started.
    """

    check: str
    trait: str
    level: Level
    sentence: str
    seconds: float | None = None
    evidence: tuple[str, ...] = ()


def unseen(check: str, why: str) -> TraitVerdict:
    """Return the verdict on what cannot be judged. `why`: the reason."""
    return TraitVerdict(check, "not-seen", "unknown", f"not judged: {why}")
