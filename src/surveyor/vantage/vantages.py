"""The vantages of a run: one in the VPC of its tasks, and one in each other VPC where a test asks for a name."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace as replace_struct

from surveyor import timeouts
from surveyor.account.ledger import Ledger, Shared, exclusive_lock, ledgers_in, read_ledger
from surveyor.dns import DnsAddress
from surveyor.errors import FeatureLacking, Inconclusive, SurveyorError
from surveyor.input_files import is_file
from surveyor.response import member
from surveyor.targets.model import Target
from surveyor.targets.running import RunningTarget
from surveyor.targets.task_networks import gateway_of, when_visible
from surveyor.typed_json import read_json, write_json
from surveyor.vantage.client import Vantage, raise_problem
from surveyor.vantage.groups import FIRST_PORT, create_groups, create_served_group
from surveyor.vantage.mailbox import Mailbox, create_bucket
from surveyor.vantage.places import VantagePlace, place_in
from surveyor.vantage.task import VantageTask, public_address, start_task

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

__all__ = ["MainVantage", "Vantages", "at_main_vantage", "open_main", "vantages_of"]

_FILE = "vantage.json"


class MainVantage(Struct, frozen=True):
    """What the workers of a run must know of its vantage: its VPC and place, the bucket, the security groups."""

    bucket: str
    vpc: str
    subnets: tuple[str, ...]
    public: bool
    groups: Mapping[str, str]

    @property
    def place(self) -> VantagePlace:
        """The place of the task."""
        return VantagePlace(self.vpc, self.subnets, self.public)


class Vantages:
    """The vantages of a run, by VPC. `ledger`: where what they need is written."""

    def __init__(self, running: RunningTarget, ledger: Ledger) -> None:
        self._running, self._ledger = running, ledger
        self._folder = ledger.path.parent
        self.main = read_json(self._folder / _FILE, MainVantage)
        self._mailbox = Mailbox(running, self.main.bucket)
        self._known: dict[str, Vantage] = {}
        self._vpcs: dict[str, str] = {}
        self._servers: dict[str, Vantage] = {}
        self._ports: dict[str, int] = {}

    def resolver(self, vpc: str) -> DnsAddress:
        """Return the resolver of a VPC. Raises Inconclusive if no vantage can be there."""
        return self.at(vpc).resolver()

    def through(self, server: DnsAddress, vpc: str = "") -> DnsAddress:
        """Return a server that the vantage in a VPC asks, by default in that of tasks."""
        return self.at(vpc or self.main.vpc).through(server)

    def at(self, vpc: str) -> Vantage:
        """Return the vantage of a VPC, without starting it."""
        if vpc not in self._known:
            start: Callable[[str], VantageTask] = partial(self._start_in, vpc)
            self._known[vpc] = Vantage(self._running, self._mailbox, vpc, self._folder, start)
        return self._known[vpc]

    def near(self, subnet: str) -> Vantage:
        """Return the vantage of the VPC of a task's subnet; "": that of the run's tasks."""
        if not subnet or subnet in self.main.subnets:
            return self.at(self.main.vpc)
        if subnet not in self._vpcs:
            ec2: EC2Client = self._running.clients.client("ec2", self._running.target.account or "")
            found = member(ec2.describe_subnets(SubnetIds=[subnet]), "Subnets", of="DescribeSubnets")
            self._vpcs[subnet] = str(found[0]["VpcId"])
        return self.at(self._vpcs[subnet])

    def serve(self, number: int) -> tuple[str, int, Callable[[Mapping[str, Any]], Mapping[str, list[str]]]]:
        """Return public address and port of the server `number` of this worker, and what asks its task to change it.

        Each number is a task of the run, with a new port each time, which stays until the end.
        """
        if not self.main.public:
            raise FeatureLacking(f"health checks reach no task in {', '.join(self.main.subnets)}: no public addresses")
        name = f"{self._ledger.path.stem.removeprefix('ledger-')}-{number}"
        if name not in self._servers:
            start: Callable[[str], VantageTask] = partial(self._start_server, name)
            self._servers[name] = Vantage(self._running, self._mailbox, f"served-{name}", self._folder, start)
        vantage = self._servers[name]
        try:
            task = vantage.begin()
        except SurveyorError as error:
            raise Inconclusive(str(error)) from None
        self._ports[name] = port = self._ports.get(name, FIRST_PORT - 1) + 1

        def ask(verb: Mapping[str, Any]) -> Mapping[str, list[str]]:
            [result] = vantage.exchange([{"verb": "serve", "port": port, **verb}], timeouts.TASK_ANSWER)
            raise_problem(result)
            return {name: result[name] for name in ("sources", "paths", "hosts")}

        return public_address(self._running, task), port, ask

    def _start_server(self, name: str, session: str) -> VantageTask:
        before = self._ledger.count
        group = create_served_group(self._running, self._ledger.owner.run, self.main.vpc, name)
        run = self._ledger.owner.run
        task = start_task(self._running, self._mailbox, self.main.place, session, run, {"vantage": group})
        self._keep(self.main.vpc, before)
        return task

    @property
    def exchanges(self) -> int:
        """The number of commands of this process that were answered."""
        return sum(vantage.exchanges for vantage in self._known.values())

    def _start_in(self, vpc: str, session: str) -> VantageTask:
        if vpc == self.main.vpc:
            groups, place = self.main.groups, self.main.place
        else:
            groups, place = {}, self._place_of(vpc)
        before = self._ledger.count
        task = start_task(self._running, self._mailbox, place, session, self._ledger.owner.run, groups)
        self._keep(vpc, before)
        return task

    def _place_of(self, vpc: str) -> VantagePlace:
        """Return a subnet with a way out in a VPC that the run made, which gets both.

        The subnet is the vantage's: those of tests end with them.
        """
        ec2: EC2Client = self._running.clients.client("ec2", self._running.target.account or "")
        clock, before = self._running.clock, self._ledger.count
        filters: Any = [{"Name": "vpc-id", "Values": [vpc]}]
        found = list(member(ec2.describe_subnets(Filters=filters), "Subnets", of="DescribeSubnets"))
        [described] = when_visible(clock, lambda: ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"])
        *_, last = ipaddress.IPv4Network(described["CidrBlock"]).subnets(new_prefix=28)
        own = [subnet for subnet in found if subnet.get("CidrBlock") == str(last)]
        if not own and any(_overlaps(subnet, last) for subnet in found):
            own = found
        if not own:
            own = [member(ec2.create_subnet(VpcId=vpc, CidrBlock=str(last)), "Subnet", of="CreateSubnet")]
        if not place_in(ec2, vpc, own[:1]).public:
            # Workers open shared VPCs under the same lock (surveyor.fixtures.routes).
            with exclusive_lock(self._folder, f"shared internet gateway of {vpc}"):
                gateway_of(ec2, clock, vpc)
        self._keep(vpc, before)
        return VantagePlace(vpc, (str(own[0]["SubnetId"]),), public=True)

    def _keep(self, vpc: str, before: int) -> None:
        """Let what was created for a VPC that all tests share stay until the end; the rest ends with its test."""
        is_kept = vpc in (self.main.vpc, self._running.target.vpc) or any(
            shared.id == vpc for path in ledgers_in(self._folder) for shared in read_ledger(path).shared
        )
        for resource in read_ledger(self._ledger.path).existing if is_kept else ():
            if resource.number > before and resource.ids:
                self._ledger.record_shared(Shared(f"vantage in {vpc}", resource.ids[0], resource.number, vpc))


def _overlaps(subnet: Mapping[str, Any], block: ipaddress.IPv4Network) -> bool:
    return bool(subnet.get("CidrBlock")) and block.overlaps(ipaddress.IPv4Network(subnet["CidrBlock"]))


def at_main_vantage(target: Target, folder: Path) -> Target:
    """Return a target whose private namespaces and tasks are where the vantage of the run is, if it has one."""
    if target.from_vpc is None or not is_file(folder / _FILE):
        return target
    main = read_json(folder / _FILE, MainVantage)
    place = replace_struct(target.place, subnets=main.subnets)
    return replace(target, vpc=target.vpc or main.vpc, place=place)


def vantages_of(running: RunningTarget) -> Vantages | None:
    """Return the vantages of the run; None if this machine asks and calls itself."""
    return running.inside if isinstance(running.inside, Vantages) else None


def open_main(running: RunningTarget, ledger: Ledger, place: VantagePlace) -> VantageTask:
    """Create bucket and groups of a run, start its vantage, and return the task. Raises TargetUnavailable."""
    run, folder = ledger.owner.run, ledger.path.parent
    for earlier in folder.glob("vantage*.json"):  # of a run that this one resumes
        earlier.unlink()
    groups = create_groups(running, run, place.vpc)
    main = MainVantage(create_bucket(running, run), place.vpc, place.subnets, place.public, groups)
    write_json(main, folder / _FILE)
    return Vantages(running, ledger).at(place.vpc).begin()
