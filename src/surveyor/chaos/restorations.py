"""What undoes changes of a user's resources: each restores only what still is as the fault left it.

A change that another user made meanwhile stays, and is said. What is as it was before the fault is written again,
since a read may show a state from before the last write.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from surveyor.visible_text import one_line

__all__ = ["RESTORATIONS", "Kind", "Restored"]

Client = Callable[[str], Any]
Params = Mapping[str, Any]


@dataclass(frozen=True)
class Restored:
    """`left`: what stays, since another user made it so, "" for nothing; `answer`: that of UpdateService of ECS."""

    left: str = ""
    answer: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Kind:
    """`calls`: the operations that change something, as `service:Operation`, the usual one first."""

    calls: tuple[str, ...]
    restore: Callable[[Client, Params], Restored]


_GONE = frozenset(
    {
        "ClusterNotFoundException",
        "InstanceNotFound",
        "ServiceNotActiveException",
        "ServiceNotFound",
        "ServiceNotFoundException",
    }
)
_ENDING = frozenset({"DEACTIVATING", "STOPPING", "DEPROVISIONING", "STOPPED", "DELETED"})


def _restore_count(client: Client, params: Params) -> Restored:
    """Set the desired count back to `before` if it is `after`."""
    service = _service(client, params)
    if service is None:
        return Restored()
    now = int(service["desiredCount"])
    if now not in (params["after"], params["before"]):
        return Restored(f"the desired count of {one_line(params['service'])} is {now}, the fault set {params['after']}")
    return _update(client, params, desiredCount=params["before"])


def _restore_definition(client: Client, params: Params) -> Restored:
    """Deploy the task definition `before` again if the service has `after`.

    A deployment of `after` that shifts traffic, and is in progress, is stopped with a rollback instead.
    """
    service = _service(client, params)
    if service is None:
        return Restored()
    if service["taskDefinition"] not in (params["after"], params["before"]):
        running = one_line(service["taskDefinition"])
        return Restored(f"{one_line(params['service'])} runs {running}, which the fault did not set")
    if service["taskDefinition"] == params["after"] and _rolls_back(client("ecs"), service, params):
        return Restored()
    return _update(client, params, taskDefinition=params["before"])


def _restore_ttls(client: Client, params: Params) -> Restored:
    """Set the TTLs of records back to `before`, by type, where they are `after`; all else stays as it is now."""
    cloudmap, left = client("servicediscovery"), []
    described = _unless_gone(lambda: cloudmap.get_service(Id=params["registry"])["Service"])
    if described is None:
        return Restored()
    records = []
    for record in (described.get("DnsConfig") or {}).get("DnsRecords") or ():
        kind, ttl = str(record["Type"]), int(record["TTL"])
        before = params["before"].get(kind, ttl)
        if ttl not in (params["after"], before):
            left.append(f"the TTL of the {kind} records is {ttl} s, not the {params['after']} s of the fault")
            before = ttl
        records.append({"Type": kind, "TTL": before})
    if records:
        # A request deletes what it leaves out (servicediscovery/UpdateService), so what is there now is repeated.
        kept = {name: described[name] for name in ("Description", "HealthCheckConfig") if name in described}
        change = {**kept, "DnsConfig": {"DnsRecords": records}}
        _unless_gone(lambda: cloudmap.update_service(Id=params["registry"], Service=change))
    return Restored("; ".join(left))


def _remove_instance(client: Client, params: Params) -> Restored:
    """Deregister an instance that the fault registered, if it still has its address."""
    cloudmap, instance = client("servicediscovery"), _instance(params)
    found = _unless_gone(lambda: cloudmap.get_instance(**instance)["Instance"])
    if found is not None:  # otherwise a read may be earlier than the registration: deregistering is no harm
        address = (found.get("Attributes") or {}).get("AWS_INSTANCE_IPV4")
        if address != params["address"]:
            name = one_line(params["instance"])
            return Restored(f"the instance {name} has the address {address}, the fault set {params['address']}")
    _unless_gone(lambda: cloudmap.deregister_instance(**instance))
    return Restored()


def _register_again(client: Client, params: Params) -> Restored:
    """Register the instance of a task again with its `attributes`, if the task still runs and no other did it.

    ECS deregisters an instance when its task stops: one that is registered after that would stay.
    """
    cloudmap, instance = client("servicediscovery"), _instance(params)
    name = one_line(params["instance"][:8])
    if not _runs(client("ecs"), params):
        _unless_gone(lambda: cloudmap.deregister_instance(**instance))  # of an undo that was killed half-way
        return Restored(f"the task {name} has stopped meanwhile: it was not registered again")
    found = _unless_gone(lambda: cloudmap.get_instance(**instance)["Instance"])
    if found is not None and dict(found.get("Attributes") or {}) != params["attributes"]:
        return Restored(f"the instance {name} was registered by another user with other attributes")
    _unless_gone(lambda: cloudmap.register_instance(**instance, Attributes=params["attributes"]))
    if not _runs(client("ecs"), params):
        _unless_gone(lambda: cloudmap.deregister_instance(**instance))
        return Restored(f"the task {name} has stopped meanwhile: it was deregistered again")
    return Restored()


RESTORATIONS: Mapping[str, Kind] = {
    "count": Kind(("ecs:UpdateService",), _restore_count),
    "definition": Kind(("ecs:UpdateService", "ecs:StopServiceDeployment"), _restore_definition),
    "ttls": Kind(("servicediscovery:UpdateService",), _restore_ttls),
    "instance": Kind(("servicediscovery:DeregisterInstance",), _remove_instance),
    "registration": Kind(("servicediscovery:RegisterInstance", "servicediscovery:DeregisterInstance"), _register_again),
}
"""By the name in an undo log. They raise ClientError, and each may be repeated without harm."""


def _service(client: Client, params: Params) -> Mapping[str, Any] | None:
    def describe() -> Mapping[str, Any] | None:
        answer = client("ecs").describe_services(cluster=params["cluster"], services=[params["service"]])
        active = [found for found in answer["services"] if found.get("status") != "INACTIVE"]
        return active[0] if active else None

    found: Mapping[str, Any] | None = _unless_gone(describe)
    return found


def _update(client: Client, params: Params, **change: Any) -> Restored:
    ecs = client("ecs")
    answer = _unless_gone(lambda: ecs.update_service(cluster=params["cluster"], service=params["service"], **change))
    return Restored(answer=answer or {})


def _rolls_back(ecs: Any, service: Mapping[str, Any], params: Params) -> bool:
    """Stop a deployment of the service that shifts traffic and is in progress; return whether there is one."""
    if (service.get("deploymentConfiguration") or {}).get("strategy", "ROLLING") == "ROLLING":
        return False
    listed = ecs.list_service_deployments(
        cluster=params["cluster"], service=params["service"], status=["PENDING", "IN_PROGRESS"]
    )["serviceDeployments"]
    for deployment in listed:
        arn = deployment["serviceDeploymentArn"]
        _unless_gone(partial(ecs.stop_service_deployment, serviceDeploymentArn=arn, stopType="ROLLBACK"))
    return bool(listed)


def _runs(ecs: Any, params: Params) -> bool:
    found = ecs.describe_tasks(cluster=params["cluster"], tasks=[params["task"]])["tasks"]
    return bool(found) and found[0].get("desiredStatus") != "STOPPED" and found[0].get("lastStatus") not in _ENDING


def _instance(params: Params) -> dict[str, str]:
    return {"ServiceId": params["registry"], "InstanceId": params["instance"]}


def _unless_gone(call: Callable[[], Any]) -> Any:
    """Return what a call returns; None if what it is about does not exist any more."""
    try:
        return call()
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in _GONE:
            return None
        raise
