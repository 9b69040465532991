"""Separate Python environments for targets: one for each version, made from pinned packages when it is first needed.

They are in a cache folder, `environments/NAME-VERSION-PYTHON-HASH`, where the hash is that of the requirements file and
of the Python. An environment is built under another name and renamed when it is complete, so that an interrupted
creation is never used. A lock makes a second run wait instead of creating the same one; an older environment of the
same version is deleted unless a target runs in it.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import time
import venv
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from surveyor.errors import TargetUnavailable
from surveyor.targets import parent_death
from surveyor.targets.model import Environment
from surveyor.targets.requirements import read_pins
from surveyor.terminal import write_status

__all__ = [
    "CACHE_VARIABLE",
    "cache_folder",
    "create_environment",
    "creation_problem",
    "environment_folder",
    "find_python",
    "use_environment",
]

CACHE_VARIABLE = "SURVEYOR_CACHE"
"""The environment variable that names another cache folder."""

_SECONDS_TO_STOP = 5.0


def cache_folder() -> Path:
    """Return Surveyor's cache folder, which may not exist. Raises TargetUnavailable if no place is known."""
    if named := os.environ.get(CACHE_VARIABLE):
        return Path(named).absolute()
    if (folder := Path(os.environ.get("XDG_CACHE_HOME", ""))).is_absolute():
        return folder / "surveyor"
    try:
        home = Path.home()
    except RuntimeError:
        raise TargetUnavailable(f"this user has no home folder: set {CACHE_VARIABLE} to a folder for caches") from None
    return home / ("Library/Caches" if sys.platform == "darwin" else ".cache") / "surveyor"


def environment_folder(environment: Environment) -> Path:
    """Return the folder of an environment, which exists if and only if it is complete."""
    python = f"{sys.implementation.cache_tag} {platform.machine()} {Path(sys.executable).resolve()}"
    digest = hashlib.sha256(environment.requirements.read_bytes() + python.encode()).hexdigest()[:12]
    return cache_folder() / "environments" / f"{_stem(environment)}-{digest}"


def find_python(environment: Environment) -> Path | None:
    """Return the Python of an environment; None if it has not been created, or its base was removed since."""
    python = environment_folder(environment) / "bin" / "python"
    return python if python.exists() else None


def create_environment(environment: Environment) -> Path:
    """Return the Python of an environment, after creating it if needed, with progress on standard error.

    Raises TargetUnavailable, in one line, if that is impossible; nothing is left behind then.
    """
    python = find_python(environment)
    if python is not None:
        return python
    folder = environment_folder(environment)
    if problem := creation_problem():
        raise TargetUnavailable(f"{environment.label} needs a separate environment: {problem}")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _locked(folder.parent / ".lock", environment):
            python = find_python(environment)
            if python is None:
                _delete_leftovers(folder, environment)
                _build(folder, environment)
            return folder / "bin" / "python"
    except OSError as error:
        raise TargetUnavailable(
            f"{environment.label} needs a separate environment, which cannot be created in {folder.parent}: "
            f"{error.strerror or error}; make space or set {CACHE_VARIABLE} to another folder"
        ) from None


def creation_problem() -> str:
    """Return why no environment can be created on this machine; "" if nothing is known to prevent it."""
    if importlib.util.find_spec("ensurepip") is None:
        return "this Python's ensurepip is missing (Debian and Ubuntu: apt-get install python3-venv)"
    try:
        folder = cache_folder() / "environments"
    except TargetUnavailable as error:
        return str(error)
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        created = "" if existing == folder else f"{folder} cannot be created, since "
        return f"{created}{existing} cannot be written; set {CACHE_VARIABLE} to another folder"
    return ""


@contextlib.contextmanager
def use_environment(environment: Environment) -> Iterator[tuple[Path, int]]:
    """Yield the Python of an environment and a file descriptor; while that is open, the environment is not deleted.

    A process that inherits the descriptor keeps the environment for itself.
    """
    while True:
        python = create_environment(environment)
        try:
            descriptor = os.open(python.parent.parent / "pyvenv.cfg", os.O_RDONLY)
        except FileNotFoundError:
            continue  # deleted since, by a run with other requirements
        try:
            with contextlib.suppress(OSError):  # a file system without locks: as good as it gets
                fcntl.flock(descriptor, fcntl.LOCK_SH)
            if python.exists():
                yield python, descriptor
                return
        finally:
            os.close(descriptor)


def _stem(environment: Environment) -> str:
    return f"{environment.target}-{environment.version}-{sys.implementation.cache_tag}"


@contextlib.contextmanager
def _locked(path: Path, environment: Environment) -> Iterator[None]:
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say(f"{environment.label}: waiting for another run that is creating an environment in {path.parent}")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _delete_leftovers(folder: Path, environment: Environment) -> None:
    """Delete what interrupted creations left, and other environments of the same version in which no target runs."""
    for other in folder.parent.glob(f"{_stem(environment)}-*"):
        with contextlib.ExitStack() as stack:
            try:
                config = stack.enter_context((other / "pyvenv.cfg").open("r+"))
                fcntl.flock(config, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            except OSError:  # it has no such file: incomplete
                pass
            _delete(other)


def _delete(folder: Path) -> None:
    """Rename, then delete: what remains if this is interrupted is no environment."""
    gone = folder.with_name(f"{folder.name}.old-{os.getpid()}")
    with contextlib.suppress(FileNotFoundError):
        folder.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)


def _build(folder: Path, environment: Environment) -> None:
    """Create the environment in a folder of another name, and rename it."""
    fresh = folder.with_name(f"{folder.name}.new-{os.getpid()}")
    began = time.monotonic()
    _say(f"{environment.label}: creating its environment in {folder.parent} (the first time only)")
    try:
        venv.EnvBuilder(symlinks=True, clear=True).create(fresh)
        _run(environment, [str(fresh / "bin" / "python"), "-I", "-m", "ensurepip"])
        _install(environment, fresh)
        fresh.rename(folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    _say(f"{environment.label}: environment created in {time.monotonic() - began:.0f} s")


def _install(environment: Environment, folder: Path) -> None:
    pip = [str(folder / "bin" / "python"), "-I", "-m", "pip", "--disable-pip-version-check", "--no-input"]
    _run(environment, [*pip, "install", "--require-hashes", "-r", str(environment.requirements)])


def _run(environment: Environment, command: list[str]) -> None:
    """Run one step in a process group that ends with this process. Raises TargetUnavailable with what pip printed."""
    launch = [sys.executable, "-I", "-S", str(parent_death.__file__), str(os.getpid()), *command]
    total, collected, lines = len(read_pins(environment.requirements)), 0, deque[str](maxlen=200)
    process = subprocess.Popen(
        launch, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, process_group=0,
        env={**os.environ, "PIP_USER": "0"}, encoding="utf-8", errors="replace",
    )  # fmt: skip
    try:
        for line in process.stdout or ():
            lines.append(line.strip())
            if line.startswith("Collecting "):
                collected += 1
                write_status(f"{environment.label}: package {collected} of {total}")
        code = process.wait()
    finally:
        write_status("")
        _stop(process)
    if code:
        raise TargetUnavailable(_explain(environment, lines, code))


def _stop(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_SECONDS_TO_STOP)
    if process.stdout:
        process.stdout.close()


def _explain(environment: Environment, lines: deque[str], code: int) -> str:
    """Return one line: what was wanted, what pip printed, what to do."""
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    cause = next((line for line in errors if "No matching distribution" in line), errors[0] if errors else "")
    cause = cause or (lines[-1] if lines else f"status {code}")
    advice = "look at `pip config list` and at the network: the index that pip uses must have these versions"
    advice += f"; other versions: {', '.join(environment.others)}" if environment.others else ""
    if "hash" in cause.lower():
        cause, advice = _mismatch(lines) or cause, "the index has other files than the ones that were pinned"
    elif "No space left" in cause:
        advice = f"make space or set {CACHE_VARIABLE} to another folder"
    elif lost := next((line for line in lines if "connection broken by" in line), ""):
        reason = re.sub(r"<[^>]*>:? ?", "", lost.partition("connection broken by ")[2])  # without the names of objects
        cause = f"{cause} ({reason[:160]})"
    return (
        f"{environment.label} needs the packages of {environment.requirements}, which could not be installed; pip: "
        f"{cause[:400].rstrip('.')}; {advice}"
    )


def _mismatch(lines: deque[str]) -> str:
    """Return which package has another hash than required, which pip prints in an indented line."""
    return next(
        (f"other hash: {line.partition(' from ')[0]}" for line in lines if "==" in line and " from " in line), ""
    )


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
