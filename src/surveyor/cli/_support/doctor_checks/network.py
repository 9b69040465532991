"""What this machine's network and namespaces allow: addresses and ports of the embedded target, and a sandbox."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator

from surveyor.cli._support.doctor_checks.values import DoctorCheck
from surveyor.sandbox import command_in, is_inside, try_parts

__all__ = ["network_checks"]

_SANDBOX = "--sandbox or root"
_LIMITS = "at most 256 processes and the memory of the task definition, looked at ten times a second"


def network_checks() -> Iterator[DoctorCheck]:
    """Try each part of it."""
    yield _check_loopback()
    yield _check_ports()
    yield _check_tasks()
    yield _check_hosts_files()
    yield _check_task_resolvers()
    yield _check_low_ports()
    yield _check_packet_filters()
    yield from _check_sandbox()


def _check_loopback() -> DoctorCheck:
    addresses = ("127.0.0.1", "127.0.0.2", "127.8.16.32")
    for address in addresses:
        try:
            with socket.socket() as probe:
                probe.bind((address, 0))
        except OSError as error:
            detail = f"{address}: {error.strerror}; tasks and resolvers need such addresses"
            cure = "on macOS: sudo ifconfig lo0 alias ADDRESS, or a Linux machine"
            return DoctorCheck("loopback addresses", False, detail, cure=cure)
    return DoctorCheck("loopback addresses", True, f"{', '.join(addresses)} can be bound")


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
        detail = f"UDP and TCP on one free port of 127.0.0.1: {error}"
        return DoctorCheck("ports and dns", False, detail, cure="allow both in the firewall of this machine")
    return DoctorCheck("ports and dns", True, "UDP and TCP on one free port of 127.0.0.1")


def _check_tasks() -> DoctorCheck:
    """Ask the embedded target how sure the end of a task is on this machine, and what its limits are worth."""
    if sys.platform != "linux":
        detail = (
            "tasks share 127.0.0.1, and what they detach may outlive them and a killed target: no two of them can use "
            "one port, and processes and memory are not limited; all else works"
        )
        return DoctorCheck("tasks", False, detail, required=False)
    problem = _output_of([sys.executable, "-m", "surveyor_emulator.runtime.tasks.namespace"])
    if problem:
        detail = (
            f"have keepers, which end all that a task starts; without a PID namespace ({problem}) a task can signal "
            f"this user's other processes; {_LIMITS}"
        )
    else:
        detail = f"run in a PID namespace: nothing of them outlives the target, or sees other processes; {_LIMITS}"
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
    without = "tasks find Service Connect's names in SURVEYOR_HOSTS, not in /etc/hosts"
    return DoctorCheck("names in tasks", False, problem, required=False, without=without, cure="allow user namespaces")


def _check_task_resolvers() -> DoctorCheck:
    try:
        with socket.socket(type=socket.SOCK_DGRAM) as probe:
            probe.bind(("127.127.255.254", 53))
    except OSError as error:
        detail = f"port 53 of a loopback address: {error.strerror}"
        without = "tasks find their resolver in SURVEYOR_DNS"
        return DoctorCheck("resolvers of tasks", False, detail, required=False, without=without, cure=_SANDBOX)
    return DoctorCheck("resolvers of tasks", True, "each task can have its own resolv.conf")


def _check_low_ports() -> DoctorCheck:
    name = "low ports of tasks"
    try:
        with socket.socket() as probe:
            probe.bind(("127.127.255.254", 80))
    except OSError as error:
        detail = f"port 80 of a loopback address: {error.strerror}"
        without = (
            "tasks, load balancers and aliases of Service Connect need ports from 1024 on, as those of a survey have"
        )
        return DoctorCheck(name, False, detail, required=False, without=without, cure=_SANDBOX)
    return DoctorCheck(name, True, "tasks, load balancers and aliases of Service Connect can have port 80")


def _check_packet_filters() -> DoctorCheck:
    """Try a filter at a socket of TCP; where it is refused, once more in a sandbox."""
    name, program = "packet filters", [sys.executable, "-m", "surveyor_emulator.runtime.tasks.packet_filters"]
    problem = _output_of(program)
    if not problem:
        return DoctorCheck(name, True, "fault injection can impair the network of tasks")
    without, cure = "the claims about impaired networks of tasks (network-faults) are unsupported", "run as root"
    if not is_inside() and not any(try_parts().values()) and not _output_of(command_in(program)):
        problem, cure = "refused to this user outside of a sandbox, and permitted in one", _SANDBOX
    return DoctorCheck(name, False, problem, required=False, without=without, cure=cure)


def _output_of(command: list[str]) -> str:
    """Return what a command prints, or why it fails: "" if it ends well and has nothing to say."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    said = done.stdout.strip() or done.stderr.strip().rpartition("\n")[2]
    return said or (f"the attempt ended with status {done.returncode}" if done.returncode else "")


def _check_sandbox() -> Iterator[DoctorCheck]:
    if is_inside():
        yield DoctorCheck("sandbox", True, "this is one", required=False)
        return
    found = {
        "namespaces": "this user may make user, network and mount namespaces",
        "addresses": "every address of a VPC is free in it",
        "ports": "53 and 80 are free in it",
        "files": "it has its own resolv.conf, hosts and nsswitch.conf",
        "raw sockets": "packets can be sent and captured in it",
    }
    without = "all but `surveyor sandbox` and --sandbox works"
    for part, problem in try_parts().items():
        yield DoctorCheck(
            f"sandbox: {part}", not problem, problem or found[part], required=False,
            without=without, cure="docs/sandbox.md says how it is allowed",
        )  # fmt: skip
