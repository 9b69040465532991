"""Does the steps of a history on a target with boto3 and DNS questions, and says what came in the model's own words.

A history's names become real ones here, and the ids that the target gives are kept here, so that the model knows
neither.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from surveyor import timeouts
from surveyor.dns import ask, record_values
from surveyor.errors import NoAnswer, NotOffered, TargetUnavailable, WrongAnswer
from surveyor.model_testing.checks import Answer, Entry, Observation, Refused
from surveyor.model_testing.registry import MANY, namespace_of
from surveyor.model_testing.steps import (
    Advance,
    Ask,
    CreateNamespace,
    CreateService,
    DeleteNamespace,
    DeleteService,
    Deregister,
    Discover,
    Get,
    HealthOf,
    Kind,
    List,
    Pairs,
    Records,
    Register,
    RegisterMany,
    Report,
    Step,
)
from surveyor.response import member
from surveyor.targets.control import DnsAddress
from surveyor.targets.running import RunningTarget

__all__ = ["DOMAIN", "INITIAL_PORT", "Driver", "create_params"]

DOMAIN = "surveyor.test"
"""Where DNS namespaces are made: .test belongs to nobody (RFC 6761)."""

INITIAL_PORT = "8080"


class Driver:
    """One history's run on a target, in `account`; `prefix` makes its names unlike those of other runs."""

    def __init__(self, running: RunningTarget, account: str, prefix: str) -> None:
        self._running = running
        self._account = account
        self._prefix = prefix
        self._cloudmap = running.clients.client("servicediscovery", account)
        self._cloudmap.meta.events.register("before-call", self._count)
        self._namespaces: dict[str, str] = {}
        self._services: dict[str, str] = {}
        self._kinds: dict[str, Kind] = {}
        self._records: dict[str, Records] = {}
        self._vpc = running.target.vpc
        self.calls = 0

    def do(self, step: Step) -> Observation:
        """What came of one step.

        Raises NotOffered where the target lacks an operation, TargetUnavailable where it is gone.
        """
        try:
            return self._do(step)
        except NotOffered:
            raise
        except NoAnswer as silence:
            return Refused(silence.actual)
        except WrongAnswer as wrong:
            return Refused(wrong.actual)
        except ClientError as refusal:
            code = str(refusal.response.get("Error", {}).get("Code", "")) or "an error without a code"
            return Refused(f"HTTP {code}" if code.isdecimal() else code)
        except (BotoCoreError, ResponseParserError) as broken:
            gone = self._running.dead()
            if gone:
                raise TargetUnavailable(gone) from None
            return Refused(f"no answer of the API ({type(broken).__name__})")

    def _do(self, step: Step) -> Answer:
        match step:
            case Advance(seconds):
                self._running.clock.wait(seconds)
            case CreateNamespace(name, kind):
                self._create_namespace(name, kind)
            case CreateService(name):
                answer = self._cloudmap.create_service(**self._new_service(step))
                self._services.setdefault(name, str(member(answer, "Service", "Id", of="CreateService")))
                self._records.setdefault(name, step.records)
            case Register(name, instance, attributes):
                self._finish(self._register(name, instance, attributes))
            case RegisterMany(name):
                started = [self._register(name, instance, attributes) for instance, attributes in MANY]
                for one in started:
                    self._finish(one)
            case Deregister(name, instance):
                service = self._services[name]
                self._finish(self._cloudmap.deregister_instance(ServiceId=service, InstanceId=instance))
            case Report(name, instance, status):
                self._cloudmap.update_instance_custom_health_status(
                    ServiceId=self._services[name], InstanceId=instance, Status=status
                )
            case DeleteService(name):
                self._cloudmap.delete_service(Id=self._services[name])
                self._services.pop(name)
            case DeleteNamespace(name):
                self._finish(self._cloudmap.delete_namespace(Id=self._namespaces[name]))
            case _:
                return self._look(step)
        return Answer()

    def _look(self, step: Step) -> Answer:
        match step:
            case List(name):
                pages = self._cloudmap.get_paginator("list_instances").paginate(ServiceId=self._services[name])
                found = [one for page in pages for one in member(page, "Instances", of="ListInstances")]
                return Answer(tuple(_entry(one, "Id", "ListInstances") for one in found))
            case Get(name, instance):
                answer = self._cloudmap.get_instance(ServiceId=self._services[name], InstanceId=instance)
                return Answer((_entry(member(answer, "Instance", of="GetInstance"), "Id", "GetInstance"),))
            case HealthOf(name):
                answer = self._cloudmap.get_instances_health_status(ServiceId=self._services[name])
                found = member(answer, "Status", of="GetInstancesHealthStatus")
                return Answer(tuple(Entry(one, health=str(status)) for one, status in found.items()))
            case Discover(name):
                return self._discover(name, step)
            case Ask(name):
                return self._ask(name)
        raise AssertionError(f"no way to do {step}")

    def _create_namespace(self, name: str, kind: Kind) -> None:
        real = self.real_name(name, kind)
        if kind == "http":
            answer = self._cloudmap.create_http_namespace(Name=real)
        elif kind == "private":
            answer = self._cloudmap.create_private_dns_namespace(Name=real, Vpc=self._own_vpc())
        else:
            answer = self._cloudmap.create_public_dns_namespace(Name=real)
        made = member(self._finish(answer), "Targets", "NAMESPACE", of="GetOperation")
        self._namespaces[name], self._kinds[name] = str(made), kind

    def _new_service(self, step: CreateService) -> dict[str, Any]:
        given = create_params(step)
        return {
            "Name": step.service.partition("/")[2],
            "NamespaceId": self._namespaces[namespace_of(step.service)],
            **given,
        }

    def _register(self, service: str, instance: str, attributes: Pairs) -> Mapping[str, Any]:
        answer: Mapping[str, Any] = self._cloudmap.register_instance(
            ServiceId=self._services[service], InstanceId=instance, Attributes=dict(attributes)
        )
        return answer

    def _discover(self, name: str, step: Discover) -> Answer:
        namespace = namespace_of(name)
        how: dict[str, Any] = {"HealthStatus": step.health} if step.health else {}
        how |= {"QueryParameters": dict(step.query)} if step.query else {}
        how |= {"OptionalParameters": dict(step.optional)} if step.optional else {}
        answer = self._cloudmap.discover_instances(
            NamespaceName=self.real_name(namespace, self._kinds[namespace]), ServiceName=name.partition("/")[2], **how
        )
        found = member(answer, "Instances", of="DiscoverInstances")
        revision = answer.get("InstancesRevision")
        return Answer(tuple(_entry(one, "InstanceId", "DiscoverInstances") for one in found), revision)

    def _ask(self, name: str) -> Answer:
        namespace = namespace_of(name)
        kind = self._kinds[namespace]
        full = f"{name.partition('/')[2]}.{self.real_name(namespace, kind)}"
        rdtype = "SRV" if self._records[name] == "SRV" else "A"
        self.calls += 1
        answer = ask(full, rdtype, self._server(namespace, kind), evidence=self._running.evidence)
        return Answer(tuple(Entry(_record(value, f".{full}.")) for value in record_values(answer, full, rdtype)))

    def _server(self, namespace: str, kind: Kind) -> DnsAddress:
        if kind == "private":
            return self._running.resolver(self._account, self._running.target.region, self._own_vpc())
        return self._running.name_servers(self._account, lambda: self._zone(namespace))

    def _zone(self, namespace: str) -> str:
        answer = self._cloudmap.get_namespace(Id=self._namespaces[namespace])
        path = ("Namespace", "Properties", "DnsProperties", "HostedZoneId")
        return str(member(answer, *path, of="GetNamespace"))

    def _own_vpc(self) -> str:
        if self._vpc is None:
            ec2 = self._running.clients.client("ec2", self._account)
            made = str(member(ec2.create_vpc(CidrBlock="10.1.0.0/16"), "Vpc", "VpcId", of="CreateVpc"))
            # A new VPC has DNS support but no DNS hostnames, and private names resolve only where both are on.
            ec2.modify_vpc_attribute(VpcId=made, EnableDnsHostnames={"Value": True})
            self._vpc = made
        return self._vpc

    def _finish(self, answer: Mapping[str, Any]) -> Mapping[str, Any]:
        """The operation once it has succeeded. Raises WrongAnswer if it does not."""
        given = member(answer, "OperationId", of="the call")

        def ended() -> Mapping[str, Any] | None:
            answer = self._cloudmap.get_operation(OperationId=given)
            operation: Mapping[str, Any] = member(answer, "Operation", of="GetOperation")
            return operation if member(operation, "Status", of="GetOperation") in ("SUCCESS", "FAIL") else None

        operation = self._running.clock.eventually(ended, within=timeouts.OPERATION)
        if operation["Status"] == "FAIL":
            code = operation.get("ErrorCode", "without a code")
            raise WrongAnswer(f"the operation failed: {code}", actual=f"FAIL {code}")
        return operation

    def real_name(self, namespace: str, kind: Kind) -> str:
        """The name that a namespace of the history has on the target."""
        return f"{self._prefix}{namespace}" + ("" if kind == "http" else f".{DOMAIN}")

    def _count(self, **_: object) -> None:
        self.calls += 1


def create_params(step: CreateService) -> dict[str, Any]:
    """What CreateService is given beside name and namespace."""
    given: dict[str, Any] = {}
    if step.records != "none":
        # TTL 0: no cache on the way keeps what is to be seen.
        given["DnsConfig"] = {"RoutingPolicy": step.routing, "DnsRecords": [{"Type": step.records, "TTL": 0}]}
    if step.custom:
        given["HealthCheckCustomConfig"] = {"FailureThreshold": 1}
    return given


def _entry(instance: Mapping[str, Any], key: str, of: str) -> Entry:
    attributes = member(instance, "Attributes", of=of) if "Attributes" in instance else {}
    health = instance.get("HealthStatus")
    kept = tuple(
        sorted((str(name), str(value)) for name, value in attributes.items() if name != "AWS_INIT_HEALTH_STATUS")
    )
    return Entry(str(member(instance, key, of=of)), kept, str(health) if health is not None else None)


def _record(value: str, suffix: str) -> str:
    """A record's value; the host name of an SRV record without the names that it must end with."""
    return value.lower().removesuffix(suffix.lower())
