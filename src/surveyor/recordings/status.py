"""How a claim is known: from documents alone, confirmed by an answer of AWS, or contradicted by one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from enum import StrEnum

from surveyor.recordings.model import Confidence, Recording, Relation

__all__ = ["ClaimStatus", "decisive", "status_of"]


class ClaimStatus(StrEnum):
    """How a claim is known."""

    DOCUMENTED = "documented"
    """Only by its document: no answer of AWS confirms it."""
    CONFIRMED = "confirmed"
    """By a recording, or by a run on a real account."""
    CONTRADICTED = "contradicted"
    """A recording contradicts the document."""


def status_of(recordings: Sequence[Recording], confirmed: date | None) -> ClaimStatus:
    """Return the status of a claim with these recordings, that a run on an account last `confirmed` on this day.

    Recordings of low confidence decide nothing. A contradiction weighs more than any confirmation.
    """
    relations = {recording.relation for recording in recordings if decisive(recording)}
    if Relation.CONTRADICTS in relations:
        return ClaimStatus.CONTRADICTED
    return ClaimStatus.CONFIRMED if confirmed or Relation.CONFIRMS in relations else ClaimStatus.DOCUMENTED


def decisive(recording: Recording) -> bool:
    """Return whether a recording decides the status of its claims."""
    return recording.confidence is not Confidence.LOW and recording.relation in (
        Relation.CONFIRMS,
        Relation.CONTRADICTS,
    )
