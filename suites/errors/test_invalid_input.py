"""InvalidInput: values that are missing, out of range or too long."""

import pytest

from surveyor.testing import for_each, proves, raises

CHANGE = {"Description": "new"}


@pytest.fixture
def required(make_service, register, http_namespace, private_namespace, public_namespace, vpc, unique_name):
    """Return the required members of every operation that has any, each with a value that is valid by itself."""
    service = make_service(http_namespace, HealthCheckCustomConfig={"FailureThreshold": 1})
    operation = register(service, "i-1", {"colour": "red"})["Id"]
    name, names = unique_name("new"), {"NamespaceName": http_namespace["Name"], "ServiceName": service["Name"]}
    of_service = {"ServiceId": service["Id"]}
    of_instance, arn = {**of_service, "InstanceId": "i-1"}, {"ResourceARN": service["Arn"]}
    return {
        "create_http_namespace": {"Name": name},
        "create_private_dns_namespace": {"Name": f"{name}.surveyor.test", "Vpc": vpc},
        "create_public_dns_namespace": {"Name": f"{name}.surveyor.test"},
        "create_service": {"Name": name},
        "delete_namespace": {"Id": http_namespace["Id"]},
        "delete_service": {"Id": service["Id"]},
        "delete_service_attributes": {**of_service, "Attributes": ["owner"]},
        "deregister_instance": of_instance,
        "discover_instances": names,
        "discover_instances_revision": names,
        "get_instance": of_instance,
        "get_instances_health_status": of_service,
        "get_namespace": {"Id": http_namespace["Id"]},
        "get_operation": {"OperationId": operation},
        "get_service": {"Id": service["Id"]},
        "get_service_attributes": of_service,
        "list_instances": of_service,
        "list_tags_for_resource": arn,
        "register_instance": {**of_instance, "Attributes": {"colour": "red"}},
        "tag_resource": {**arn, "Tags": [{"Key": "team", "Value": "red"}]},
        "untag_resource": {**arn, "TagKeys": ["team"]},
        "update_http_namespace": {"Id": http_namespace["Id"], "Namespace": CHANGE},
        "update_instance_custom_health_status": {**of_instance, "Status": "HEALTHY"},
        "update_private_dns_namespace": {"Id": private_namespace["Id"], "Namespace": CHANGE},
        "update_public_dns_namespace": {"Id": public_namespace["Id"], "Namespace": CHANGE},
        "update_service": {"Id": service["Id"], "Service": CHANGE},
        "update_service_attributes": {**of_service, "Attributes": {"owner": "red"}},
    }


@proves("errors.invalid-input-covers-bad-values")
def test_missing_value_is_refused(cloudmap, http_namespace, required):
    """A call of any operation raises InvalidInput if one of its required members is missing, the others valid."""
    # servicediscovery/InvalidInput: "For example, a required value might be missing"
    for operation, params in required.items():
        for missing in params:
            with raises("InvalidInput"):
                getattr(cloudmap, operation)(**{member: params[member] for member in params if member != missing})


@proves("errors.invalid-input-covers-bad-values")
@for_each("operation", ["list_namespaces", "list_services", "list_operations"])
def test_number_out_of_range_is_refused(cloudmap, operation):
    """MaxResults from 1 to 100 is accepted, 0, -1 and 101 raise InvalidInput."""
    for accepted in (1, 100):
        getattr(cloudmap, operation)(MaxResults=accepted)
    for refused in (0, -1, 101):
        with raises("InvalidInput"):
            getattr(cloudmap, operation)(MaxResults=refused)


@proves("errors.invalid-input-covers-bad-values")
@for_each("member, max_length", [("Description", 1024), ("CreatorRequestId", 64)])
def test_text_beyond_the_limit_is_refused(
    make_namespace, make_service, http_namespace, unique_name, member, max_length
):
    """A namespace and a service take a text of the maximum length; one character more raises InvalidInput."""
    for make, argument in ((make_namespace, "http"), (make_service, http_namespace)):
        longest = f"{unique_name('text'):a<{max_length}}"
        assert make(argument, **{member: longest})[member] == longest
        with raises("InvalidInput"):
            make(argument, **{member: f"{unique_name('text'):a<{max_length + 1}}"})
