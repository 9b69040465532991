"""Keep a gate's decision: gate.json in the folder of the first run, or in one that the user names."""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from surveyor.errors import UsageError
from surveyor.gate.decision import Decision
from surveyor.input_files import REPORT_LIMIT, read_bytes
from surveyor.load.tally import TALLY_FILE
from surveyor.output_files import write_text
from surveyor.report.file import REPORT_FILE
from surveyor.report.model import API_VERSION
from surveyor.typed_json import dump_json

__all__ = ["RECORD_FILE", "save_record"]

RECORD_FILE = "gate.json"
_RECORD = re.compile(r"gate(-\d+)?\.json")
_OF_RUNS = (REPORT_FILE, TALLY_FILE, "*.jsonl")
_OF_TOOLS = ("*_stats.csv", "*_stats_history.csv", "*.json")


def save_record(
    place: Path, runs: Sequence[Path], baselines: Sequence[Path], rules: Path, decision: Decision, service: str
) -> Path:
    """Write the decision with the digests of its evidence, and return the path. Raises UsageError if that fails.

    `place`: a folder, which is created, or a file, beside which the record is kept. A record is replaced, but for one
    that says what was done to a deployment: then it is `gate-2.json`, and so on.
    """
    evidence = sorted({path for place in (*runs, *baselines) for path in _files_of(place)})
    record = {
        "apiVersion": API_VERSION,
        "kind": "GateRecord",
        "decided": datetime.now(UTC).isoformat(timespec="seconds"),
        "open": decision.is_open,
        "reason": decision.reason,
        "thresholds": [
            {
                "threshold": str(result.threshold),
                "client": result.client,
                "verdict": str(result.verdict),
                "actual": result.actual,
            }
            for result in decision.results
        ],
        "deployment": _deployment(decision, service) if service else None,
        "evidence": {str(path): _digest(path) for path in (rules, *evidence)},
    }
    path = _free_path(place.parent if place in runs and place.is_file() else place)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, dump_json(record, indent=2))
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from None
    return path


def _free_path(folder: Path) -> Path:
    """Return the first path whose record, if there is one, did nothing to a deployment."""
    numbered = (RECORD_FILE.replace(".", f"-{number}.") for number in itertools.count(2))
    paths = (folder / name for name in itertools.chain((RECORD_FILE,), numbered))
    return next(path for path in paths if not _has_acted(path))


def _has_acted(path: Path) -> bool:
    try:
        record = json.loads(read_bytes(path, REPORT_LIMIT))
    except (UsageError, ValueError, RecursionError):  # there is none, or it is no record
        return False
    deployment = record.get("deployment") if isinstance(record, dict) else None
    return isinstance(deployment, dict) and bool(deployment.get("done"))


def _deployment(decision: Decision, service: str) -> dict[str, str]:
    """Return the deployment that was decided: its ARN, its status when that was done, and what was done."""
    deployment, action = decision.deployment, decision.action
    return {
        "service": service,
        "arn": deployment.arn if deployment else "",
        "status": deployment.status if deployment else "",
        "done": action.what if action else "",
        "description": action.description if action else "",
        "restore": decision.restore,
    }


def _files_of(place: Path) -> Iterator[Path]:
    """Yield the files of a run, or those of another tool."""
    if not place.is_dir():
        yield place
        return
    patterns = _OF_RUNS if any(place.rglob(REPORT_FILE)) else _OF_TOOLS
    for pattern in patterns:
        yield from (path for path in place.rglob(pattern) if path.is_file() and not _RECORD.fullmatch(path.name))


def _digest(path: Path) -> str:
    return hashlib.sha256(read_bytes(path, REPORT_LIMIT)).hexdigest()
