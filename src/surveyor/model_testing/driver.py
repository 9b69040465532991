"""Execute the steps of a history on a target with boto3 and DNS queries, and return the answers in the model's terms.

The driver maps a history's names to real names and keeps the ids that the target returns, so the model knows neither.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from surveyor import timeouts
from surveyor.account.refusals import describe_failed_operation, describe_refusal
from surveyor.dns import DnsAddress, query_server, record_values
from surveyor.errors import NoAnswer, NotOffered, TargetUnavailable, Unavailable, WrongAnswer
from surveyor.model_testing.checks import Observation, ObservedAnswer, ObservedError, ObservedInstance
from surveyor.model_testing.registry import MANY_INSTANCES, namespace_of
from surveyor.model_testing.steps import (
    Advance,
    CreateNamespace,
    CreateService,
    DeleteNamespace,
    DeleteService,
    DeregisterInstance,
    DiscoverInstances,
    GetHealth,
    GetInstance,
    Kind,
    ListInstances,
    Pairs,
    QueryRecords,
    Records,
    RegisterInstance,
    RegisterMany,
    ReportHealth,
    Step,
)
from surveyor.response import member
from surveyor.targets.running import RunningTarget

__all__ = ["DOMAIN", "Driver", "create_params"]

DOMAIN = "surveyor.test"
"""The parent domain of DNS namespaces: .test is reserved for tests (RFC 6761)."""


class Driver:
    """Runs one history on a target, in `account`; `prefix` distinguishes its names from those of other runs."""

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

    def execute(self, step: Step) -> Observation:
        """Execute one step and return the answer.

        Raises NotOffered if the target lacks an operation, TargetUnavailable if the target has died, and Unavailable if
        an account refuses a call for its permissions or quotas.
        """
        try:
            return self._execute(step)
        except NotOffered:
            raise
        except (NoAnswer, WrongAnswer) as error:
            return ObservedError(error.actual)
        except ClientError as error:
            in_account = self._running.target.is_one_account
            if in_account and (why := describe_refusal(error.operation_name, error.response)):
                raise Unavailable(*why) from None
            code = str(error.response.get("Error", {}).get("Code", "")) or "an error without a code"
            return ObservedError(f"HTTP {code}" if code.isdecimal() else code)
        except (BotoCoreError, ResponseParserError) as error:
            death = self._running.dead()
            if death:
                raise TargetUnavailable(death) from None
            return ObservedError(f"no answer of the API ({type(error).__name__})")

    def _execute(self, step: Step) -> ObservedAnswer:
        match step:
            case Advance(seconds):
                self._running.clock.wait(seconds)
            case CreateNamespace(name, kind):
                self._create_namespace(name, kind)
            case CreateService(name):
                answer = self._cloudmap.create_service(**self._new_service(step))
                self._services.setdefault(name, str(member(answer, "Service", "Id", of="CreateService")))
                self._records.setdefault(name, step.records)
            case RegisterInstance(name, instance, attributes):
                self._wait_for_operation(self._register(name, instance, attributes))
            case RegisterMany(name):
                started = [self._register(name, instance, attributes) for instance, attributes in MANY_INSTANCES]
                for answer in started:
                    self._wait_for_operation(answer)
            case DeregisterInstance(name, instance):
                service = self._services[name]
                self._wait_for_operation(self._cloudmap.deregister_instance(ServiceId=service, InstanceId=instance))
            case ReportHealth(name, instance, status):
                self._cloudmap.update_instance_custom_health_status(
                    ServiceId=self._services[name], InstanceId=instance, Status=status
                )
            case DeleteService(name):
                self._cloudmap.delete_service(Id=self._services[name])
                self._services.pop(name)
            case DeleteNamespace(name):
                self._wait_for_operation(self._cloudmap.delete_namespace(Id=self._namespaces[name]))
            case _:
                return self._read(step)
        return ObservedAnswer()

    def _read(self, step: Step) -> ObservedAnswer:
        match step:
            case ListInstances(name):
                pages = self._cloudmap.get_paginator("list_instances").paginate(ServiceId=self._services[name])
                found = [entry for page in pages for entry in member(page, "Instances", of="ListInstances")]
                return ObservedAnswer(tuple(_observe(entry, "Id", "ListInstances") for entry in found))
            case GetInstance(name, instance):
                answer = self._cloudmap.get_instance(ServiceId=self._services[name], InstanceId=instance)
                return ObservedAnswer((_observe(member(answer, "Instance", of="GetInstance"), "Id", "GetInstance"),))
            case GetHealth(name):
                answer = self._cloudmap.get_instances_health_status(ServiceId=self._services[name])
                found = member(answer, "Status", of="GetInstancesHealthStatus")
                entries = (ObservedInstance(name, health=str(status)) for name, status in found.items())
                return ObservedAnswer(tuple(entries))
            case DiscoverInstances(name):
                return self._discover(name, step)
            case QueryRecords(name):
                return self._query(name)
        raise AssertionError(f"no implementation of {step}")

    def _create_namespace(self, name: str, kind: Kind) -> None:
        real = self.real_name(name, kind)
        if kind == "http":
            answer = self._cloudmap.create_http_namespace(Name=real)
        elif kind == "private":
            answer = self._cloudmap.create_private_dns_namespace(Name=real, Vpc=self._vpc_id())
        else:
            answer = self._cloudmap.create_public_dns_namespace(Name=real)
        identifier = member(self._wait_for_operation(answer), "Targets", "NAMESPACE", of="GetOperation")
        self._namespaces[name], self._kinds[name] = str(identifier), kind

    def _new_service(self, step: CreateService) -> dict[str, Any]:
        return {
            "Name": step.service.partition("/")[2],
            "NamespaceId": self._namespaces[namespace_of(step.service)],
            **create_params(step),
        }

    def _register(self, service: str, instance: str, attributes: Pairs) -> Mapping[str, Any]:
        answer: Mapping[str, Any] = self._cloudmap.register_instance(
            ServiceId=self._services[service], InstanceId=instance, Attributes=dict(attributes)
        )
        return answer

    def _discover(self, name: str, step: DiscoverInstances) -> ObservedAnswer:
        namespace = namespace_of(name)
        filters: dict[str, Any] = {"HealthStatus": step.health} if step.health else {}
        filters |= {"QueryParameters": dict(step.query)} if step.query else {}
        filters |= {"OptionalParameters": dict(step.optional)} if step.optional else {}
        answer = self._cloudmap.discover_instances(
            NamespaceName=self.real_name(namespace, self._kinds[namespace]),
            ServiceName=name.partition("/")[2],
            **filters,
        )
        found = member(answer, "Instances", of="DiscoverInstances")
        revision = answer.get("InstancesRevision")
        return ObservedAnswer(tuple(_observe(entry, "InstanceId", "DiscoverInstances") for entry in found), revision)

    def _query(self, name: str) -> ObservedAnswer:
        namespace = namespace_of(name)
        kind = self._kinds[namespace]
        full = f"{name.partition('/')[2]}.{self.real_name(namespace, kind)}"
        rdtype = "SRV" if self._records[name] == "SRV" else "A"
        self.calls += 1
        answer = query_server(full, rdtype, self._server(namespace, kind), evidence=self._running.evidence)
        values = record_values(answer, full, rdtype)
        return ObservedAnswer(tuple(ObservedInstance(_record(value, f".{full}.")) for value in values))

    def _server(self, namespace: str, kind: Kind) -> DnsAddress:
        if kind == "private":
            return self._running.resolver(self._account, self._running.target.region, self._vpc_id())
        return self._running.name_servers(self._account, lambda: self._zone(namespace))

    def _zone(self, namespace: str) -> str:
        answer = self._cloudmap.get_namespace(Id=self._namespaces[namespace])
        path = ("Namespace", "Properties", "DnsProperties", "HostedZoneId")
        return str(member(answer, *path, of="GetNamespace"))

    def _vpc_id(self) -> str:
        if self._vpc is None:
            ec2 = self._running.clients.client("ec2", self._account)
            created = str(member(ec2.create_vpc(CidrBlock="10.1.0.0/16"), "Vpc", "VpcId", of="CreateVpc"))
            # A new VPC has DNS support but no DNS hostnames, and private names resolve only where both are on.
            ec2.modify_vpc_attribute(VpcId=created, EnableDnsHostnames={"Value": True})
            self._vpc = created
        return self._vpc

    def _wait_for_operation(self, answer: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the operation once it has succeeded. Raises WrongAnswer if it fails, Unavailable as `execute` does."""
        identifier = member(answer, "OperationId", of="the call")

        def finished() -> Mapping[str, Any] | None:
            answer = self._cloudmap.get_operation(OperationId=identifier)
            operation: Mapping[str, Any] = member(answer, "Operation", of="GetOperation")
            return operation if member(operation, "Status", of="GetOperation") in ("SUCCESS", "FAIL") else None

        clock = self._running.clock
        first = self._running.operations.remaining(identifier, clock.now())
        operation = clock.eventually(finished, within=timeouts.OPERATION, first=first)
        if operation["Status"] == "FAIL":
            code = operation.get("ErrorCode", "without a code")
            if self._running.target.is_one_account and (why := describe_failed_operation(operation)):
                raise Unavailable(f"FAIL {code}", why)
            raise WrongAnswer(f"the operation failed: {code}", actual=f"FAIL {code}")
        return operation

    def real_name(self, namespace: str, kind: Kind) -> str:
        """Return the name that a namespace of the history has on the target."""
        return f"{self._prefix}{namespace}" + ("" if kind == "http" else f".{DOMAIN}")

    def _count(self, **_: object) -> None:
        self.calls += 1


def create_params(step: CreateService) -> dict[str, Any]:
    """Return the parameters of CreateService beside name and namespace."""
    params: dict[str, Any] = {}
    if step.records != "none":
        # TTL 0: no cache on the way delays what must be observed.
        params["DnsConfig"] = {"RoutingPolicy": step.routing, "DnsRecords": [{"Type": step.records, "TTL": 0}]}
    if step.custom:
        params["HealthCheckCustomConfig"] = {"FailureThreshold": 1}
    return params


def _observe(instance: Mapping[str, Any], key: str, of: str) -> ObservedInstance:
    attributes = member(instance, "Attributes", of=of) if "Attributes" in instance else {}
    health = instance.get("HealthStatus")
    kept = tuple(
        sorted((str(name), str(value)) for name, value in attributes.items() if name != "AWS_INIT_HEALTH_STATUS")
    )
    return ObservedInstance(str(member(instance, key, of=of)), kept, str(health) if health is not None else None)


def _record(value: str, suffix: str) -> str:
    """Return a record's value; the host name of an SRV record without the names that it must end with."""
    return value.lower().removesuffix(suffix.lower())
