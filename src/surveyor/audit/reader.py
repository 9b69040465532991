"""Reads an account with calls that change nothing: clients refuse to send any other.

Tasks come and go while it reads. So Cloud Map is listed before and after ECS, and what is told of instances was so both
times; a task is told to run where it did in two looks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from surveyor.account.removal.account import code_of
from surveyor.audit.snapshot import Container, Instance, Record, Registry, Service, Snapshot, Task, Zone
from surveyor.errors import SurveyorError, UsageError

__all__ = ["READS", "Readers", "Scope", "read"]

READS = ("Describe", "Discover", "Get", "List")
"""How operations begin that change nothing."""

STOP_TIMEOUT = 30
_DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")
_ABSENT = ("NoSuchEntity", "ServiceNotFound", "ClientException", "NoSuchHostedZone", "NamespaceNotFound")
_ROLE = "AWSServiceRoleForECS"


@dataclass(frozen=True)
class Scope:
    """What is audited: clusters by name or ARN, namespaces by name or id."""

    clusters: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()


@dataclass
class Readers:
    """Clients by service, which send reads only. `iam` tells whether the target has IAM; `tell` hears of progress."""

    make: Callable[[str], Any]
    has_iam: bool = True
    tell: Callable[[str], object] = lambda text: None
    refused: dict[str, str] = field(default_factory=dict)
    _made: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        """A client of `service`; a write raises SurveyorError before it is sent."""
        if service not in self._made:
            made = self._made[service] = self.make(service)
            made.meta.events.register("provide-client-params", _reads_only)
        return self._made[service]

    def pages(self, service: str, operation: str, member: str, **params: Any) -> Iterator[Any]:
        """Every entry of a list; nothing where the audit may not look, which is noted, or where there is nothing."""
        try:
            for page in self.client(service).get_paginator(operation).paginate(**params):
                yield from page[member]
        except ClientError as error:
            self._note(service, operation, error)

    def one(self, service: str, operation: str, member: str, **params: Any) -> Any | None:
        """The member of one answer; None likewise."""
        try:
            return getattr(self.client(service), operation)(**params)[member]
        except ClientError as error:
            self._note(service, operation, error)
            return None

    def _note(self, service: str, operation: str, error: ClientError) -> None:
        code = code_of(error)
        if code in _DENIED:
            name = self.client(service).meta.method_to_api_mapping[operation]
            self.refused[f"{service}:{name}"] = str(error.response["Error"].get("Message", code))
        elif code not in _ABSENT:
            raise error


def read(scope: Scope, readers: Readers) -> Snapshot:
    """What is in scope. Raises UsageError for a cluster or namespace that does not exist."""
    namespaces = {one["Id"]: one for one in readers.pages("servicediscovery", "list_namespaces", "Namespaces")}
    chosen = {_namespace(wanted, namespaces.values())["Id"] for wanted in scope.namespaces}
    listed = list(readers.pages("servicediscovery", "list_services", "Services"))
    details = {one["Arn"]: found for one in listed if (found := _service(readers, one["Id"])) is not None}
    inside = {arn for arn, one in details.items() if one["NamespaceId"] in chosen}
    readers.tell(f"namespaces: {len(namespaces)}, Cloud Map services: {len(details)}")
    before = {arn: _instances(readers, details[arn]["Id"]) for arn in inside}
    clusters = [_cluster(readers, name) for name in scope.clusters] or _clusters_of(before.values())
    told = [one for name in clusters for one in _described(readers, name)]
    if not scope.clusters:
        told = [one for one in told if _registry_arn(one) in inside]
    wanted = {arn for one in told if (arn := _registry_arn(one)) is not None} & details.keys() | inside
    before |= {arn: _instances(readers, details[arn]["Id"]) for arn in wanted - before.keys()}
    readers.tell(f"clusters: {len(clusters)}, ECS services: {len(told)}")
    first = {one["serviceArn"]: _tasks(readers, one) for one in told}
    after = {arn: _instances(readers, details[arn]["Id"]) for arn in wanted}
    second = {one["serviceArn"]: _tasks(readers, one) for one in told}
    registries = {
        arn: _registry(details[arn], namespaces, [one for key, one in after[arn].items() if key in before[arn]])
        for arn in wanted
    }
    services = tuple(_ecs_service(readers, one, first, second, before, after) for one in told)
    zones = tuple(_zones(readers, {one.namespace_id for one in registries.values()} | chosen, namespaces))
    return Snapshot(services, registries, zones, len(namespaces), readers.refused, _linked_role(readers))


def _reads_only(params: dict[str, Any], model: Any, **_: object) -> dict[str, Any]:
    if not model.name.startswith(READS):
        raise SurveyorError(f"an audit only reads, and {model.name} does not: this is a mistake of Surveyor's")
    return params


def _namespace(wanted: str, known: Iterable[Any]) -> Any:
    for one in known:
        if wanted in (one["Id"], one["Name"], one["Arn"]):
            return one
    names = ", ".join(sorted(str(one["Name"]) for one in known)) or "none"
    raise UsageError(f"there is no namespace {wanted!r}; there is {names}")


def _cluster(readers: Readers, wanted: str) -> str:
    found = readers.client("ecs").describe_clusters(clusters=[wanted])["clusters"]
    for one in found:
        if one["status"] == "ACTIVE":
            return str(one["clusterName"])
    raise UsageError(f"there is no cluster {wanted!r}")


def _clusters_of(instances: Iterable[dict[str, Instance]]) -> list[str]:
    named = {one.attributes.get("ECS_CLUSTER_NAME", "") for several in instances for one in several.values()}
    return sorted(named - {""})


def _service(readers: Readers, identity: str) -> Any | None:
    return readers.one("servicediscovery", "get_service", "Service", Id=identity)


def _instances(readers: Readers, identity: str) -> dict[str, Instance]:
    listed = readers.pages("servicediscovery", "list_instances", "Instances", ServiceId=identity)
    return {one["Id"]: Instance(one["Id"], dict(one.get("Attributes", {}))) for one in listed}


def _described(readers: Readers, cluster: str) -> Iterator[Any]:
    arns = list(readers.pages("ecs", "list_services", "serviceArns", cluster=cluster))
    for start in range(0, len(arns), 10):
        found = readers.one("ecs", "describe_services", "services", cluster=cluster, services=arns[start : start + 10])
        yield from found or ()


def _registry_arn(service: Any) -> str | None:
    for one in service.get("serviceRegistries") or ():
        return str(one["registryArn"])
    return None


def _tasks(readers: Readers, service: Any) -> dict[str, str]:
    """Id -> status of those that have not stopped."""
    cluster = service["clusterArn"].rpartition("/")[2]
    found: dict[str, str] = {}
    for desired in ("RUNNING", "STOPPED"):  # a task that is asked to stop may run for a while
        params = {"cluster": cluster, "serviceName": service["serviceName"], "desiredStatus": desired}
        arns = list(readers.pages("ecs", "list_tasks", "taskArns", **params))
        for start in range(0, len(arns), 100):
            told = readers.one("ecs", "describe_tasks", "tasks", cluster=cluster, tasks=arns[start : start + 100])
            found |= {one["taskArn"].rpartition("/")[2]: str(one["lastStatus"]) for one in told or ()}
    return {key: status for key, status in found.items() if status != "STOPPED"}


def _ecs_service(
    readers: Readers,
    told: Any,
    first: dict[str, dict[str, str]],
    second: dict[str, dict[str, str]],
    before: dict[str, dict[str, Instance]],
    after: dict[str, dict[str, Instance]],
) -> Service:
    arn, registry = told["serviceArn"], _registry_arn(told)
    new = after.get(registry or "", {}).keys() - before.get(registry or "", {}).keys()
    tasks = []
    for identity, status in {**first[arn], **second[arn]}.items():
        settled = first[arn].get(identity) == second[arn].get(identity) and identity not in new
        tasks.append(Task(identity, status if settled else "PENDING"))
    return Service(
        told["serviceName"],
        told["clusterArn"].rpartition("/")[2],
        int(told["desiredCount"]),
        registry,
        _containers(readers, told.get("taskDefinition")),
        tuple(tasks),
    )


def _containers(readers: Readers, definition: str | None) -> tuple[Container, ...] | None:
    if definition is None:
        return None
    told = readers.one("ecs", "describe_task_definition", "taskDefinition", taskDefinition=definition)
    if told is None:
        return None
    return tuple(
        Container(
            one["name"],
            bool(one.get("essential", True)),
            int(STOP_TIMEOUT if one.get("stopTimeout") is None else one["stopTimeout"]),
            bool(one.get("healthCheck")) and one["healthCheck"]["command"][:1] != ["NONE"],
        )
        for one in told["containerDefinitions"]
    )


def _registry(told: Any, namespaces: dict[str, Any], instances: list[Instance]) -> Registry:
    dns = told.get("DnsConfig") or {}
    namespace = namespaces.get(told["NamespaceId"], {"Name": told["NamespaceId"], "Type": "HTTP"})
    return Registry(
        told["Id"],
        told["Arn"],
        told["Name"],
        told["NamespaceId"],
        namespace["Name"],
        namespace["Type"],
        dns.get("RoutingPolicy", ""),
        {one["Type"]: int(one["TTL"]) for one in dns.get("DnsRecords") or ()},
        told.get("HealthCheckCustomConfig") is not None,
        told.get("HealthCheckConfig") is not None,
        tuple(instances),
    )


def _zones(readers: Readers, wanted: set[str], namespaces: dict[str, Any]) -> Iterator[Zone]:
    for identity in sorted(wanted):
        told = namespaces.get(identity, {})
        zone = ((told.get("Properties") or {}).get("DnsProperties") or {}).get("HostedZoneId")
        if not zone:
            continue
        sets = list(readers.pages("route53", "list_resource_record_sets", "ResourceRecordSets", HostedZoneId=zone))
        records = [
            Record(
                one["Name"],
                one["Type"],
                one.get("SetIdentifier", ""),
                tuple(value["Value"] for value in one.get("ResourceRecords") or ()),
            )
            for one in sets
        ]
        soa = next((one for one in sets if one["Type"] == "SOA"), None)
        if soa is not None:
            minimum = int(soa["ResourceRecords"][0]["Value"].split()[-1])
            yield Zone(zone, identity, told["Name"], min(int(soa["TTL"]), minimum), tuple(records))


def _linked_role(readers: Readers) -> bool | None:
    if not readers.has_iam:
        return None
    found = readers.one("iam", "get_role", "Role", RoleName=_ROLE)
    return found is not None if "iam:GetRole" not in readers.refused else None
