"""The clean-up makes few calls: what the run has registered is not listed, and what has no tasks is not waited for."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from surveyor import timeouts
from surveyor.account.cloudmap_operations import CloudMapOperations
from surveyor.account.ledger import Resource
from surveyor.account.ownership import Ownership
from surveyor.account.removal import Account, delete_resources
from surveyor.account.removal.cloudmap import delete_namespaces, delete_services, find_service
from surveyor.account.removal.ec2 import delete_security_groups
from surveyor.account.removal.ecs import delete_ecs_services, delete_task_definitions
from surveyor.account.removal.route53 import delete_hosted_zones
from surveyor.clock import ControlledClock
from surveyor.polling import Polling, RecentCalls
from tests.test_clock import ManualTime

REGION, CLUSTER = "us-east-1", "arn:aws:ecs:us-east-1:1:service/surveyor-0123abcd-c/"


class Fake:
    """A client whose calls are counted; `answers` has functions by operation, others answer with nothing."""

    def __init__(self, **answers: Any) -> None:
        self.calls = Counter[str]()
        self.answers = answers

    def __getattr__(self, operation: str) -> Any:
        def call(**params: Any) -> Any:
            self.calls[operation] += 1
            return self.answers.get(operation, lambda **_: {})(**params)

        return call

    def get_paginator(self, operation: str) -> Any:
        """Return something whose pages are one answer."""
        answer = getattr(self, operation)
        return type("Pages", (), {"paginate": staticmethod(lambda **params: [answer(**params)])})


def account_of(client: Fake, operations: CloudMapOperations | None = None) -> Account:
    """Return an account all of whose clients are this one."""
    clock = ControlledClock(ManualTime())
    return Account("0123abcd", lambda *_: client, clock, None, operations or CloudMapOperations())


def refuse(code: str) -> ClientError:
    """Return an error of the API."""
    return ClientError({"Error": {"Code": code, "Message": code}}, "Delete")


class Registry:
    """A service with instances, which are gone some time after they were deregistered."""

    def __init__(self, *instances: str) -> None:
        self.instances = set(instances)

    def client(self) -> Fake:
        """Return a client of it."""

        def deregister(InstanceId: str, **_: Any) -> Any:  # noqa: N803 (as in the API)
            self.instances.discard(InstanceId)
            return {"OperationId": InstanceId}

        def delete(**_: Any) -> Any:
            if self.instances:
                raise refuse("ResourceInUse")
            return {}

        listed = {"list_instances": lambda **_: {"Instances": [{"Id": name} for name in sorted(self.instances)]}}
        return Fake(deregister_instance=deregister, delete_service=delete, **listed)


@pytest.mark.parametrize(
    ("instances", "known", "lists", "deletions"),
    [
        ((), [], 0, 1),
        (("a", "b"), ["a", "b"], 0, 1),
        (("a", "b"), ["a"], 1, 3),  # ECS registers instances too
        (("a", "b"), None, 1, 1),
        ((), None, 1, 1),
    ],
)
def test_known_instances_are_not_listed(
    monkeypatch: pytest.MonkeyPatch, instances: tuple[str, ...], known: list[str] | None, lists: int, deletions: int
) -> None:
    """Others are found by a list: at once in a service of another process, else when the service is still in use."""
    operations = CloudMapOperations()
    monkeypatch.setattr(operations, "instances", lambda _: known)
    client = Registry(*instances).client()
    assert delete_services(account_of(client, operations), REGION, ["srv-1"]) == {}
    assert client.calls["list_instances"] == lists
    assert client.calls["delete_service"] == deletions
    assert client.calls["deregister_instance"] == len(instances)


def test_a_namespace_in_use_is_listed_seldom() -> None:
    """It may be in use for a while after its last service: only one of four tries lists its services."""
    answers = [refuse("ResourceInUse")] * 6 + [{"OperationId": "o"}]

    def delete(**_: Any) -> Any:
        answer = answers.pop(0)
        if isinstance(answer, ClientError):
            raise answer
        return answer

    ended = {"Operation": {"Status": "SUCCESS"}}
    client = Fake(delete_namespace=delete, get_operation=lambda **_: ended, list_services=lambda **_: {"Services": []})
    assert delete_namespaces(account_of(client), REGION, ["ns-1"]) == {}
    assert client.calls["list_services"] == 2


def test_a_namespace_is_in_use_by_what_may_not_be_deleted() -> None:
    """The reason is that of the service inside, which names the action, not that the namespace is in use."""
    message = "User is not authorized to perform: servicediscovery:DeleteService"
    denied = ClientError({"Error": {"Code": "AccessDeniedException", "Message": message}}, "DeleteService")

    def fail(error: ClientError) -> Any:
        raise error

    client = Fake(
        delete_namespace=lambda **_: fail(refuse("ResourceInUse")),
        delete_service=lambda **_: fail(denied),
        list_services=lambda **_: {"Services": [{"Id": "srv-1"}]},
        list_instances=lambda **_: {"Instances": []},
    )
    assert delete_namespaces(account_of(client), REGION, ["ns-1"]) == {"ns-1": str(denied)}


def test_what_an_unanswered_call_made_is_looked_for_twice() -> None:
    """A read right after the call may not show it; it is deleted all the same."""
    answers = [{"Subnets": []}, {"Subnets": [{"SubnetId": "subnet-1"}]}]
    client = Fake(describe_subnets=lambda **_: answers.pop(0))
    account = replace(account_of(client), clock=ControlledClock(ManualTime(), Polling(RecentCalls())))
    began = account.clock.now()
    lost = Resource(1, "ec2:CreateSubnet", REGION, {}, ())
    assert delete_resources([lost], account).deleted == [lost]
    assert client.calls["delete_subnet"] == 1
    assert account.clock.now() - began >= timeouts.READ_AGAIN


def test_a_namespace_that_an_answer_has_shown_is_deleted() -> None:
    """The ledger has the operation that created it; the clean-up of an ECS service in it has shown its id."""
    namespace, ownership, operations = "ns-tyv7yuhyhwjyx4ow", Ownership("0123abcd"), CloudMapOperations()
    ownership.learn("ecs", "DescribeServices", {}, {"services": [{"deployments": [{"namespace": namespace}]}]})
    operations._namespaces["operation-1"] = namespace
    sent: list[str] = []

    def delete(Id: str) -> Any:  # noqa: N803 (as in the API)
        ownership.check("servicediscovery", "DeleteNamespace", {"Id": Id})
        sent.append(Id)
        return {"OperationId": "operation-2"}

    client = Fake(delete_namespace=delete, get_operation=lambda **_: {"Operation": {"Status": "SUCCESS"}})
    account = replace(account_of(client, operations), ownership=ownership)
    created = Resource(1, "servicediscovery:CreateHttpNamespace", REGION, {}, ("operation-1",))
    assert delete_resources([created], account).deleted == [created]
    assert sent == [namespace]


def described(running: int = 0, pending: int = 0, status: str = "DRAINING") -> dict[str, Any]:
    """Return a service as ECS describes it."""
    return {"runningCount": running, "pendingCount": pending, "status": status}


@pytest.mark.parametrize(("running", "pending", "reads"), [(0, 0, 0), (1, 0, 1), (0, 1, 1)])
def test_a_service_without_tasks_is_not_waited_for(running: int, pending: int, reads: int) -> None:
    """The answer of DeleteService says how many tasks there are."""
    gone = {"services": [described(status="INACTIVE")]}
    client = Fake(
        delete_service=lambda **_: {"service": described(running, pending)}, describe_services=lambda **_: gone
    )
    assert delete_ecs_services(account_of(client), REGION, [f"{CLUSTER}web"]) == {}
    assert client.calls["describe_services"] == reads


def test_a_group_waits_for_the_interfaces_of_tasks_that_were_stopped() -> None:
    """They stay attached for minutes after the task has ended."""
    answers = [refuse("DependencyViolation")] * 20

    def delete(**_: Any) -> Any:
        if answers:
            raise answers.pop()
        return {}

    account = account_of(Fake(delete_security_group=delete))
    began = account.clock.now()
    assert delete_security_groups(account, REGION, ["sg-1"]) == {}
    assert account.clock.now() - began < timeouts.REMOVAL


def test_task_definitions_are_deleted_ten_at_a_time() -> None:
    """What cannot be deregistered any more is left out; what cannot be deleted is a problem."""
    deleted: list[int] = []

    def deregister(taskDefinition: str) -> Any:  # noqa: N803 (as in the API)
        if taskDefinition == "family:3":
            raise refuse("ClientException")
        if taskDefinition == "family:4":
            raise refuse("AccessDeniedException")
        return {}

    def delete(taskDefinitions: list[str]) -> Any:  # noqa: N803 (as in the API)
        deleted.append(len(taskDefinitions))
        if "family:24" in taskDefinitions:
            raise refuse("AccessDeniedException")
        return {}

    client = Fake(deregister_task_definition=deregister, delete_task_definitions=delete)
    names = [f"family:{number}" for number in range(1, 25)]
    problems = delete_task_definitions(account_of(client), REGION, names)
    assert set(problems) == {"family:4", "family:23", "family:24"}
    assert deleted == [10, 10, 2]


def test_the_apex_of_a_zone_is_its_shortest_name() -> None:
    """Its NS and SOA records stay, NS records of other names do not; the zone itself is not read."""
    kinds = [("a.b.test.", "NS"), ("b.test.", "SOA"), ("b.test.", "NS"), ("b.test.", "A"), ("\\052.b.test.", "A")]
    records = {"ResourceRecordSets": [{"Name": name, "Type": kind} for name, kind in kinds]}
    changes: list[Any] = []
    client = Fake(
        list_resource_record_sets=lambda **_: records,
        change_resource_record_sets=lambda **params: changes.extend(params["ChangeBatch"]["Changes"]),
    )
    assert delete_hosted_zones(account_of(client), REGION, ["Z1"]) == {}
    removed = {(change["ResourceRecordSet"]["Name"], change["ResourceRecordSet"]["Type"]) for change in changes}
    assert removed == {("a.b.test.", "NS"), ("b.test.", "A"), ("\\052.b.test.", "A")}
    assert client.calls["get_hosted_zone"] == 0


def test_a_service_in_a_namespace_of_another_account_is_named_by_its_arn() -> None:
    """By its id no other account finds it, and the clean-up would take it for deleted."""
    namespace = "arn:aws:servicediscovery:us-east-1:111122223333:namespace/ns-1"
    account = account_of(Fake())
    for given, expected in (
        (namespace, "arn:aws:servicediscovery:us-east-1:111122223333:service/srv-1"),
        ("ns-1", "srv-1"),
    ):
        created = Resource(1, "servicediscovery:CreateService", REGION, {"NamespaceId": given}, ("srv-1",))
        assert find_service(account, created) == (expected,)
