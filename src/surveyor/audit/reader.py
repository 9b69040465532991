"""Read an account with calls that change nothing: the clients refuse to send any other call.

Tasks start and stop during the audit. So Cloud Map is listed before and after ECS, and an instance counts only if both
listings contain it; tasks of ECS are listed twice as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from surveyor.account.refusals import DENIED
from surveyor.account.removal.account import error_code
from surveyor.audit.snapshot import Container, Instance, Record, Registry, Service, Snapshot, Task, Zone
from surveyor.errors import SurveyorError, UsageError

__all__ = ["READ_VERBS", "ReadOnlyClients", "Scope", "negative_ttl", "read_snapshot"]

READ_VERBS = ("Describe", "Discover", "Get", "List")
"""Prefixes of operations that change nothing."""

DEFAULT_STOP_TIMEOUT = 30
_ABSENT = ("NoSuchEntity", "ServiceNotFound", "ClientException", "NoSuchHostedZone", "NamespaceNotFound",
           "ClusterNotFoundException", "ServiceNotFoundException", "ResourceNotFoundException",
           "InvalidVpcID.NotFound", "OperationNotFound")  # fmt: skip
_ROLE = "AWSServiceRoleForECS"


@dataclass(frozen=True)
class Scope:
    """What to audit: clusters by name or ARN, namespaces by name or id."""

    clusters: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()


@dataclass
class ReadOnlyClients:
    """Clients by service that send read calls only.

    `has_iam` says whether the target has IAM; `report_progress` receives lines about the progress. `refused` collects
    the operations that were denied, with the message; with `is_tolerant` also those that failed for another reason.
    """

    create: Callable[[str], Any]
    has_iam: bool = True
    report_progress: Callable[[str], object] = lambda text: None
    is_tolerant: bool = False
    refused: dict[str, str] = field(default_factory=dict)
    _clients: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        """Return a client of `service`; it raises SurveyorError before it sends a write call."""
        if service not in self._clients:
            client = self._clients[service] = self.create(service)
            client.meta.events.register("provide-client-params", _refuse_writes)
        return self._clients[service]

    def entries(self, service: str, operation: str, member: str, **params: Any) -> Iterator[Any]:
        """Yield every entry of a list; none if the call is denied, which is recorded, or the resource is absent."""
        try:
            for page in self.client(service).get_paginator(operation).paginate(**params):
                yield from page[member]
        except ClientError as error:
            self._record_refusal(service, operation, error)

    def get(self, service: str, operation: str, member: str, **params: Any) -> Any | None:
        """Return the member of an answer; None if the call is denied, which is recorded, or the resource is absent."""
        answer = self.answer(service, operation, **params)
        return None if answer is None else answer[member]

    def answer(self, service: str, operation: str, **params: Any) -> Any | None:
        """Return an answer; None if the call is denied, which is recorded, or the resource is absent."""
        try:
            return getattr(self.client(service), operation)(**params)
        except ClientError as error:
            self._record_refusal(service, operation, error)
            return None

    def _record_refusal(self, service: str, operation: str, error: ClientError) -> None:
        code = error_code(error)
        if code in DENIED or (self.is_tolerant and code not in _ABSENT):
            name = self.client(service).meta.method_to_api_mapping[operation]
            self.refused[f"{service}:{name}"] = str(error.response["Error"].get("Message", code))
        elif code not in _ABSENT:
            raise error


def read_snapshot(scope: Scope, clients: ReadOnlyClients) -> Snapshot:
    """Return the state of what is in scope. Raises UsageError for a cluster or namespace that does not exist."""
    listed_namespaces = clients.entries("servicediscovery", "list_namespaces", "Namespaces")
    namespaces = {namespace["Id"]: namespace for namespace in listed_namespaces}
    chosen = {_find_namespace(name, namespaces.values())["Id"] for name in scope.namespaces}
    listed = list(clients.entries("servicediscovery", "list_services", "Services"))
    details = {entry["Arn"]: service for entry in listed if (service := _get_service(clients, entry["Id"])) is not None}
    in_namespaces = {arn for arn, service in details.items() if service["NamespaceId"] in chosen}
    clients.report_progress(f"namespaces: {len(namespaces)}, Cloud Map services: {len(details)}")
    before = {arn: _instances(clients, details[arn]["Id"]) for arn in in_namespaces}
    clusters = [_find_cluster(clients, name) for name in scope.clusters] or _clusters_of(before.values())
    ecs_services = [service for name in clusters for service in _describe_services(clients, name)]
    if not scope.clusters:
        ecs_services = [service for service in ecs_services if _registry_arn(service) in in_namespaces]
    used = {arn for service in ecs_services if (arn := _registry_arn(service)) is not None}
    arns = used & details.keys() | in_namespaces
    before |= {arn: _instances(clients, details[arn]["Id"]) for arn in arns - before.keys()}
    clients.report_progress(f"clusters: {len(clusters)}, ECS services: {len(ecs_services)}")
    first = {service["serviceArn"]: _tasks(clients, service) for service in ecs_services}
    after = {arn: _instances(clients, details[arn]["Id"]) for arn in arns}
    second = {service["serviceArn"]: _tasks(clients, service) for service in ecs_services}
    registries = {
        arn: _registry(
            details[arn], namespaces, [instance for key, instance in after[arn].items() if key in before[arn]]
        )
        for arn in arns
    }
    services = tuple(_ecs_service(clients, service, first, second, before, after) for service in ecs_services)
    namespace_ids = {registry.namespace_id for registry in registries.values()} | chosen
    zones = tuple(_zones(clients, namespace_ids, namespaces))
    return Snapshot(services, registries, zones, len(namespaces), _has_linked_role(clients))


def _refuse_writes(params: dict[str, Any], model: Any, **_: object) -> dict[str, Any]:
    if not model.name.startswith(READ_VERBS):
        raise SurveyorError(f"an audit only reads, but {model.name} does not: this is a defect of Surveyor")
    return params


def _find_namespace(name: str, namespaces: Iterable[Any]) -> Any:
    for namespace in namespaces:
        if name in (namespace["Id"], namespace["Name"], namespace["Arn"]):
            return namespace
    names = ", ".join(sorted(str(namespace["Name"]) for namespace in namespaces)) or "none"
    raise UsageError(f"there is no namespace {name!r}; existing namespaces: {names}")


def _find_cluster(clients: ReadOnlyClients, name: str) -> str:
    for cluster in clients.get("ecs", "describe_clusters", "clusters", clusters=[name]) or ():
        if cluster["status"] == "ACTIVE":
            return str(cluster["clusterName"])
    raise UsageError(f"there is no cluster {name!r}")


def _clusters_of(instances: Iterable[Mapping[str, Instance]]) -> list[str]:
    names = {instance.attributes.get("ECS_CLUSTER_NAME", "") for by_id in instances for instance in by_id.values()}
    return sorted(names - {""})


def _get_service(clients: ReadOnlyClients, identity: str) -> Any | None:
    return clients.get("servicediscovery", "get_service", "Service", Id=identity)


def _instances(clients: ReadOnlyClients, identity: str) -> dict[str, Instance]:
    entries = clients.entries("servicediscovery", "list_instances", "Instances", ServiceId=identity)
    return {entry["Id"]: Instance(entry["Id"], dict(entry.get("Attributes", {}))) for entry in entries}


def _describe_services(clients: ReadOnlyClients, cluster: str) -> Iterator[Any]:
    arns = list(clients.entries("ecs", "list_services", "serviceArns", cluster=cluster))
    for start in range(0, len(arns), 10):
        chunk = arns[start : start + 10]
        yield from clients.get("ecs", "describe_services", "services", cluster=cluster, services=chunk) or ()


def _registry_arn(service: Any) -> str | None:
    for registry in service.get("serviceRegistries") or ():
        return str(registry["registryArn"])
    return None


def _tasks(clients: ReadOnlyClients, service: Any) -> dict[str, str]:
    """Return id -> status of the tasks that have not stopped."""
    cluster = service["clusterArn"].rpartition("/")[2]
    statuses: dict[str, str] = {}
    for desired in ("RUNNING", "STOPPED"):  # a task that must stop may still run for a while
        params = {"cluster": cluster, "serviceName": service["serviceName"], "desiredStatus": desired}
        arns = list(clients.entries("ecs", "list_tasks", "taskArns", **params))
        for start in range(0, len(arns), 100):
            tasks = clients.get("ecs", "describe_tasks", "tasks", cluster=cluster, tasks=arns[start : start + 100])
            statuses |= {task["taskArn"].rpartition("/")[2]: str(task["lastStatus"]) for task in tasks or ()}
    return {key: status for key, status in statuses.items() if status != "STOPPED"}


def _ecs_service(
    clients: ReadOnlyClients,
    service: Any,
    first: dict[str, dict[str, str]],
    second: dict[str, dict[str, str]],
    before: dict[str, dict[str, Instance]],
    after: dict[str, dict[str, Instance]],
) -> Service:
    arn, registry = service["serviceArn"], _registry_arn(service)
    new = after.get(registry or "", {}).keys() - before.get(registry or "", {}).keys()
    tasks = []
    for identity, status in {**first[arn], **second[arn]}.items():
        settled = first[arn].get(identity) == second[arn].get(identity) and identity not in new
        tasks.append(Task(identity, status if settled else "PENDING"))
    return Service(
        service["serviceName"],
        service["clusterArn"].rpartition("/")[2],
        int(service["desiredCount"]),
        registry,
        _containers(clients, service.get("taskDefinition")),
        tuple(tasks),
        _subnets(service),
    )


def _subnets(service: Any) -> tuple[str, ...]:
    network = (service.get("networkConfiguration") or {}).get("awsvpcConfiguration") or {}
    return tuple(map(str, network.get("subnets") or ()))


def _containers(clients: ReadOnlyClients, definition: str | None) -> tuple[Container, ...] | None:
    if definition is None:
        return None
    described = clients.get("ecs", "describe_task_definition", "taskDefinition", taskDefinition=definition)
    if described is None:
        return None
    return tuple(
        Container(
            container["name"],
            bool(container.get("essential", True)),
            int(DEFAULT_STOP_TIMEOUT if container.get("stopTimeout") is None else container["stopTimeout"]),
            bool(container.get("healthCheck")) and container["healthCheck"]["command"][:1] != ["NONE"],
        )
        for container in described["containerDefinitions"]
    )


def _registry(service: Any, namespaces: dict[str, Any], instances: list[Instance]) -> Registry:
    dns = service.get("DnsConfig") or {}
    namespace = namespaces.get(service["NamespaceId"], {"Name": service["NamespaceId"], "Type": "HTTP"})
    return Registry(
        service["Id"],
        service["Arn"],
        service["Name"],
        service["NamespaceId"],
        namespace["Name"],
        namespace["Type"],
        dns.get("RoutingPolicy", ""),
        {record["Type"]: int(record["TTL"]) for record in dns.get("DnsRecords") or ()},
        service.get("HealthCheckCustomConfig") is not None,
        service.get("HealthCheckConfig") is not None,
        tuple(instances),
        str(service.get("Description") or ""),
    )


def _zones(clients: ReadOnlyClients, namespace_ids: set[str], namespaces: dict[str, Any]) -> Iterator[Zone]:
    for identity in sorted(namespace_ids):
        namespace = namespaces.get(identity, {})
        zone = ((namespace.get("Properties") or {}).get("DnsProperties") or {}).get("HostedZoneId")
        if not zone:
            continue
        record_sets = list(
            clients.entries("route53", "list_resource_record_sets", "ResourceRecordSets", HostedZoneId=zone)
        )
        records = [
            Record(
                record_set["Name"],
                record_set["Type"],
                record_set.get("SetIdentifier", ""),
                tuple(value["Value"] for value in record_set.get("ResourceRecords") or ()),
            )
            for record_set in record_sets
        ]
        soa = next((record_set for record_set in record_sets if record_set["Type"] == "SOA"), None)
        if soa is not None:
            negative = negative_ttl(soa["ResourceRecords"][0]["Value"], int(soa["TTL"]))
            yield Zone(zone, identity, namespace["Name"], negative, tuple(records))


def negative_ttl(soa: str, ttl: int) -> int:
    """Return for how many seconds a negative answer may be cached (RFC 2308, 5); moto's SOA ends with no number."""
    minimum = (soa.split() or [""])[-1]
    return min(ttl, int(minimum)) if minimum.isdecimal() and minimum.isascii() else ttl


def _has_linked_role(clients: ReadOnlyClients) -> bool | None:
    if not clients.has_iam:
        return None
    role = clients.get("iam", "get_role", "Role", RoleName=_ROLE)
    return role is not None if "iam:GetRole" not in clients.refused else None
