"""AccessDeniedException: the caller has no permission."""

import pytest

from surveyor.testing import proves, raises

DENY = {"Effect": "Deny", "Action": "servicediscovery:*", "Resource": "*"}
ALLOW = {"Effect": "Allow", "Action": "*", "Resource": "*"}


@pytest.fixture
def calls(http_namespace, make_service, unique_name):
    """Return calls that create, read, list, change, discover and delete: operation -> parameters."""
    service = make_service(http_namespace)
    names = {"NamespaceName": http_namespace["Name"], "ServiceName": service["Name"]}
    return {
        "create_http_namespace": {"Name": unique_name("ns")},
        "create_service": {"Name": unique_name("svc"), "NamespaceId": http_namespace["Id"]},
        "get_service": {"Id": service["Id"]},
        "list_namespaces": {},
        "list_instances": {"ServiceId": service["Id"]},
        "tag_resource": {"ResourceARN": service["Arn"], "Tags": [{"Key": "team", "Value": "red"}]},
        "update_service": {"Id": service["Id"], "Service": {"Description": "new"}},
        "discover_instances": names,
        "discover_instances_revision": names,
        "delete_service": {"Id": service["Id"]},
    }


@proves("errors.access-denied-is-not-modelled")
def test_refusal_is_a_generic_error(client_limited_to, cloudmap, calls):
    """A caller without permission gets AccessDeniedException from every operation, although no model lists it."""
    denied = client_limited_to(ALLOW, DENY)("servicediscovery")
    for operation, params in calls.items():
        with raises("AccessDeniedException"):
            getattr(denied, operation)(**params)
    for name in cloudmap.meta.service_model.operation_names:
        errors = cloudmap.meta.service_model.operation_model(name).error_shapes
        assert "AccessDeniedException" not in [shape.name for shape in errors]
    service = calls["get_service"]["Id"]
    assert cloudmap.get_service(Id=service)["Service"].get("Description") is None  # nothing was changed or deleted
