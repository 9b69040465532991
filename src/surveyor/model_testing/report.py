"""The report of a search: values, and model.json, which is versioned and written atomically."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from surveyor.evidence import EvidenceEntry
from surveyor.typed_json import write_json

__all__ = ["API_VERSION", "KIND", "MODEL_FILE", "DivergenceReport", "ModelReport", "save_model_report"]

API_VERSION = "surveyor/v1"
KIND = "ModelReport"
MODEL_FILE = "model.json"


@dataclass(frozen=True)
class DivergenceReport:
    """One divergence with its shortest history.

    `known`: the claim is in the target's expectations. `again`: it occurred again when the history was repeated.
    `script`: the program's file name, beside model.json.
    """

    claim: str
    statement: str
    source: str
    symptom: str
    demanded: str
    actual: str
    steps: tuple[str, ...]
    known: bool
    again: bool
    script: str
    evidence: tuple[EvidenceEntry, ...]


@dataclass(frozen=True)
class ModelReport:
    """The result of one search.

    `wanted` histories were requested and `histories` were run, with `shortening` further runs to shorten them.
    `left_out`: operations that the target does not offer; `lacking`: missing features for which rules were omitted.
    `interrupted`: the search was interrupted.
    """

    target: str
    version: str
    surveyor: str
    seed: int
    steps: int
    wanted: int
    histories: int
    calls: int
    shortening: int
    wall_seconds: float
    left_out: tuple[str, ...]
    lacking: tuple[str, ...]
    interrupted: bool
    divergences: tuple[DivergenceReport, ...]

    def to_json(self) -> dict[str, object]:
        """Return the contents of model.json."""
        return {"kind": KIND, "apiVersion": API_VERSION, **asdict(self)}


def save_model_report(report: ModelReport, path: Path) -> None:
    """Write the report atomically: a reader gets either the old file or the whole new file."""
    write_json(report.to_json(), path)
