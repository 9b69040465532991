"""Responses behave as plain dicts and lists; a missing member is an error in the words of the API."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from typing import Any

import jmespath  # type: ignore[import-untyped]  # it has no stubs here
import pytest
from botocore.awsrequest import AWSResponse, HeadersDict
from botocore.exceptions import ClientError
from botocore.session import Session
from hypothesis import given
from hypothesis import strategies as st

from surveyor.errors import WrongAnswer
from surveyor.response import MissingEntry, MissingMember, Origin, Response, ResponseList, find_path, member, wrap
from surveyor.targets.clients import wrap_responses

LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
VALUES = st.dictionaries(
    st.text(max_size=8),
    st.recursive(
        LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_size=5,
)
SESSION = Session()
SESSION.set_config_variable("config_file", "/dev/null")


def client(service: str, answer: Callable[[str], tuple[int, object]]) -> Any:
    """A client of `service` that gets these answers: status and JSON value for the name of an operation."""
    SESSION.register("creating-client-class", wrap_responses, unique_id="wrap")
    made = SESSION.create_client(
        service, region_name="us-east-1", aws_access_key_id="1", aws_secret_access_key="1", endpoint_url="http://x"
    )

    class Raw:
        def __init__(self, body: bytes) -> None:
            self.body = body

        def stream(self, *_: object, **__: object) -> list[bytes]:
            return [self.body]

    def send(**event: Any) -> Any:
        status, value = answer(event["event_name"].rpartition(".")[2])
        headers: Any = HeadersDict({})
        return AWSResponse(event["request"].url, status, headers, Raw(json.dumps(value).encode()))

    made.meta.events.register("before-send", send)
    return made


def cloudmap(value: object, status: int = 200) -> Any:
    """A client of Cloud Map that gets this answer to every call."""
    return client("servicediscovery", lambda _: (status, value))


@given(VALUES)
def test_wrapped_value_behaves_as_a_plain_one(value: dict[str, Any]) -> None:
    """Equality, text, JSON, iteration, merging and copies are those of dict and list."""
    answer = wrap(value, Origin("servicediscovery", "GetService"))
    assert answer == value
    assert value == answer
    assert isinstance(answer, dict)
    assert repr(answer) == repr(value)
    assert json.dumps(answer) == json.dumps(value)
    assert list(answer.items()) == list(value.items())
    assert answer | {"a": 1} == value | {"a": 1}
    assert {**answer} == value
    for copied in (copy.copy(answer), copy.deepcopy(answer), pickle.loads(pickle.dumps(answer)), answer.copy()):
        assert copied == value
        assert type(copied) is dict
    assert jmespath.search("length(@)", answer) == len(value)


@given(VALUES, st.text(max_size=8))
def test_missing_member_names_its_place(value: dict[str, Any], key: str) -> None:
    """Reading what is there returns it; reading what is not raises a KeyError that says where; `get` does not raise."""

    def check(answer: Any) -> None:
        if isinstance(answer, Response):
            if key in answer:
                assert answer[key] is answer.get(key)
            else:
                with pytest.raises(KeyError) as caught:
                    answer[key]
                assert caught.value.args == (key,)
                assert str(caught.value).startswith("GetService: ")
                assert answer.get(key) is None
        if isinstance(answer, ResponseList):
            assert answer[:1] == list(answer)[:1]
            with pytest.raises(IndexError):
                answer[len(answer)]
        for inner in answer.values() if isinstance(answer, dict) else answer if isinstance(answer, list) else ():
            check(inner)

    check(wrap(value, Origin("servicediscovery", "GetService")))


def test_path_is_that_of_the_api() -> None:
    """The path runs from the response to the member; texts that are the same in every run have no index."""
    answer = cloudmap({"Instances": [{"InstanceId": "i-1", "Attributes": {"AWS_INSTANCE_IPV4": "192.0.2.1"}}]})
    found = answer.discover_instances(NamespaceName="n", ServiceName="s")
    with pytest.raises(MissingMember) as caught:
        found["Instances"][0]["Attributes"]["AWS_INSTANCE_PORT"]
    assert str(caught.value) == "DiscoverInstances: Instances[0].Attributes.AWS_INSTANCE_PORT is missing"
    assert caught.value.cause == "Instances[].Attributes.AWS_INSTANCE_PORT is missing"
    with pytest.raises(MissingMember) as caught:
        found["Instances"][0]["Attributes"]["x-4711"]
    assert caught.value.cause == "Instances[].Attributes.* is missing"
    with pytest.raises(MissingEntry) as entry:
        found["Instances"][1]
    assert entry.value.cause == "Instances has too few entries"
    assert find_path(found["Instances"][0], "HealthStatus") == ("DiscoverInstances", "Instances[].HealthStatus")
    assert find_path({"a": 1}, "a") is None


@pytest.mark.parametrize(("key", "documented"), [("HttpName", True), ("HtpName", False)])
def test_member_that_the_api_does_not_have_is_not_the_targets_fault(key: str, documented: bool) -> None:
    """A member that is in no model of the API can only be a slip of the reader."""
    answer = cloudmap({"Namespace": {"Properties": {"HttpProperties": {}}}}).get_namespace(Id="ns-1")
    with pytest.raises(MissingMember) as caught:
        answer["Namespace"]["Properties"]["HttpProperties"][key]
    assert caught.value.is_documented is documented


def test_error_of_the_api_names_what_it_lacks() -> None:
    """A refusal is a response as well."""
    failing = cloudmap({"__type": "ServiceAlreadyExists", "Message": "no"}, status=400)
    with pytest.raises(ClientError) as caught:
        failing.create_service(Name="web")
    refusal: Any = caught.value.response
    with pytest.raises(MissingMember) as missing:
        refusal["ServiceId"]
    assert str(missing.value) == "CreateService: ServiceId of the error ServiceAlreadyExists is missing"
    assert missing.value.is_documented


def test_paginators_and_waiters_read_wrapped_responses() -> None:
    """botocore's own readers work, also the functions of JMESPath that look at the names of types."""
    pages = iter([{"Namespaces": [{"Id": "a"}], "NextToken": "t"}, {"Namespaces": [{"Id": "b"}]}])
    listing = client("servicediscovery", lambda _: (200, next(pages)))
    assert listing.get_paginator("list_namespaces").paginate().build_full_result()["Namespaces"] == [
        {"Id": "a"},
        {"Id": "b"},
    ]
    stable = {"services": [{"deployments": [{}], "runningCount": 1, "desiredCount": 1}], "failures": []}
    client("ecs", lambda _: (200, stable)).get_waiter("services_stable").wait(services=["web"])


def test_operations_of_other_services_carry_their_service() -> None:
    """Cloud Map and ECS both have a CreateService."""
    answer = client("ecs", lambda _: (200, {})).create_service(serviceName="web")
    with pytest.raises(MissingMember) as caught:
        answer["service"]
    assert str(caught.value) == "ecs:CreateService: service is missing"


def test_member_reads_a_path() -> None:
    """`member` returns the value at a path, and raises a wrong answer with the whole path where it ends."""
    answer = cloudmap({"Namespace": {"Id": "ns-1"}}).get_namespace(Id="ns-1")
    assert member(answer, "Namespace", "Id", of="the call") == "ns-1"
    with pytest.raises(WrongAnswer) as caught:
        member(answer["Namespace"], "Properties", "HttpProperties", of="the namespace")
    assert caught.value.actual == "GetNamespace: Namespace.Properties is missing"
    with pytest.raises(WrongAnswer) as caught:
        member({"Namespace": {}}, "Namespace", "Id", of="GetNamespace")
    assert (caught.value.operation, caught.value.cause) == ("GetNamespace", "Namespace.Id is missing")
