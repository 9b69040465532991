"""A client runtime: real client software, how it is started, what it needs, and what its documents say."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

__all__ = [
    "EXTRA",
    "NEVER",
    "PROGRAMS",
    "ClientRuntime",
    "DocumentedSetting",
    "Expected",
    "FoundSoftware",
    "MissingSoftware",
    "RuntimeAdvice",
    "RuntimePlace",
    "Software",
    "package",
    "program",
]

EXTRA = "pip install 'surveyor[clients]'"
PROGRAMS = Path(__file__).parent / "programs"
NEVER = float("inf")
_VERSION_WITHIN = 20.0


@dataclass(frozen=True)
class RuntimePlace:
    """Where a runtime runs: a folder for its files, the name and port that it calls, and its number in the run.

    `listen`: the port of 127.0.0.1 at which a proxy listens, which has the next one too; `asks_ipv6`: the name has IPv6
    addresses, without which clients are set to ask for IPv4 only.
    """

    folder: Path
    name: str
    port: int
    resolver: str
    listen: int = 0
    asks_ipv6: bool = False

    @property
    def url(self) -> str:
        """Return what a client of HTTP calls."""
        return f"http://{self.name}:{self.port}/"

    def file(self, name: str, text: str) -> str:
        """Write a file of the runtime; return its path."""
        path = self.folder / name
        path.write_text(text, "utf-8")
        return str(path)


@dataclass(frozen=True)
class FoundSoftware:
    """Software that is here: its version, and the path of its program, "" for a package of Python."""

    version: str
    path: str = ""


@dataclass(frozen=True)
class MissingSoftware:
    """Software that is not here, or too old. `why`: one line; `install`: a command that changes that."""

    why: str
    install: str


@dataclass(frozen=True)
class Software:
    """What a runtime needs. `find`: look for it on this machine."""

    name: str
    find: Callable[[], FoundSoftware | MissingSoftware]


@dataclass(frozen=True)
class DocumentedSetting:
    """A default that a document states. `source`: an address, or a file and symbol of the source code."""

    setting: str
    value: str
    source: str


@dataclass(frozen=True)
class RuntimeAdvice:
    """What changes a behaviour. `trap`: the rule that it belongs to."""

    behaviour: str
    text: str
    source: str


@dataclass(frozen=True)
class Expected:
    """The seconds within which a behaviour lies by the documents, ends included; `high` may be NEVER.

    `ttls`: how often the TTL of the records is added to `high`.
    """

    low: float
    high: float
    ttls: float = 0.0


@dataclass(frozen=True)
class ClientRuntime:
    """One configuration of client software.

    `command`: the words that start it, after it has written its files. `kind`: "lines" for a program of one call per
    line (programs/), "proxy" for a server that the harness calls. `expected`: by behaviour; where it says nothing, no
    document does, and the behaviour is recorded. `model`: the client model that stands for it; `mends`: the runtime
    whose behaviour this configuration mends; `uses_srv`: it asks for SRV records, so that its service has those.
    """

    name: str
    title: str
    software: Software
    command: Callable[[FoundSoftware, RuntimePlace], Sequence[str]]
    kind: Literal["lines", "proxy"]
    documented: tuple[DocumentedSetting, ...]
    expected: Mapping[str, Expected] = field(default_factory=dict)
    advice: tuple[RuntimeAdvice, ...] = ()
    model: str = ""
    mends: str = ""
    uses_srv: bool = False


def package(name: str, *others: str) -> Software:
    """Return a package of Python, with others that it needs here."""

    def find() -> FoundSoftware | MissingSoftware:
        for each in (name, *others):
            try:
                importlib.metadata.version(each)
            except importlib.metadata.PackageNotFoundError:
                return MissingSoftware(f"the package {each} is not installed", EXTRA)
        versions = [f"{each} {importlib.metadata.version(each)}" for each in (name, *others)]
        return FoundSoftware(", ".join(versions))

    return Software(name, find)


def program(
    name: str, version: Sequence[str], install: str, *, at_least: tuple[int, ...] = (), wheel: str = ""
) -> Software:
    """Return a program: one in a package of Python, one beside this Python, or one on the path.

    `version`: the words after its name that print its version; `wheel`: pattern of its path in a package.
    """

    def find() -> FoundSoftware | MissingSoftware:
        path = _in_package(wheel) or _on_path(name)
        return _try(name, path, version, install, at_least) if path else _not_installed(name, install)

    return Software(name, find)


def _not_installed(name: str, install: str) -> MissingSoftware:
    return MissingSoftware(f"the program {name} is not installed", install)


def _in_package(pattern: str) -> str:
    folder, _, rest = pattern.partition("/")
    found = importlib.util.find_spec(folder) if folder else None
    if found is None or found.origin is None:
        return ""
    return next((str(path) for path in Path(found.origin).parent.glob(rest) if os.access(path, os.X_OK)), "")


def _on_path(name: str) -> str:
    own = Path(sys.executable).with_name(name)
    more = "/usr/sbin:/usr/local/sbin"
    return str(own) if own.exists() else shutil.which(name) or shutil.which(name, path=more) or ""


def _try(
    name: str, path: str, version: Sequence[str], install: str, at_least: tuple[int, ...]
) -> FoundSoftware | MissingSoftware:
    try:
        done = subprocess.run(
            [path, *version], capture_output=True, text=True, timeout=_VERSION_WITHIN, check=False, errors="replace"
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return MissingSoftware(f"{name} does not run: {error}", install)
    printed = (done.stdout + done.stderr).replace(path, name)  # some print their path, which may hold a version too
    numbers = re.search(r"\d+(?:\.\d+)+|(?<=\")\d+", printed)
    if numbers is None:
        return MissingSoftware(f"{name} {' '.join(version)} prints no version", install)
    text = numbers.group()
    if tuple(int(part) for part in text.split(".")[: len(at_least)]) < at_least:
        needed = ".".join(map(str, at_least))
        return MissingSoftware(f"{name} {text} is too old: {needed} or newer is needed", install)
    return FoundSoftware(text, path)
