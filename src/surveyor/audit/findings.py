"""Findings of an audit."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Finding", "Severity"]


class Severity(StrEnum):
    """The severity of a finding, the worst first."""

    BREAKS = "breaks"
    """Clients get wrong answers now."""
    HURTS = "hurts"
    """Clients will get errors at the next deployment or failure."""
    WATCH = "watch"
    """It surprises many users, or it is near a limit."""


@dataclass(frozen=True)
class Finding:
    """One finding: `about` names the resource, `found` says what is wrong, with figures, `change` what to change.

    `claim` is the documented behaviour behind it, `report` a public report of users; "" if there is none.
    """

    rule: str
    level: Severity
    about: str
    found: str
    change: str
    claim: str = ""
    report: str = ""
