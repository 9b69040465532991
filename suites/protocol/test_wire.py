"""The API on the wire: AWS JSON 1.1 and Smithy RPC v2 CBOR. botocore writes the requests and reads the answers."""

import json

import pytest
from botocore.parsers import create_parser
from botocore.serialize import create_serializer

from surveyor.testing import for_each, proves

PROTOCOLS = {"json": "application/x-amz-json-1.1", "smithy-rpc-v2-cbor": "application/cbor"}
UNKNOWN = "ns-aaaaaaaaaaaaaaaa"


@pytest.fixture
def ask(cloudmap, post_to_cloudmap):
    """Return `ask(protocol, operation, **params)`: the parsed and the raw answer to one request."""

    def send(protocol, operation, **params):
        model = cloudmap.meta.service_model.operation_model(operation)
        request = create_serializer(protocol).serialize_to_request(params, model)
        answer = post_to_cloudmap(request["url_path"], request["headers"], request["body"])
        assert answer.headers.get("content-type") == PROTOCOLS[protocol]  # another encoding cannot be parsed
        response = {"status_code": answer.status, "headers": answer.headers, "body": answer.body}
        return create_parser(protocol).parse(response, model.output_shape), answer

    return send


def without_metadata(answer):
    """Return the members of a boto3 answer, or of a parsed one."""
    return {member: value for member, value in answer.items() if member != "ResponseMetadata"}


@proves("protocol.speaks-json-and-cbor")
@for_each("protocol", list(PROTOCOLS))
def test_requests_are_answered_in_their_protocol(
    cloudmap, ask, make_namespace, make_service, register, eventually, protocol
):
    """Both protocols answer with the same members, numbers, times, lists and maps as boto3's client receives."""
    namespace = make_namespace("http")  # of this test alone, so that nothing changes between the two answers
    service = make_service(namespace, HealthCheckCustomConfig={"FailureThreshold": 1}, Description="größer")
    started = register(service, "i-1", {"colour": "red", "AWS_INSTANCE_IPV4": "192.0.2.1"})["Id"]
    names = {"NamespaceName": namespace["Name"], "ServiceName": service["Name"]}
    eventually(lambda: cloudmap.discover_instances(**names)["Instances"], within=60)
    owned = {"Filters": [{"Name": "NAMESPACE_ID", "Values": [namespace["Id"]]}], "MaxResults": 100}
    for operation, params, expected in (
        ("GetNamespace", {"Id": namespace["Id"]}, cloudmap.get_namespace(Id=namespace["Id"])),
        ("GetService", {"Id": service["Id"]}, cloudmap.get_service(Id=service["Id"])),
        ("ListServices", owned, cloudmap.list_services(**owned)),
        ("GetOperation", {"OperationId": started}, cloudmap.get_operation(OperationId=started)),
        ("ListInstances", {"ServiceId": service["Id"]}, cloudmap.list_instances(ServiceId=service["Id"])),
        ("DiscoverInstances", names, cloudmap.discover_instances(**names)),
    ):
        found, answer = ask(protocol, operation, **params)
        assert (answer.headers.get("smithy-protocol") == "rpc-v2-cbor") is (protocol != "json")
        assert without_metadata(found) == without_metadata(expected)


@proves("protocol.speaks-json-and-cbor")
@for_each("protocol", list(PROTOCOLS))
def test_requests_change_what_they_say(cloudmap, ask, make_service, wait_for_success, http_namespace, protocol):
    """Both protocols carry strings, maps and lists, and an operation without an answer has an empty one."""
    service, attributes = make_service(http_namespace, Tags=[])["Id"], {"colour": "red", "text": "a b/c"}
    found, _ = ask(protocol, "RegisterInstance", ServiceId=service, InstanceId="i-1", Attributes=attributes)
    wait_for_success(found)
    assert cloudmap.get_instance(ServiceId=service, InstanceId="i-1")["Instance"]["Attributes"] == attributes
    arn = cloudmap.get_service(Id=service)["Service"]["Arn"]
    found, _ = ask(protocol, "TagResource", ResourceARN=arn, Tags=[{"Key": "team", "Value": "red"}])
    assert without_metadata(found) == {}
    assert cloudmap.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "team", "Value": "red"}]


@proves("protocol.speaks-json-and-cbor")
@for_each("protocol", list(PROTOCOLS))
def test_errors_are_named_by_type(cloudmap, ask, http_namespace, protocol):
    """Both protocols name an error by __type, with its members and in the encoding of the request."""
    found, answer = ask(protocol, "GetNamespace", Id=UNKNOWN)
    assert found["Error"]["Code"] == "NamespaceNotFound"
    assert b"__type" in answer.body
    _, answer = ask(protocol, "CreateHttpNamespace", Name=http_namespace["Name"])
    shape = cloudmap.meta.service_model.shape_for_error_code("NamespaceAlreadyExists")
    response = {"status_code": answer.status, "headers": answer.headers, "body": answer.body}
    assert create_parser(protocol).parse(response, shape)["NamespaceId"] == http_namespace["Id"]


@proves("protocol.speaks-json-and-cbor")
def test_json_times_are_numbers(ask, http_namespace):
    """A time is a number of seconds in AWS JSON 1.1, and an error's __type is its code, perhaps with a prefix."""
    _, answer = ask("json", "GetNamespace", Id=http_namespace["Id"])
    created = json.loads(answer.body)["Namespace"]["CreateDate"]
    assert created == pytest.approx(http_namespace["CreateDate"].timestamp(), abs=0.001)
    _, answer = ask("json", "GetNamespace", Id=UNKNOWN)
    assert json.loads(answer.body)["__type"].rpartition("#")[2] == "NamespaceNotFound"


@proves("protocol.unknown-operation-is-refused")
def test_unknown_operations_are_refused(post_to_cloudmap):
    """An operation that the API does not have raises UnknownOperationException in both protocols."""
    # Common Errors, UnknownOperationException: "The action or operation requested is invalid."
    headers = {"Content-Type": PROTOCOLS["json"], "X-Amz-Target": "Route53AutoNaming_v20170314.GetNothing"}
    answer = post_to_cloudmap("/", headers, b"{}")
    assert json.loads(answer.body)["__type"].rpartition("#")[2] == "UnknownOperationException"
    headers = {"Content-Type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}
    path = "/service/Route53AutoNaming_v20170314/operation/GetNothing"
    answer = post_to_cloudmap(path, headers, b"\xa0")  # an empty map
    assert b"UnknownOperationException" in answer.body
