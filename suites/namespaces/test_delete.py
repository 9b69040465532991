"""Deleting namespaces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from surveyor.testing import Inconclusive, MakeNamespace, MakeService, NamespaceKind, WaitForOperation, proves, raises

if TYPE_CHECKING:
    from mypy_boto3_servicediscovery import ServiceDiscoveryClient


@proves("namespaces.changes-are-asynchronous")
@pytest.mark.parametrize("kind", ["http", "private", "public"])
def test_delete_answers_with_an_operation_only(
    cloudmap: ServiceDiscoveryClient,
    make_namespace: MakeNamespace,
    wait_for_success: WaitForOperation,
    kind: NamespaceKind,
) -> None:
    """DeleteNamespace answers with an OperationId alone; once that has succeeded the namespace is gone."""
    made, kept = make_namespace(kind)["Id"], make_namespace("http")["Id"]
    answer = cloudmap.delete_namespace(Id=made)
    assert set(answer) - {"ResponseMetadata"} == {"OperationId"}
    assert wait_for_success(answer)["Targets"]["NAMESPACE"] == made
    with raises("NamespaceNotFound"):
        cloudmap.get_namespace(Id=made)
    listed = cloudmap.get_paginator("list_namespaces").paginate().build_full_result()["Namespaces"]
    assert {made, kept} & {one["Id"] for one in listed} == {kept}


@proves("namespaces.delete-needs-no-services")
@pytest.mark.parametrize("kind", ["http", "private"])
def test_delete_is_refused_until_the_last_service_is_gone(
    cloudmap: ServiceDiscoveryClient,
    make_namespace: MakeNamespace,
    make_service: MakeService,
    wait_for_success: WaitForOperation,
    kind: NamespaceKind,
) -> None:
    """DeleteNamespace raises ResourceInUse while there is a service, even an empty one, and then goes through."""
    namespace = make_namespace(kind)
    dns: dict[str, Any] = {"DnsConfig": {"DnsRecords": [{"Type": "A", "TTL": 60}]}} if kind == "private" else {}
    service = make_service(namespace, **dns)["Id"]
    with raises("ResourceInUse"):
        cloudmap.delete_namespace(Id=namespace["Id"])
    assert cloudmap.get_namespace(Id=namespace["Id"])["Namespace"]["Name"] == namespace["Name"]
    assert cloudmap.get_service(Id=service)["Service"]["Id"] == service
    cloudmap.delete_service(Id=service)
    wait_for_success(cloudmap.delete_namespace(Id=namespace["Id"]))


@proves("namespaces.running-operation-is-named")
def test_second_delete_names_the_first(
    cloudmap: ServiceDiscoveryClient, make_namespace: MakeNamespace, wait_for_success: WaitForOperation
) -> None:
    """A second DeleteNamespace while the first is at work raises DuplicateRequest with the id of its operation."""
    namespace = make_namespace("private")["Id"]
    first = cloudmap.delete_namespace(Id=namespace)["OperationId"]
    if cloudmap.get_operation(OperationId=first)["Operation"]["Status"] == "SUCCESS":
        raise Inconclusive("the deletion ended before it could be asked for again")
    with raises("DuplicateRequest") as refusal:
        cloudmap.delete_namespace(Id=namespace)
    assert refusal.response["DuplicateOperationId"] == first
    assert wait_for_success(first)["Type"] == "DELETE_NAMESPACE"
