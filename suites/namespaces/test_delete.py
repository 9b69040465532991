"""Deletion of namespaces."""

from surveyor.testing import for_each, is_refused, proves, raises

KINDS = ["http", "private", "public"]


@proves("namespaces.changes-are-asynchronous")
@for_each("kind", KINDS)
def test_delete_returns_only_an_operation(cloudmap, make_namespace, wait_for_success, kind):
    """DeleteNamespace returns only an OperationId; when it has succeeded the namespace does not exist any more."""
    deleted, kept = make_namespace(kind)["Id"], make_namespace("http")["Id"]
    answer = cloudmap.delete_namespace(Id=deleted)
    assert set(answer) - {"ResponseMetadata"} == {"OperationId"}
    assert wait_for_success(answer)["Targets"]["NAMESPACE"] == deleted
    with raises("NamespaceNotFound"):
        cloudmap.get_namespace(Id=deleted)
    listed = cloudmap.get_paginator("list_namespaces").paginate().build_full_result()["Namespaces"]
    assert {deleted, kept} & {entry["Id"] for entry in listed} == {kept}


@proves("namespaces.delete-needs-no-services")
@for_each("kind", KINDS)
def test_delete_is_refused_until_the_last_service_is_deleted(
    cloudmap, make_namespace, make_service, delete_emptied_namespace, kind
):
    """DeleteNamespace raises ResourceInUse while there is a service, even without instances; then it succeeds."""
    # servicediscovery/DeleteNamespace: "If the namespace still contains one or more services, the request fails."
    namespace, other = make_namespace(kind), make_namespace("http")
    make_service(other)
    for service in [make_service(namespace, Type="HTTP")["Id"] for _ in range(2)]:
        with raises("ResourceInUse"):
            cloudmap.delete_namespace(Id=namespace["Id"])
        assert cloudmap.get_namespace(Id=namespace["Id"])["Namespace"]["Name"] == namespace["Name"]
        assert cloudmap.get_service(Id=service)["Service"]["Id"] == service
        cloudmap.delete_service(Id=service)
    delete_emptied_namespace(namespace)


@proves("namespaces.delete-needs-no-services")
def test_a_deleted_namespace_has_no_service(cloudmap, make_namespace, wait_for_operation, unique_name):
    """Of DeleteNamespace and a CreateService that follows at once, one fails."""
    namespace = make_namespace("http")["Id"]
    deletion = cloudmap.delete_namespace(Id=namespace)
    refused = is_refused(lambda: cloudmap.create_service(Name=unique_name("svc"), NamespaceId=namespace))
    assert wait_for_operation(deletion)["Status"] == ("SUCCESS" if refused else "FAIL")


@proves("namespaces.running-operation-is-named")
@for_each("kind", KINDS)
def test_second_delete_names_the_first(cloudmap, make_namespace, wait_for_success, expect_duplicate, kind):
    """A second DeleteNamespace during the first raises DuplicateRequest with the id of the first operation."""
    namespace = make_namespace(kind)["Id"]
    first = cloudmap.delete_namespace(Id=namespace)
    expect_duplicate(first, lambda: cloudmap.delete_namespace(Id=namespace))
    assert wait_for_success(first)["Type"] == "DELETE_NAMESPACE"
