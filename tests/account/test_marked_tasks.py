"""The search for tasks of runs: by the family of their definition, in all clusters, with few calls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from surveyor.account.marked import SEARCHED, MarkedResources, find_marked
from surveyor.evidence import Evidence
from surveyor.targets import load_target
from surveyor.targets.clients import Clients
from surveyor.targets.options import TargetOptions
from surveyor.targets.running import RunningTarget, run_target
from tests.account.conftest import ACCOUNT, TARGETS

pytestmark = pytest.mark.soak  # each test starts an emulator

RUN, OTHER, REGION = "0123abcd", "89ef4567", "us-east-1"
MINE, THEIRS, STRANGE = f"surveyor-{RUN}-family", f"surveyor-{OTHER}-family", "web"
GONE = f"arn:aws:ecs:{REGION}:{ACCOUNT}:task/shop/{'0' * 32}"


class Search:
    """A client of ECS that counts its calls by operation, and the search with it alone."""

    def __init__(self, running: RunningTarget) -> None:
        clients = Clients(running.target, running.endpoint, Evidence())
        clients.ownership = None
        self.ecs = clients.patient("ecs", REGION)
        self.calls: Counter[str] = Counter()
        self.ecs.meta.events.register("after-call.ecs", lambda model, **_: self.calls.update([model.name]))

    def find(self) -> MarkedResources:
        """Return what is found in ECS; the other services cannot be asked, which is no failure here."""
        self.calls.clear()
        return find_marked(lambda *_: self.ecs, REGION, without=OTHERS)

    def start(self, cluster: str, family: str, count: int = 1) -> list[str]:
        """Start tasks in a cluster; the clock stands, so they remain PROVISIONING."""
        network = {"awsvpcConfiguration": {"subnets": [self.subnet]}}
        where = {"cluster": cluster, "taskDefinition": family, "launchType": "FARGATE", "networkConfiguration": network}
        counts = [10] * (count // 10) + [count % 10] * bool(count % 10)
        return [task["taskArn"] for some in counts for task in self.ecs.run_task(**where, count=some)["tasks"]]

    subnet = ""


OTHERS = SEARCHED - {"ecs"}


@pytest.fixture
def search() -> Iterator[Search]:
    """Return the search in an account with three clusters, and families of two runs and of a stranger."""
    with run_target(load_target("embedded", TARGETS, TargetOptions(account=ACCOUNT)), 7) as running:
        search = Search(running)
        ec2 = running.clients.client("ec2", ACCOUNT)
        search.subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
        for name in ("shop", "warehouse", f"surveyor-{RUN}-cluster"):
            search.ecs.create_cluster(clusterName=name)
        for family in (MINE, THEIRS, STRANGE):
            register(search.ecs, family)
        yield search


def register(ecs: Any, family: str) -> str:
    """Register a revision of a family, and return its ARN."""
    container = {"name": "app", "image": "any", "command": ["sleep", "600"]}
    definition = ecs.register_task_definition(
        family=family, networkMode="awsvpc", cpu="256", memory="512", containerDefinitions=[container],
        requiresCompatibilities=["FARGATE"],
    )  # fmt: skip
    return str(definition["taskDefinition"]["taskDefinitionArn"])


def tasks_in(found: MarkedResources, run: str) -> set[str]:
    """Return the ARNs of the tasks that were found of a run."""
    assert found.failed == {}
    return {entry.id for entry in found.found if entry.operation == "ecs:RunTask" and entry.run == run}


def test_tasks_of_runs_are_found_in_all_clusters(search: Search) -> None:
    """Also where more than a hundred others run; each page of a list is described in one call."""
    mine = {*search.start("warehouse", MINE, 2), *search.start(f"surveyor-{RUN}-cluster", MINE)}
    search.start("shop", STRANGE, 103)
    mine |= {*search.start("shop", MINE, 4)}
    theirs = {*search.start("shop", THEIRS, 2)}
    found = search.find()
    assert (tasks_in(found, RUN), tasks_in(found, OTHER)) == (mine, theirs)
    assert {entry.run for entry in found.found} == {RUN, OTHER}
    assert (search.calls["ListTasks"], search.calls["DescribeTasks"]) == (4, 4)


def test_families_of_former_runs_cost_no_calls(search: Search) -> None:
    """A deregistered family is not looked at; a task of it that still runs is found."""
    still = search.start("shop", MINE)
    for number in range(30):
        search.ecs.deregister_task_definition(taskDefinition=register(search.ecs, f"surveyor-{OTHER}-old-{number}"))
    search.ecs.deregister_task_definition(taskDefinition=f"{MINE}:1")
    found = search.find()
    assert tasks_in(found, RUN) == set(still)
    definitions = [entry.id for entry in found.found if entry.operation == "ecs:RegisterTaskDefinition"]
    assert [arn.rpartition("/")[2] for arn in definitions] == [f"{THEIRS}:1"]
    assert search.calls == {
        "ListClusters": 1, "ListServices": 3, "ListTasks": 3, "DescribeTasks": 1, "ListTaskDefinitionFamilies": 1,
        "ListTaskDefinitions": 1,
    }  # fmt: skip


def test_a_cluster_that_is_deleted_meanwhile_does_not_end_the_search(search: Search) -> None:
    """What is in the clusters after it is found."""
    mine = {*search.start("shop", MINE), *search.start("warehouse", MINE)}

    def delete(**_: object) -> None:
        search.ecs.meta.events.unregister("after-call.ecs.ListClusters", delete)
        search.ecs.delete_cluster(cluster=f"surveyor-{RUN}-cluster")

    search.ecs.meta.events.register("after-call.ecs.ListClusters", delete)
    found = search.find()
    assert tasks_in(found, RUN) == mine
    assert "ecs:CreateCluster" not in {entry.operation for entry in found.found}


def test_a_task_that_is_gone_when_it_is_described_does_not_end_the_search(search: Search) -> None:
    """DescribeTasks has it among its failures, and the others among its tasks."""
    mine = search.start("shop", MINE)

    def add(params: dict[str, Any], **_: object) -> None:
        params["tasks"] = [GONE, *params["tasks"]]

    search.ecs.meta.events.register("provide-client-params.ecs.DescribeTasks", add)
    assert tasks_in(search.find(), RUN) == set(mine)


def test_a_service_that_cannot_be_asked_is_a_failure(search: Search) -> None:
    """An error that says nothing about one cluster ends the search of ECS, with its reason."""

    def deny(**_: object) -> None:
        raise search.ecs.exceptions.ServerException({"Error": {"Code": "ServerException"}}, "DescribeTasks")

    search.start("shop", MINE)
    search.ecs.meta.events.register("before-call.ecs.DescribeTasks", deny)
    assert set(search.find().failed) == {"ecs"}
