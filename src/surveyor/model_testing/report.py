"""What a search found, as values and as model.json: versioned, and whole or not there at all."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from surveyor.evidence import Entry

__all__ = ["API_VERSION", "KIND", "MODEL_FILE", "DivergenceReport", "ModelReport", "save_model_report"]

API_VERSION = "surveyor/v1"
KIND = "ModelReport"
MODEL_FILE = "model.json"


@dataclass(frozen=True)
class DivergenceReport:
    """One divergence with its shortest history.

    `known`: the claim is in the target's expectations. `again`: it came once more when the history was repeated.
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
    evidence: tuple[Entry, ...]


@dataclass(frozen=True)
class ModelReport:
    """One search. `wanted` histories were asked for, `histories` made and run, `shortening` runs made them shorter.

    `left_out`: operations that the target turned out not to offer; `lacking`: features without which rules stayed out.
    `interrupted`: it ended before its time.
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
        """As model.json holds it."""
        return {"kind": KIND, "apiVersion": API_VERSION, **asdict(self)}


def save_model_report(report: ModelReport, path: Path) -> None:
    """Write the report so that a reader sees either the old file or the whole new one."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.write_text(json.dumps(report.to_json(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    fresh.replace(path)
