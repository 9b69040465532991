"""What a gate decided, by what, kept beside the evidence: gate.json in the folder of the first run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from surveyor.errors import UsageError
from surveyor.gate.deployment_actions import GateAction
from surveyor.gate.thresholds import Outcome
from surveyor.load.tally import TALLY_FILE
from surveyor.report.file import REPORT_FILE
from surveyor.report.model import API_VERSION

__all__ = ["RECORD_FILE", "keep"]

RECORD_FILE = "gate.json"
_EVIDENCE = (REPORT_FILE, TALLY_FILE, "*.jsonl")


def keep(
    runs: Sequence[Path],
    rules: Path,
    outcomes: Sequence[Outcome],
    deed: GateAction | None,
    service: str,
    *,
    is_open: bool,
) -> Path:
    """Write it, with the digests of the files that it rests on, and return where. Raises UsageError if that fails."""
    found = sorted({path for run in runs for pattern in _EVIDENCE for path in run.rglob(pattern)})
    told = {
        "apiVersion": API_VERSION,
        "kind": "GateRecord",
        "decided": datetime.now(UTC).isoformat(timespec="seconds"),
        "open": is_open,
        "thresholds": [
            {"threshold": str(one.threshold), "client": one.who, "verdict": str(one.verdict), "came": one.told}
            for one in outcomes
        ],
        "deployment": {"service": service, "done": deed.what, "told": deed.told} if deed else None,
        "evidence": {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in (rules, *found)},
    }
    path = runs[0] / RECORD_FILE
    try:
        path.write_text(json.dumps(told, indent=2) + "\n", "utf-8")
    except OSError as refused:
        raise UsageError(f"{path}: cannot be written: {refused.strerror}") from None
    return path
