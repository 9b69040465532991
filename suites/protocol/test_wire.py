"""The API on the wire: AWS JSON 1.1 and Smithy RPC v2 CBOR."""

import json

from botocore.parsers import create_parser

from surveyor.testing import proves

JSON = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "Route53AutoNaming_v20170314.GetNamespace"}
CBOR = {"Content-Type": "application/cbor", "Accept": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}
CBOR_PATH = "/service/Route53AutoNaming_v20170314/operation/GetNamespace"


def id_in_cbor(namespace):
    """Encode {"Id": namespace} in CBOR (RFC 8949): a map of one pair, a text of two bytes, a text of up to 255."""
    return b"\xa1\x62Id\x78" + bytes([len(namespace)]) + namespace.encode()


@proves("protocol.speaks-json-and-cbor")
def test_json_request_is_answered_in_json(post_to_cloudmap, http_namespace):
    """A POST with the operation in X-Amz-Target and a JSON body is answered in JSON."""
    answer = post_to_cloudmap("/", JSON, json.dumps({"Id": http_namespace["Id"]}).encode())
    assert json.loads(answer.body)["Namespace"]["Arn"] == http_namespace["Arn"]


@proves("protocol.speaks-json-and-cbor")
def test_json_error_is_named_by_type(post_to_cloudmap):
    """An error in AWS JSON 1.1 is named by __type, with or without a prefix before #."""
    answer = post_to_cloudmap("/", JSON, json.dumps({"Id": "ns-aaaaaaaaaaaaaaaa"}).encode())
    assert json.loads(answer.body)["__type"].rpartition("#")[2] == "NamespaceNotFound"


@proves("protocol.speaks-json-and-cbor")
def test_cbor_request_is_answered_in_cbor(cloudmap, post_to_cloudmap, http_namespace):
    """A POST to /service/…/operation/… with a CBOR body is answered in CBOR, with the header smithy-protocol."""
    answer = post_to_cloudmap(CBOR_PATH, CBOR, id_in_cbor(http_namespace["Id"]))
    assert answer.headers["smithy-protocol"] == "rpc-v2-cbor"
    shape = cloudmap.meta.service_model.operation_model("GetNamespace").output_shape
    response = {"status_code": answer.status, "headers": answer.headers, "body": answer.body}
    found = create_parser("smithy-rpc-v2-cbor").parse(response, shape)
    assert found["Namespace"]["Arn"] == http_namespace["Arn"]
    assert found["Namespace"]["CreateDate"] == http_namespace["CreateDate"]


@proves("protocol.speaks-json-and-cbor")
def test_cbor_error_is_named_by_type(cloudmap, post_to_cloudmap):
    """An error in CBOR is named by __type, too."""
    answer = post_to_cloudmap(CBOR_PATH, CBOR, id_in_cbor("ns-aaaaaaaaaaaaaaaa"))
    assert answer.headers["smithy-protocol"] == "rpc-v2-cbor"
    shape = cloudmap.meta.service_model.operation_model("GetNamespace").output_shape
    response = {"status_code": answer.status, "headers": answer.headers, "body": answer.body}
    assert create_parser("smithy-rpc-v2-cbor").parse(response, shape)["Error"]["Code"] == "NamespaceNotFound"
