"""A sweep of an account that ends well has left nothing, also of what was being created when it began."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import pytest

from surveyor.account.removal import Account
from surveyor.account.removal.creations import creations_in_progress, wait_for_creations
from surveyor.account.run_ids import ENCLOSING, inner_runs, new_run
from surveyor.targets import load_target
from surveyor.targets.account_sweep import AccountSweep
from surveyor.targets.options import TargetOptions
from surveyor.targets.running import RunningTarget, run_target
from surveyor.targets.sweep import Leftovers, ReachedTarget
from tests.account.conftest import ACCOUNT, TARGETS
from tests.account.test_marked import Run
from tests.account.test_removal_calls import Fake, account_of

RUN, OTHER, REGION = "0123abcd", "89ef4567", "us-east-1"
INNER = min(inner_runs(RUN))


@pytest.fixture
def running() -> Iterator[RunningTarget]:
    """Run an account on an embedded target with a controlled clock: waiting costs nothing."""
    with run_target(load_target("embedded", TARGETS, TargetOptions(account=ACCOUNT)), 7) as running:
        yield running


@dataclass
class Sweep:
    """A sweep of what `run` has, and what it reported."""

    reached: ReachedTarget
    run: str = RUN
    reported: list[str] = field(default_factory=list)

    def of(self) -> AccountSweep:
        """Return the sweep."""
        return AccountSweep(self.reached, REGION, self.chooses, str, self.reported.append, lambda _: nullcontext())

    def chooses(self, leftovers: Leftovers) -> bool:
        """Choose one run, as `--run` does."""
        return leftovers.run == self.run


def clients_of(running: RunningTarget) -> Callable[[str], Any]:
    """Return clients that may change everything, as those of other users of the account."""
    return cache(Run(running, "").client)


def names(running: RunningTarget) -> set[str]:
    """Return the names of all namespaces and hosted zones, after everything has ended that was begun."""
    running.clock.wait(600)
    client = clients_of(running)
    namespaces = client("servicediscovery").list_namespaces()["Namespaces"]
    zones = client("route53").list_hosted_zones()["HostedZones"]
    return {entry["Name"].rstrip(".") for entry in [*namespaces, *zones]}


def create_namespace(running: RunningTarget, name: str) -> None:
    """Begin to create a namespace with a hosted zone."""
    client = clients_of(running)
    vpc = client("ec2").describe_vpcs()["Vpcs"][0]["VpcId"]
    client("servicediscovery").create_private_dns_namespace(Name=name, Vpc=vpc)


@pytest.mark.soak
def test_a_namespace_that_is_being_created_is_deleted(running: RunningTarget) -> None:
    """The first search does not show it; that of another user is waited for and stays."""
    create_namespace(running, f"surveyor-{RUN}-ns")
    create_namespace(running, "team.test")
    sweep = Sweep(running)
    assert sweep.of().preview() == []
    assert sweep.of().delete() == []
    assert names(running) == {"team.test"}
    assert sweep.reported == [
        "being created in this account, for a run or another user: 2 namespaces",
        "being created in this account: 2 namespaces; searching again after that",
        f"run {RUN}: 1 resource, with what is in 1 namespace: deleting",
        f"deleted: namespace surveyor-{RUN}-ns",
    ]


@pytest.mark.soak
def test_a_sweep_that_finds_nothing_makes_one_call_more_than_a_search(running: RunningTarget) -> None:
    """Whether namespaces are being created is asked once; nothing is searched twice."""
    search, sweep = Counting(running), Counting(running)
    Sweep(search).of()._search()
    assert Sweep(sweep).of().delete() == []
    assert sweep.calls - search.calls == {"ListOperations": 1}
    assert max(sweep.calls.values()) == 1


class Counting:
    """An account whose calls are counted; `before` has functions that are called before an operation is sent.

    `bodies`: those of the first call of each operation, in the order of the calls.
    """

    def __init__(self, running: RunningTarget, **before: Callable[[], None]) -> None:
        self.calls = Counter[str]()
        self.bodies: dict[str, str] = {}
        self._running, self._before = running, before

    def account(self, run: str) -> Account:
        """Return the account."""
        account = self._running.account(run)

        def client(service: str, region: str) -> Any:
            made = account.client(service, region)
            made.meta.events.register("before-call", self._count)
            return made

        return replace(account, client=client)

    def _count(self, model: Any, params: Any, **_: Any) -> None:
        self.calls[model.name] += 1
        self.bodies.setdefault(model.name, str(params["body"]))
        if function := self._before.pop(model.name, None):
            function()


def start_task(running: RunningTarget, run: str, family: str, groups: list[str]) -> None:
    """Start a task in a cluster of a run."""
    ecs, ec2 = clients_of(running)("ecs"), clients_of(running)("ec2")
    container = {"name": "app", "image": "any", "command": ["sleep", "600"]}
    ecs.create_cluster(clusterName=f"surveyor-{run}-c")
    ecs.register_task_definition(
        family=family, networkMode="awsvpc", cpu="256", memory="512", containerDefinitions=[container],
        requiresCompatibilities=["FARGATE"],
    )  # fmt: skip
    network = {"subnets": [ec2.describe_subnets()["Subnets"][0]["SubnetId"]], "securityGroups": groups}
    ecs.run_task(
        cluster=f"surveyor-{run}-c", taskDefinition=family, launchType="FARGATE",
        networkConfiguration={"awsvpcConfiguration": network},
    )  # fmt: skip


def create_group(running: RunningTarget) -> str:
    """Create a security group of the run."""
    ec2 = clients_of(running)("ec2")
    group = {"GroupName": f"surveyor-{RUN}-tasks", "Description": "tasks of a command"}
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    tags = Run(running, RUN).tags("security-group")
    return str(ec2.create_security_group(**group, VpcId=vpc, TagSpecifications=tags)["GroupId"])


@pytest.mark.soak
def test_a_command_is_stopped_first_and_swept_with_its_task(running: RunningTarget) -> None:
    """What it makes until then is found as well; its tasks are in a group of the run of its task."""
    group = create_group(running)
    start_task(running, RUN, f"surveyor-{RUN}-in-vpc-vpc-1-in-vpc", [group])
    start_task(running, INNER, f"surveyor-{INNER}-web", [group])
    start_task(running, OTHER, f"surveyor-{OTHER}-web", [])
    running.clock.wait(30)  # the tasks are there, with their network interfaces
    account = Counting(running, StopTask=lambda: create_namespace(running, f"surveyor-{INNER}-ns"))
    sweep = Sweep(account)
    assert sweep.of().delete() == []
    assert names(running) == set()
    client = clients_of(running)
    assert [arn.rpartition("/")[2] for arn in client("ecs").list_clusters()["clusterArns"]] == [f"surveyor-{OTHER}-c"]
    assert group not in {found["GroupId"] for found in client("ec2").describe_security_groups()["SecurityGroups"]}
    order = list(account.bodies)
    assert order.index("StopTask") < order.index("DeregisterTaskDefinition")
    assert f":task/surveyor-{RUN}-c/" in account.bodies["StopTask"]
    deleted = [line for line in sweep.reported if line.startswith("run ")]
    assert [line[:12] for line in deleted] == [f"run {INNER}", f"run {RUN}", f"run {INNER}"]


@pytest.mark.soak
def test_a_command_that_is_not_stopped_is_named(running: RunningTarget) -> None:
    """Where its run alone is swept, its task may make more: exit 4, and a line that names the run of the task."""
    start_task(running, RUN, f"surveyor-{RUN}-in-vpc-vpc-1-in-vpc", [])
    start_task(running, INNER, f"surveyor-{INNER}-web", [])
    [line] = Sweep(running, INNER).of().delete()
    assert line.startswith("task arn:")
    assert line.endswith(f"--run {RUN} stops it")


def test_an_operation_that_does_not_end_is_left() -> None:
    """It may be of a run: the sweep does not say that nothing is left."""
    fake = Fake(list_operations=lambda **_: {"Operations": [{"Id": "operation-1"}]})

    class Reached:
        def account(self, run: str) -> Account:
            return replace(account_of(fake), run=run)

    [line] = Sweep(Reached()).of().delete()
    assert line.startswith("operation operation-1: it still creates a namespace")


def test_operations_that_begin_later_are_not_waited_for() -> None:
    """In a shared account there may always be one."""
    answers = iter([["a", "b"], ["a", "c"], ["c", "d"], ["d", "e"]])
    fake = Fake(list_operations=lambda **_: {"Operations": [{"Id": each} for each in next(answers)]})
    account = account_of(fake)
    assert wait_for_creations(account, REGION, creations_in_progress(account, REGION)) == frozenset()
    assert fake.calls["list_operations"] == 3


def test_runs_of_a_command_follow_from_that_of_its_task(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of them is another one, and all are known from outside; elsewhere a run has a random id."""
    monkeypatch.setenv(ENCLOSING, RUN)
    inside = {new_run() for _ in range(3)}
    assert len(inside) == 3
    assert inside < inner_runs(RUN)
    monkeypatch.delenv(ENCLOSING)
    assert new_run() not in inner_runs(RUN)
