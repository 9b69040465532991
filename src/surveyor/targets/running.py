"""A running target: started or reached, with its clock, its clients and its DNS servers."""

from __future__ import annotations

import socket
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from random import Random
from typing import Protocol
from urllib.parse import urlsplit

from surveyor import timeouts
from surveyor.account.budget import SPENT_FILE, Spending
from surveyor.account.call_rate import RATE_FILE, SharedRate
from surveyor.account.cloudmap_operations import CloudMapOperations
from surveyor.account.fargate_tasks import TASKS_FILE, FargateTasks
from surveyor.account.ledger import Ledger
from surveyor.account.removal import Account
from surveyor.clock import Clock, ControlledClock, WallClock
from surveyor.dns import DnsAddress
from surveyor.errors import FeatureLacking, SurveyorError, TargetUnavailable
from surveyor.evidence import Evidence
from surveyor.polling import Polling, SeenDurations
from surveyor.targets.clients import Clients
from surveyor.targets.control import Control, TokenRefused
from surveyor.targets.dns_path import path_problem
from surveyor.targets.features import probe
from surveyor.targets.guard import ownership_in
from surveyor.targets.identity import check_identity
from surveyor.targets.model import Dns, Target
from surveyor.targets.process import StartedProcess, launch

__all__ = ["SECONDS_PER_CALL", "InsideResolvers", "RunningTarget", "reach_target", "run_target", "speed_of",
           "unreachable"]  # fmt: skip

SECONDS_PER_CALL = 0.1
"""Assumed service seconds of a call to an account, in a rehearsal."""


class InsideResolvers(Protocol):
    """Asks for names inside the VPCs of an account: surveyor.vantage.Vantages."""

    def resolver(self, vpc: str) -> DnsAddress:
        """Return the resolver of a VPC."""

    def through(self, server: DnsAddress, vpc: str = "") -> DnsAddress:
        """Return a server that is asked from inside a VPC, by default that of the run's tasks."""


@dataclass(repr=False)  # all that it knows would be pages in the traceback of a test
class RunningTarget:
    """One running instance. `features` are those that it has, by declaration or, without declarations, by probing.

    `inside`: asks for private names where this machine is outside of their VPC. `absent` lists each feature that is
    declared but was not found, with the reason, and `broken` each undeclared one whose probe got no answer of an API.
    `only_account`: the account of all tests, if the target has no other though it was not declared.
    """

    target: Target
    endpoint: str
    clock: Clock
    clients: Clients
    evidence: Evidence
    control: Control | None
    process: StartedProcess | None
    spending: Spending
    operations: CloudMapOperations = field(default_factory=CloudMapOperations)
    durations: SeenDurations = field(default_factory=SeenDurations)
    inside: InsideResolvers | None = None
    features: frozenset[str] = frozenset()
    absent: tuple[tuple[str, str], ...] = ()
    broken: tuple[tuple[str, str], ...] = ()
    only_account: str = ""
    _servers: dict[str, DnsAddress] = field(default_factory=dict)
    _dns_problem: str | None = None

    def dead(self) -> str | None:
        """Return why it cannot answer any more; None while it accepts connections."""
        ended = self.process.ended() if self.process else None
        silence = ended or self.clients.silence()
        return silence or (unreachable(self.target.name, self.endpoint) if self.target.is_local else None)

    def account(self, run: str) -> Account:
        """Return the account for the clean-up of `run`."""
        ownership = ownership_in(self.target, run)
        clients = partial(self.clients.patient, ownership=ownership)
        return Account(run, clients, self.clock, ownership, self.operations)

    def resolver(self, account: str, region: str, vpc: str) -> DnsAddress:
        """Return the DNS server for names of a private namespace. Raises FeatureLacking."""
        if self.inside is not None and account == self.target.account:
            return self.inside.resolver(vpc)
        if self.target.dns.kind == "control" and self.control is not None:
            return self.control.resolver(account, region, vpc)
        if self.target.dns.kind == "zones" and not self.target.dns.address:
            raise FeatureLacking(
                f"private names of {self.target.name} resolve only inside their VPC: run there, with --vpc and "
                "--dns ADDRESS:PORT of its resolver, or use --from-vpc"
            )
        if self.target.dns.kind == "zones" and self.target.vpc not in (None, vpc):
            raise FeatureLacking(
                f"--dns is the resolver of {self.target.vpc}: names of {vpc} resolve only inside that VPC"
            )
        return self._address()

    def inbound(self, account: str, region: str, vpc: str, ip: str) -> DnsAddress:
        """Return the server at an address of an inbound endpoint of Route 53 Resolver. Raises FeatureLacking."""
        server = DnsAddress(ip, 53)
        if self.target.dns.kind == "control" and self.control is not None:
            server = self.control.inbound_address(account, region, ip)
        if self.inside is not None:
            return self.inside.through(server, vpc)
        if self.target.dns.kind == "zones" and not self.target.dns.address:
            raise FeatureLacking(
                "an inbound endpoint is reached only from inside its VPC: run there, or use --from-vpc"
            )
        return server

    def name_servers(self, account: str, zone: Callable[[], str]) -> DnsAddress:
        """Return the DNS server for names of a public namespace. Raises FeatureLacking.

        `zone` returns the id of its hosted zone.
        """
        if self.target.dns.kind == "control" and self.control is not None:
            server = self.control.name_servers()
        elif self.target.dns.kind == "zones":
            server = self._delegated(account, zone())
        else:
            return self._address()
        if self.target.is_one_account:
            if self._dns_problem is None:
                self._dns_problem = path_problem(server)
            if self._dns_problem and self.inside is not None:
                return self.inside.through(server)
            if self._dns_problem:
                raise FeatureLacking(self._dns_problem)
        return server

    def _delegated(self, account: str, zone: str) -> DnsAddress:
        if zone not in self._servers:
            found = self.clients.client("route53", account).get_hosted_zone(Id=zone)
            self._servers[zone] = DnsAddress(address_of(found["DelegationSet"]["NameServers"][0]), 53)
        return self._servers[zone]

    def _address(self) -> DnsAddress:
        if not self.target.dns.address:
            raise FeatureLacking(f"{self.target.name} has no DNS server")
        return DnsAddress(self.target.dns.address, self.target.dns.port)


@contextmanager
def run_target(
    target: Target,
    seed: int,
    ledger: Ledger | None = None,
    *,
    needed: Collection[str] | None = None,
    launched: StartedProcess | None = None,
) -> Iterator[RunningTarget]:
    """Start or reach the target, ask it for its features, and stop it on exit if it was started.

    `needed`: of the features that it declares only these are asked for (all); `launched`: its process.
    Raises TargetUnavailable if it does not start or answer.
    """
    with reach_target(target, seed, ledger, launched) as running:
        found = probe(running.target, running.clients, running.control, needed)
        running.features, running.absent, running.broken = found.present, found.absent, found.broken
        running.only_account = found.account
        running.clients.denied = None
        yield running


@contextmanager
def reach_target(
    target: Target, seed: int, ledger: Ledger | None = None, launched: StartedProcess | None = None
) -> Iterator[RunningTarget]:
    """Start or reach the target, and stop it on exit if it was started; in an account only ask whose it is.

    Raises TargetUnavailable if it does not start or answer.
    """
    process = launched or (launch(target.label, target.start, seed) if target.start else None)
    control: Control | None = None
    try:
        if process:
            process.await_ready()
        endpoint = process.endpoint if process else target.endpoint
        problem = unreachable(target.name, endpoint) if endpoint and target.is_local else None
        if problem:
            raise TargetUnavailable(problem)
        control, target = _control(target, endpoint or "", process.token if process else "")
        folder = ledger.path.parent if ledger else None
        spending = Spending(target.budget, folder / SPENT_FILE if folder else None)
        polling = Polling(spending.recent, Random(f"{seed} {ledger.path.stem if ledger else ''}"))
        clock = _clock(target, control, polling)
        evidence = Evidence(clock.now)
        clients = Clients(target, endpoint, evidence, ledger, process, spending, clock=clock)
        operations = CloudMapOperations()
        if clock.polling is not None or clock.is_exact:
            clients.watch_operations(operations, clock.now)
        if clock.polling is not None:
            _keep_rates(clients, target, clock, None if target.start else folder)
        if folder is not None and target.start is None:
            spending.tasks = FargateTasks(target.budget.tasks, folder / TASKS_FILE, clock.wait)
        if target.is_one_account:
            check_identity(target, clients)
        place = endpoint or "AWS"
        yield RunningTarget(target, place, clock, clients, evidence, control, process, spending, operations)
    finally:
        if control:
            control.close()
        if process:
            process.stop()


def unreachable(name: str, endpoint: str) -> str | None:
    """Return why `endpoint` accepts no connection; None if it does."""
    parts = urlsplit(endpoint)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((parts.hostname or "", port), timeout=timeouts.CONNECT).close()
    except OSError as error:
        return f"{name} cannot be reached at {endpoint}: {error.strerror or error}"
    return None


def address_of(host: str) -> str:
    """Return the IPv4 address of a name server, from this machine's resolver. Raises TargetUnavailable."""
    try:
        return str(socket.getaddrinfo(host, 53, socket.AF_INET)[0][4][0])
    except OSError as error:
        raise TargetUnavailable(f"this machine cannot resolve the name server {host}: {error}") from None


def speed_of(target: Target, requested: float) -> float:
    """Return the service seconds per wall second of a target that runs; `requested` if its clock stands still."""
    control, _ = _control(target, target.endpoint or "", "")
    if control is None:
        return 1.0
    try:
        return control.scale() or requested
    finally:
        control.close()


def _control(target: Target, endpoint: str, token: str) -> tuple[Control | None, Target]:
    """Return the control endpoint of a target that declares one, or of an emulator at a URL that has one.

    It has the clock of an emulator in place of an account, too: that may be faster than this machine's. Raises
    TokenRefused at a bare URL.
    """
    if "control" in (target.clock, target.dns.kind):
        return Control(endpoint, token), target
    if not target.is_local or (target.file is not None and not target.is_one_account):
        return None, target
    control = Control(endpoint)
    control.timeout = timeouts.PROBE_ANSWER
    try:
        control.now()
    except TokenRefused:
        control.close()
        if target.file is None:
            raise
        return None, target
    except SurveyorError:
        control.close()
        return None, target
    control.close()
    return Control(endpoint), replace(target, clock="control", dns=Dns("control")) if target.file is None else target


def _clock(target: Target, control: Control | None, polling: Polling) -> Clock:
    """Return the clock of a target; an account is polled gently, unless it is an emulator that has no delays."""
    scale = control.scale() if control else None
    if control is None or (scale is None and target.clock == "wall"):
        is_remote = target.is_one_account and not target.is_local
        return WallClock(settles=target.settles, polling=polling if is_remote else None)
    if scale is None:
        return ControlledClock(control, polling if target.rehearsal else None)
    return WallClock(scale, control.now, polling=polling if target.is_one_account else None)


def _keep_rates(clients: Clients, target: Target, clock: Clock, folder: Path | None) -> None:
    """Call Route 53 no faster than other users of the account can bear; in a rehearsal let each call take its time.

    `folder`: that of the ledgers of the workers that share an account.
    """
    tests_rates = "throttling" in (target.features or ())
    rate = None if tests_rates else SharedRate(clock.now, clock.wait, folder / RATE_FILE if folder else None)
    clients.keep_rate(rate, partial(clock.wait, SECONDS_PER_CALL) if target.rehearsal else None)
