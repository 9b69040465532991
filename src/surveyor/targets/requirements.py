"""Read the requirements files of targets: exact pins with hashes, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

from packaging.utils import canonicalize_name

from surveyor.errors import UsageError
from surveyor.input_files import read_text

__all__ = ["check_pins", "read_pins"]

_PIN = re.compile(r"(?P<name>[A-Za-z0-9][\w.-]*)(?:\[[\w, -]+\])?==(?P<version>[^\s;\\]+)(?:\s*;[^\\]*?)?")
_HASH = re.compile(r"\s--hash=sha256:[0-9a-f]{64}(?=\s|$)")


def read_pins(path: Path) -> dict[str, str]:
    """Return the version of each package, by canonical name. Raises UsageError with the line of a mistake."""
    lines = read_text(path).splitlines()
    pins: dict[str, str] = {}
    start, entry = 0, ""
    for number, line in enumerate([*lines, ""], start=1):
        start = start if entry else number
        entry += " " + line.partition(" #")[0].strip() if not line.lstrip().startswith("#") else ""
        if entry.endswith("\\"):
            entry = entry[:-1]
            continue
        if entry.strip():
            name, version = _pin(path, start, " ".join(entry.split()))
            pins[name] = version
        entry = ""
    return pins


def check_pins(path: Path, package: str, version: str) -> None:
    """Raise UsageError unless a file pins `package` at `version`, and everything in it has hashes."""
    pinned = read_pins(path).get(canonicalize_name(package))
    if pinned != version:
        raise UsageError(f"{path}: must pin {package}=={version}, and pins {pinned or 'no version of it'}")


def _pin(path: Path, number: int, entry: str) -> tuple[str, str]:
    where = f"{path}:{number}"
    if entry.startswith("-"):
        option = re.split(r"[\s=]", entry, maxsplit=1)[0][:80]
        raise UsageError(f"{where}: {option} is not allowed: the package index is configured on each machine")
    pinned = _PIN.fullmatch(_HASH.sub("", entry).strip())
    if pinned is None:
        raise UsageError(f"{where}: {entry[:80]!r} is not of the form NAME==VERSION --hash=sha256:…")
    if not _HASH.search(entry):
        raise UsageError(f"{where}: {pinned['name']}=={pinned['version']} has no hash")
    return canonicalize_name(pinned["name"]), pinned["version"]
