"""Errors for what does not exist: a separate one for each kind of resource."""

import pytest

from surveyor.testing import proves, raises

# Well-formed ids of nothing that exists.
NAMESPACE, SERVICE, OPERATION = "ns-aaaaaaaaaaaaaaaa", "srv-aaaaaaaaaaaaaaaa", f"{'a' * 32}-aaaaaaaa"


@proves("errors.not-found-by-kind")
@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("get_namespace", {"Id": NAMESPACE}),
        ("delete_namespace", {"Id": NAMESPACE}),
        ("update_http_namespace", {"Id": NAMESPACE, "Namespace": {"Description": "new"}}),
        ("update_private_dns_namespace", {"Id": NAMESPACE, "Namespace": {"Description": "new"}}),
        ("update_public_dns_namespace", {"Id": NAMESPACE, "Namespace": {"Description": "new"}}),
        ("create_service", {"Name": "web", "NamespaceId": NAMESPACE}),
    ],
)
def test_unknown_namespace_is_not_found(cloudmap, operation, params):
    """A call about a namespace that does not exist raises NamespaceNotFound."""
    with raises("NamespaceNotFound"):
        getattr(cloudmap, operation)(**params)


@proves("errors.not-found-by-kind")
@pytest.mark.parametrize("operation", ["discover_instances", "discover_instances_revision"])
def test_unknown_names_are_not_found(cloudmap, make_service, http_namespace, unique_name, operation):
    """Discovery by an unknown namespace name raises NamespaceNotFound, by an unknown service name ServiceNotFound."""
    discover, service = getattr(cloudmap, operation), make_service(http_namespace)["Name"]
    discover(NamespaceName=http_namespace["Name"], ServiceName=service)
    with raises("NamespaceNotFound"):
        discover(NamespaceName=unique_name("ns"), ServiceName=service)
    with raises("ServiceNotFound"):
        discover(NamespaceName=http_namespace["Name"], ServiceName=unique_name("svc"))


@proves("errors.not-found-by-kind")
@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("get_service", {"Id": SERVICE}),
        ("delete_service", {"Id": SERVICE}),
        ("update_service", {"Id": SERVICE, "Service": {"Description": "new"}}),
        ("list_instances", {"ServiceId": SERVICE}),
        ("register_instance", {"ServiceId": SERVICE, "InstanceId": "i-1", "Attributes": {"colour": "red"}}),
        ("get_instances_health_status", {"ServiceId": SERVICE}),
        ("get_service_attributes", {"ServiceId": SERVICE}),
        ("update_service_attributes", {"ServiceId": SERVICE, "Attributes": {"owner": "billing"}}),
        ("delete_service_attributes", {"ServiceId": SERVICE, "Attributes": ["owner"]}),
    ],
)
def test_unknown_service_is_not_found(cloudmap, operation, params):
    """A call about a service that does not exist raises ServiceNotFound."""
    with raises("ServiceNotFound"):
        getattr(cloudmap, operation)(**params)


@proves("errors.not-found-by-kind")
@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("get_instance", {"InstanceId": "i-1"}),
        ("deregister_instance", {"InstanceId": "i-1"}),
        ("get_instances_health_status", {"Instances": ["i-1"]}),
        ("update_instance_custom_health_status", {"InstanceId": "i-1", "Status": "HEALTHY"}),
    ],
)
def test_unknown_instance_is_not_found(cloudmap, make_service, http_namespace, operation, params):
    """A call about an instance that the service does not have raises InstanceNotFound."""
    service = make_service(http_namespace, HealthCheckCustomConfig={"FailureThreshold": 1})["Id"]
    with raises("InstanceNotFound"):
        getattr(cloudmap, operation)(ServiceId=service, **params)


@proves("errors.not-found-by-kind")
def test_unknown_operation_is_not_found(cloudmap):
    """GetOperation of an operation that does not exist raises OperationNotFound."""
    with raises("OperationNotFound"):
        cloudmap.get_operation(OperationId=OPERATION)


@proves("errors.not-found-by-kind")
@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("list_tags_for_resource", {}),
        ("tag_resource", {"Tags": [{"Key": "team", "Value": "red"}]}),
        ("untag_resource", {"TagKeys": ["team"]}),
    ],
)
@pytest.mark.parametrize("kind", ["namespace", "service"])
def test_tags_of_an_unknown_resource_are_not_found(cloudmap, make_service, http_namespace, kind, operation, params):
    """A call about tags raises ResourceNotFoundException for the ARN of an unknown resource, not for a known one."""
    existing = http_namespace if kind == "namespace" else make_service(http_namespace)
    getattr(cloudmap, operation)(ResourceARN=existing["Arn"], **params)
    unknown = existing["Arn"].replace(existing["Id"], NAMESPACE if kind == "namespace" else SERVICE)
    with raises("ResourceNotFoundException"):
        getattr(cloudmap, operation)(ResourceARN=unknown, **params)
