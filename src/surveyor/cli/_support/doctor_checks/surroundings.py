"""The user's credentials, and what this machine has: disk, processors, open files, a clock."""

from __future__ import annotations

import ctypes
import os
import resource
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from surveyor.cli._support.doctor_checks.values import DoctorCheck
from surveyor.errors import SurveyorError
from surveyor.layout import find_layout
from surveyor.machine import BUSY, default_workers, measure_slowdown

__all__ = ["surrounding_checks"]

_REPORT_SPACE = 200 * 2**20
"""A survey writes a report of about 100 MB; its targets keep their output until they end."""

_OPEN_FILES = 1_024
_UNSYNCHRONISED = 0x40  # STA_UNSYNC of adjtimex(2)
_SOURCES = {
    "variables": ("AWS_ACCESS_KEY_ID",),
    "a web identity": ("AWS_WEB_IDENTITY_TOKEN_FILE",),
    "a container's role": ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"),
}


def surrounding_checks() -> Iterator[DoctorCheck]:
    """Look at each."""
    yield _check_folder("temporary files", Path(tempfile.gettempdir()), "TMPDIR")
    yield _check_reports()
    yield _check_processors()
    yield _check_open_files()
    yield _check_clock()
    yield _check_credentials()


def _check_reports() -> DoctorCheck:
    try:
        return _check_folder("reports", find_layout().out, "--out")
    except SurveyorError as error:
        return DoctorCheck("reports", False, str(error), required=False)


def _check_folder(name: str, folder: Path, option: str) -> DoctorCheck:
    """Check that a folder, or the one in which it will be made, can be written and has room."""
    required, cure = option == "TMPDIR", f"name another folder by {option}"
    existing = next((place for place in (folder, *folder.parents) if place.is_dir()), Path("/"))
    if not os.access(existing, os.W_OK | os.X_OK):
        return DoctorCheck(name, False, f"{existing} cannot be written", required=required, cure=cure)
    free = shutil.disk_usage(existing).free
    has_room = free >= _REPORT_SPACE
    detail = f"{folder}, {free / 2**30:.1f} GiB free" + (
        "" if has_room else f", needed are {_REPORT_SPACE // 2**20} MiB"
    )
    return DoctorCheck(name, has_room, detail, required=required, cure=cure)


def _check_processors() -> DoctorCheck:
    usable = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    slowdown = measure_slowdown()
    return DoctorCheck(
        "processors", slowdown < BUSY,
        f"{usable} usable, {default_workers()} workers; work takes {slowdown:.1f} times as long as on an idle machine",
        required=False, limited=True,
        without="runs take longer, and claims that measure wall time may be inconclusive",
        cure="wait until other programs have ended",
    )  # fmt: skip


def _check_open_files() -> DoctorCheck:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    enough = hard == resource.RLIM_INFINITY or hard >= _OPEN_FILES
    shown = "without limit" if hard == resource.RLIM_INFINITY else f"{hard} at most"
    without = "targets with many VPCs or tasks cannot open all sockets"
    return DoctorCheck(
        "open files", enough, f"{shown}, {soft} to begin with", required=False, limited=True,
        without=without, cure=f"ulimit -Hn {_OPEN_FILES}",
    )  # fmt: skip


def _check_clock() -> DoctorCheck:
    """Ask the kernel whether a time service keeps its clock (adjtimex(2))."""
    kept = _is_kept()
    found: dict[bool | None, str] = {
        True: "kept by a time service",
        False: "the kernel says that no time service keeps this clock",
    }
    return DoctorCheck(
        "clock", kept is True, found.get(kept, "this system does not say whether a time service keeps it"),
        required=False, limited=True,
        without="the embedded target works; AWS refuses signatures whose time is more than five minutes off",
        cure="timedatectl set-ntp true; the host of a virtual machine may keep it, which the kernel does not know",
    )  # fmt: skip


def _is_kept() -> bool | None:
    asked = ctypes.create_string_buffer(1_024)
    try:
        if ctypes.CDLL(None).adjtimex(asked) < 0:
            return None
    except (OSError, AttributeError):  # the C library has no adjtimex
        return None
    return not ctypes.c_int.from_buffer(asked, _status_offset()).value & _UNSYNCHRONISED


def _status_offset() -> int:
    """Return where `status` is in struct timex: after an int and four longs, as the compiler aligns them."""
    return 5 * ctypes.sizeof(ctypes.c_long)


def _check_credentials() -> DoctorCheck:
    """Look where the AWS CLI looks, without asking anything, and print no value of it."""
    name = "credentials for AWS"
    found = [source for source, names in _SOURCES.items() if any(os.environ.get(variable) for variable in names)]
    try:
        from botocore.session import Session

        profiles = len(Session().available_profiles)
    except Exception as error:  # noqa: BLE001  # whatever is wrong with the user's files is one line
        return DoctorCheck(
            name, False, f"{type(error).__name__}: the settings of the AWS CLI cannot be read", required=False
        )
    if profiles:
        found.append(f"{profiles} profile{'s' if profiles > 1 else ''} of the AWS CLI")
    detail = (
        f"{', '.join(found)}; not tried" if found else "no variables and no profile; a metadata service was not asked"
    )
    return DoctorCheck(
        name, bool(found), detail, required=False,
        without="only for --target aws; the embedded target and emulators need none",
        cure="docs/first-run-on-aws.md",
    )  # fmt: skip
