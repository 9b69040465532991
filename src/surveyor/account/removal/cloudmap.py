"""Cloud Map namespaces and services, with the instances inside."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from surveyor import timeouts
from surveyor.account.ledger import Resource
from surveyor.account.removal.account import Account, Problems, error_code, ignore_absent, retry_while
from surveyor.account.removal.creations import creations_in_progress, wait_for_creations
from surveyor.account.tags import belongs_to_run
from surveyor.errors import SurveyorError

__all__ = ["delete_namespaces", "delete_services", "find_namespace", "find_service"]

_FINAL = ("SUCCESS", "FAIL")


def find_namespace(account: Account, resource: Resource) -> tuple[str, ...]:
    """Return the namespace that the create call created, once its operation has finished; () if there is none."""
    cloudmap = account.client("servicediscovery", resource.region)
    for identifier in resource.ids:
        if known := account.operations.namespace(identifier):
            return (known,)
        try:
            operation = _wait_for_operation(account, cloudmap, identifier)
        except ClientError as error:
            if error_code(error) != "OperationNotFound":
                raise
            break  # operations are forgotten after a while
        created = operation.get("Targets", {}).get("NAMESPACE")
        return (created,) if created and operation["Status"] == "SUCCESS" else ()
    if late := wait_for_creations(account, resource.region, creations_in_progress(account, resource.region)):
        raise SurveyorError(f"operations that create namespaces are still in progress: {', '.join(sorted(late))}")
    return _find_own(account, cloudmap, _list(cloudmap, "list_namespaces", "Namespaces"), resource)


def find_service(account: Account, resource: Resource) -> tuple[str, ...]:
    """Return the service that the create call created; without an answer, that of its name in the namespace.

    A service in a namespace of another account is named by its ARN (servicediscovery/DeleteServiceRequest.Id).
    """
    if resource.ids:
        owner, is_arn, _ = resource.parameters.get("NamespaceId", "").rpartition(":namespace/")
        return tuple(f"{owner}:service/{identifier}" for identifier in resource.ids) if is_arn else resource.ids
    cloudmap = account.client("servicediscovery", resource.region)
    services: list[Any] = []
    with ignore_absent("NamespaceNotFound", "InvalidInput"):
        services = _list_services(cloudmap, resource.parameters.get("NamespaceId", ""))
    return _find_own(account, cloudmap, services, resource)


def delete_services(account: Account, region: str, ids: Sequence[str]) -> Problems:
    """Deregister the instances of services and delete the services."""
    cloudmap = account.client("servicediscovery", region)
    problems: dict[str, str] = {}
    begun: dict[str, list[str]] = {service: [] for service in ids}
    for service in ids:  # all deregistrations run side by side, which takes hardly longer than one
        with ignore_absent("ServiceNotFound"):
            begun[service] += _deregister_all(cloudmap, service, account.operations.instances(service))
    last = [operations[-1] for operations in begun.values() if operations]
    if last and account.clock.polling:
        account.clock.wait(account.operations.remaining(last[-1], account.clock.now()))
    for service in ids:
        try:
            with ignore_absent("ServiceNotFound", look=partial(cloudmap.get_service, Id=service)):
                delete = partial(_delete_service, cloudmap, service, itertools.count(1), begun[service])
                retry_while(account, delete, "ResourceInUse")
        except ClientError as error:  # an instance stays registered if its deregistration fails
            failed = _why_registered(cloudmap, begun[service]) if error_code(error) == "ResourceInUse" else ""
            problems[service] = failed or str(error)
    return problems


def _why_registered(cloudmap: Any, operations: Sequence[str]) -> str:
    """Return why the last deregistration of an instance failed; "" if none did, or if it cannot be read."""
    for identifier in reversed(operations):
        try:
            operation = cloudmap.get_operation(OperationId=identifier)["Operation"]
        except ClientError:
            continue
        if operation["Status"] == "FAIL":
            reason = f"{operation.get('ErrorCode')}: {operation.get('ErrorMessage')}"
            return f"{operation.get('Type')} ended as FAIL with {reason}"
    return ""


def delete_namespaces(account: Account, region: str, ids: Sequence[str]) -> Problems:
    """Delete namespaces with all that is inside, side by side, and wait until they are deleted."""
    cloudmap = account.client("servicediscovery", region)
    problems: dict[str, str] = {}
    operations: dict[str, str] = {}
    for namespace in ids:
        inside: dict[str, str] = {}
        try:
            with ignore_absent("NamespaceNotFound", look=partial(cloudmap.get_namespace, Id=namespace)):
                tries = itertools.count()
                delete = partial(_delete_namespace, account, region, cloudmap, namespace, tries, inside)
                operations[namespace] = retry_while(account, delete, "ResourceInUse")
        except ClientError as error:  # it is in use as long as a service in it cannot be deleted
            problems[namespace] = next(iter(inside.values()), str(error))
    ended = _wait_for_operations(account, cloudmap, operations.values())
    for namespace, operation in zip(operations, ended, strict=True):
        if operation["Status"] != "SUCCESS":
            reason = f"{operation.get('ErrorCode')} {operation.get('ErrorMessage')}"
            problems[namespace] = f"DeleteNamespace ended as FAIL: {reason}"
    return problems


_TRIES = 4
"""Tries to delete a service or a namespace of which one lists what is inside: a registration may have ended meanwhile,
and ECS registers instances too.
"""


def _delete_service(cloudmap: Any, service: str, tries: Iterator[int], begun: list[str]) -> None:
    """Delete a service; `begun` gets the operations that deregister its instances again."""
    if next(tries) % _TRIES == _TRIES - 1:
        begun += _deregister_all(cloudmap, service)
    cloudmap.delete_service(Id=service)


def _deregister_all(cloudmap: Any, service: str, known: Sequence[str] | None = None) -> list[str]:
    """Begin to deregister the `known` instances of a service, else those that it lists, and return the operations."""
    begun: list[str] = []
    if known is None:
        known = [instance["Id"] for instance in _list(cloudmap, "list_instances", "Instances", ServiceId=service)]
    for instance in known:
        with ignore_absent("DuplicateRequest", "InstanceNotFound", "ResourceInUse"):
            begun.append(cloudmap.deregister_instance(ServiceId=service, InstanceId=instance)["OperationId"])
    return begun


def _delete_namespace(
    account: Account, region: str, cloudmap: Any, namespace: str, tries: Iterator[int], inside: dict[str, str]
) -> str:
    """Return the operation that deletes a namespace; if it is in use, delete its services first.

    `inside` gets the problems with these.
    """
    try:
        return str(cloudmap.delete_namespace(Id=namespace)["OperationId"])
    except ClientError as error:
        for operation in _duplicate_operation(error) if error_code(error) == "DuplicateRequest" else ():
            return operation
        if error_code(error) == "ResourceInUse" and next(tries) % _TRIES == 0:
            services = [service["Id"] for service in _list_services(cloudmap, namespace)]
            inside.clear()
            inside.update(delete_services(account, region, services))
        raise


def _duplicate_operation(error: ClientError) -> list[str]:
    """Return the operation in progress that already does what was requested."""
    response: Any = error.response
    return [response["DuplicateOperationId"]] if "DuplicateOperationId" in response else []


def _find_own(account: Account, cloudmap: Any, entries: list[Any], resource: Resource) -> tuple[str, ...]:
    """Return the ids of the entries that have the resource's name and belong to the run."""
    return tuple(
        entry["Id"]
        for entry in entries
        if entry["Name"] == resource.parameters.get("Name")
        and belongs_to_run(entry["Name"], _tags(cloudmap, entry["Arn"]), account.run)
    )


def _list_services(cloudmap: Any, namespace: str) -> list[Any]:
    filters = [{"Name": "NAMESPACE_ID", "Values": [namespace]}]
    return _list(cloudmap, "list_services", "Services", Filters=filters)


def _list(cloudmap: Any, operation: str, member: str, **params: Any) -> list[Any]:
    return [entry for page in cloudmap.get_paginator(operation).paginate(**params) for entry in page[member]]


def _wait_for_operations(account: Account, cloudmap: Any, identifiers: Iterable[str]) -> list[dict[str, Any]]:
    """Return operations once they have ended."""
    return [_wait_for_operation(account, cloudmap, each) for each in identifiers]


def _wait_for_operation(account: Account, cloudmap: Any, identifier: str) -> dict[str, Any]:
    gone: list[ClientError] = []

    def finished() -> dict[str, Any] | None:
        try:
            operation: dict[str, Any] = cloudmap.get_operation(OperationId=identifier)["Operation"]
        except ClientError as error:  # nothing will change that
            gone.append(error)
            return {"Status": error_code(error)}
        return operation if operation["Status"] in _FINAL else None

    first = account.operations.remaining(identifier, account.clock.now())
    ended = account.clock.eventually(finished, within=timeouts.OPERATION, first=first)
    if gone:
        raise gone[0]
    return ended


def _tags(cloudmap: Any, arn: str) -> list[dict[str, str]]:
    tags: list[dict[str, str]] = cloudmap.list_tags_for_resource(ResourceARN=arn)["Tags"]
    return tags
