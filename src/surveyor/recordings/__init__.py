"""Recordings: what real AWS was seen to answer, as data, each with its source."""

from __future__ import annotations

from surveyor.recordings.loading import load_recordings
from surveyor.recordings.model import Confidence, Provenance, Recording, Recordings, Relation

__all__ = ["Confidence", "Provenance", "Recording", "Recordings", "Relation", "load_recordings"]
