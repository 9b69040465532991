"""Namespaces and services of Cloud Map, with the instances inside."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from surveyor import timeouts
from surveyor.account.ledger import Thing
from surveyor.account.removal.account import Account, Problems, code_of, gone, persist
from surveyor.account.tags import is_marked

__all__ = ["find_namespace", "find_service", "remove_namespaces", "remove_services"]

_ENDED = ("SUCCESS", "FAIL")


def find_namespace(account: Account, thing: Thing) -> tuple[str, ...]:
    """The namespace that the create call made, once its operation has ended; () if it made none."""
    cloudmap = account.client("servicediscovery", thing.region)
    for operation in thing.ids:
        try:
            ended = _ended(account, cloudmap, operation)
        except ClientError as error:
            if code_of(error) != "OperationNotFound":
                raise
            break  # operations are forgotten after a while
        made = ended.get("Targets", {}).get("NAMESPACE")
        return (made,) if made and ended["Status"] == "SUCCESS" else ()
    account.clock.eventually(lambda: not _creating(cloudmap), within=timeouts.OPERATION)
    pages = cloudmap.get_paginator("list_namespaces").paginate()
    named = [one for page in pages for one in page["Namespaces"] if one["Name"] == thing.asked.get("Name")]
    return tuple(one["Id"] for one in named if is_marked(one["Name"], _tags(cloudmap, one["Arn"]), account.run))


def find_service(account: Account, thing: Thing) -> tuple[str, ...]:
    """The service of that name in the namespace, if the create call made one."""
    cloudmap = account.client("servicediscovery", thing.region)
    chosen = [{"Name": "NAMESPACE_ID", "Values": [thing.asked.get("NamespaceId", "")]}]
    pages = cloudmap.get_paginator("list_services").paginate(Filters=chosen)
    named: list[Any] = []
    with gone("NamespaceNotFound", "InvalidInput"):
        named = [one for page in pages for one in page["Services"] if one["Name"] == thing.asked.get("Name")]
    return tuple(one["Id"] for one in named if is_marked(one["Name"], _tags(cloudmap, one["Arn"]), account.run))


def remove_services(account: Account, region: str, ids: Sequence[str]) -> Problems:
    """Deregister the instances of services and delete them."""
    cloudmap = account.client("servicediscovery", region)
    problems: dict[str, str] = {}
    operations: list[str] = []
    for service in ids:  # side by side, which takes hardly longer than one
        with gone("ServiceNotFound"):
            operations += _deregister_all(cloudmap, service)
    for operation in operations:
        _ended(account, cloudmap, operation)
    for service in ids:
        try:
            with gone("ServiceNotFound"):
                persist(account, partial(_delete_service, cloudmap, service), "ResourceInUse")
        except ClientError as error:
            problems[service] = str(error)
    return problems


def remove_namespaces(account: Account, region: str, ids: Sequence[str]) -> Problems:
    """Delete namespaces with all that is inside, side by side, and wait until they are gone."""
    cloudmap = account.client("servicediscovery", region)
    problems: dict[str, str] = {}
    deleting: dict[str, str] = {}
    inside = [one for namespace in ids for one in _services(cloudmap, namespace)]
    problems.update(remove_services(account, region, inside))
    for namespace in ids:
        try:
            with gone("NamespaceNotFound"):
                deleting[namespace] = persist(account, partial(_delete, cloudmap, namespace), "ResourceInUse")
        except ClientError as error:
            problems[namespace] = str(error)
    for namespace, operation in deleting.items():
        ended = _ended(account, cloudmap, operation)
        if ended["Status"] != "SUCCESS":
            problems[namespace] = f"DeleteNamespace ended as FAIL: {ended.get('ErrorCode')} {ended.get('ErrorMessage')}"
    return problems


def _delete_service(cloudmap: Any, service: str) -> None:
    """Delete a service; where a registration that was under way has ended meanwhile, its instance goes first."""
    list(_deregister_all(cloudmap, service))
    cloudmap.delete_service(Id=service)


def _deregister_all(cloudmap: Any, service: str) -> Iterable[str]:
    pages = cloudmap.get_paginator("list_instances").paginate(ServiceId=service)
    for instance in [one["Id"] for page in pages for one in page["Instances"]]:
        try:
            yield cloudmap.deregister_instance(ServiceId=service, InstanceId=instance)["OperationId"]
        except ClientError as error:
            if code_of(error) == "DuplicateRequest":
                yield from _duplicate(error)
            elif code_of(error) not in ("InstanceNotFound", "ResourceInUse"):
                raise


def _delete(cloudmap: Any, namespace: str) -> str:
    try:
        return str(cloudmap.delete_namespace(Id=namespace)["OperationId"])
    except ClientError as error:
        for operation in _duplicate(error) if code_of(error) == "DuplicateRequest" else ():
            return operation
        raise


def _duplicate(error: ClientError) -> list[str]:
    """The operation that does already what was asked for."""
    response: Any = error.response
    return [response["DuplicateOperationId"]] if "DuplicateOperationId" in response else []


def _services(cloudmap: Any, namespace: str) -> list[str]:
    chosen = [{"Name": "NAMESPACE_ID", "Values": [namespace]}]
    pages = cloudmap.get_paginator("list_services").paginate(Filters=chosen)
    return [one["Id"] for page in pages for one in page["Services"]]


def _ended(account: Account, cloudmap: Any, operation: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        found: dict[str, Any] = cloudmap.get_operation(OperationId=operation)["Operation"]
        return found if found["Status"] in _ENDED else None

    return account.clock.eventually(look, within=timeouts.OPERATION)


def _creating(cloudmap: Any) -> list[str]:
    """The operations that make namespaces just now, whoever began them."""
    chosen = [
        {"Name": "TYPE", "Values": ["CREATE_NAMESPACE"], "Condition": "EQ"},
        {"Name": "STATUS", "Values": ["SUBMITTED", "PENDING"], "Condition": "IN"},
    ]
    pages = cloudmap.get_paginator("list_operations").paginate(Filters=chosen)
    return [one["Id"] for page in pages for one in page["Operations"]]


def _tags(cloudmap: Any, arn: str) -> list[dict[str, str]]:
    tags: list[dict[str, str]] = cloudmap.list_tags_for_resource(ResourceARN=arn)["Tags"]
    return tags
