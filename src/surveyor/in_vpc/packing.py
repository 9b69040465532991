"""What goes into the mailbox for a command: the wheel of this Surveyor, the pins of its packages, files of the user."""

from __future__ import annotations

import base64
import functools
import hashlib
import io
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from surveyor.errors import SurveyorError, UsageError
from surveyor.input_files import SETTINGS_LIMIT, read_text
from surveyor.layout import Layout

__all__ = ["MAX_FILES", "pack", "pins", "wheel"]

MAX_FILES = 64 * 1024 * 1024
"""Bytes of the files that a command names: programs, gate files, reports of earlier runs, wheels."""

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time of each entry, so that the same content is the same archive."""

_LINUX: Mapping[str, str] = {
    "implementation_name": "cpython", "os_name": "posix", "platform_machine": "x86_64", "platform_system": "Linux",
    "platform_python_implementation": "CPython", "sys_platform": "linux",
}  # fmt: skip


def pack(
    layout: Layout, python: str, overlay: Mapping[str, str], files: Mapping[str, Path], wheels: Path | None
) -> bytes:
    """Return the archive that surveyor_agents.remote_command unpacks. `python`: the version of the task's.

    `overlay`: files of the installed package that differ for this run; `files`: names in the command's folder -> files
    and folders here; `wheels`: a folder with the packages, where the task cannot reach a registry.
    """
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        name, data = wheel(layout)
        _add(archive, name, data)
        _add(archive, "requirements.txt", pins(layout, python).encode())
        _add(archive, "overlay/surveyor/in-vpc", b"")
        for place, text in overlay.items():
            _add(archive, f"overlay/{place}", text.encode())
        size = 0
        given = {**files, **({"wheels": wheels} if wheels else {})}
        for inside, path in given.items():
            for below, file in _files(inside, path):
                size += file.stat().st_size
                if size > MAX_FILES:
                    raise UsageError(f"{path}: the files of the command have more than {MAX_FILES // 1024**2} MB")
                _add(archive, below, file.read_bytes())
    return content.getvalue()


@functools.cache
def wheel(layout: Layout) -> tuple[str, bytes]:
    """Return name and content of a wheel of this Surveyor: built in a checkout, else from the installed files."""
    if layout.is_checkout:
        return _built(layout)
    distribution = metadata.distribution("surveyor")
    listed = [file for file in distribution.files or () if ".." not in file.parts and "__pycache__" not in file.parts]
    if not listed:
        raise SurveyorError("this Surveyor was installed without a list of its files: install its wheel with pip")
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        record = [*_recorded(archive, distribution, listed)]
        own = next(str(file) for file in listed if file.name == "RECORD")
        _add(archive, own, "".join(f"{line}\n" for line in [*record, f"{own},,"]).encode())
    return f"surveyor-{distribution.version}-py3-none-any.whl", content.getvalue()


def pins(layout: Layout, python: str) -> str:
    """Return the packages that Surveyor needs on Linux, as lines of a requirements file with the hashes of each.

    Entries are separated by empty lines. `python`: the version that installs them.
    """
    locked = _locked(layout)
    short = ".".join(python.split(".")[:2])
    environment = {**_LINUX, "python_full_version": python, "python_version": short}
    chosen: dict[str, str] = {}
    left = [("surveyor", frozenset[str]())]
    while left:
        name, extras = left.pop()
        for text in _needs(name):
            needed = Requirement(text)
            asked = [{**environment, "extra": extra} for extra in ("", *sorted(extras))]
            if needed.marker is not None and not any(needed.marker.evaluate(each) for each in asked):
                continue
            key = canonicalize_name(needed.name)
            if key not in locked:
                raise SurveyorError(f"{name} needs {needed.name}, which requirements/lock.txt does not pin")
            if key not in chosen or needed.extras:
                chosen[key] = locked[key]
                left.append((key, frozenset(needed.extras)))
    return "\n\n".join(chosen[key] for key in sorted(chosen)) + "\n"


def _built(layout: Layout) -> tuple[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder],
            cwd=layout.root, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        )  # fmt: skip
        found = [*Path(folder).glob("*.whl")]
        if done.returncode or not found:
            why = " ".join((done.stderr or done.stdout).split())[-300:]
            raise SurveyorError(
                f"the wheel of this checkout cannot be built: {why}; `make setup` installs what it needs"
            )
        return found[0].name, found[0].read_bytes()


def _recorded(
    archive: zipfile.ZipFile, distribution: metadata.Distribution, listed: list[metadata.PackagePath]
) -> Iterator[str]:
    """Add the files of an installed package, and yield the line of RECORD for each."""
    for file in listed:
        if file.name in ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json"):
            continue
        data = Path(str(distribution.locate_file(file))).read_bytes()
        _add(archive, str(file), data)
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        yield f"{file},sha256={digest},{len(data)}"


def _needs(name: str) -> list[str]:
    """Return what an installed package requires; nothing of one that only another system needs."""
    try:
        return metadata.requires(name) or []
    except metadata.PackageNotFoundError:
        return []


def _locked(layout: Layout) -> dict[str, str]:
    """Return the entries of the lock file: the line of each package, and its hashes."""
    text = read_text(layout.lock_file, SETTINGS_LIMIT)
    found: dict[str, list[str]] = {}
    entry: list[str] = []
    for line in text.splitlines():
        if line and not line.startswith((" ", "#")):
            entry = found.setdefault(canonicalize_name(line.partition("==")[0]), [])
        if line and not line.startswith("#"):
            entry.append(line)
    return {name: "\n".join(lines) for name, lines in found.items()}


def _files(inside: str, path: Path) -> Iterator[tuple[str, Path]]:
    """Yield the name inside and the file here of a file, or of each file of a folder."""
    if path.is_file():
        yield inside, path
        return
    for file in sorted(path.rglob("*")):
        if file.is_file() and "__pycache__" not in file.parts:
            yield f"{inside}/{file.relative_to(path)}", file


def _add(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, data, zipfile.ZIP_DEFLATED)
