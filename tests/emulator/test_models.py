"""Requests held against botocore's models."""

from __future__ import annotations

import pytest

from surveyor_emulator.protocols.api_models import WrongType, WrongValue, checker


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("CreateHttpNamespace", {"Name": "a" * 1024}),
        ("CreateHttpNamespace", {"Name": "x", "Tags": [{"Key": "k", "Value": ""}], "Unknown": 1}),
        ("CreateHttpNamespace", {"Name": "x", "Description": None}),
        ("CreateService", {"Name": "_web._tcp"}),
        ("CreateService", {"Name": "."}),
        ("RegisterInstance", {"ServiceId": "s", "InstanceId": "a/b:c@d", "Attributes": {"k": "a b"}}),
        ("DiscoverInstances", {"NamespaceName": "n", "ServiceName": "s", "MaxResults": 1000}),
    ],
)
def test_takes_what_the_model_allows(operation: str, params: dict[str, object]) -> None:
    """Limits belong to what is allowed; unknown and null members are passed over."""
    checker("servicediscovery", operation)(params)


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("CreateHttpNamespace", {}),
        ("CreateHttpNamespace", {"Name": None}),
        ("CreateHttpNamespace", {"Name": "a" * 1025}),
        ("CreateHttpNamespace", {"Name": "arn:x"}),
        ("CreateHttpNamespace", {"Name": "x\n"}),
        ("CreatePublicDnsNamespace", {"Name": "nodot"}),
        ("CreateService", {"Name": "a..b"}),
        ("CreateService", {"Name": "a" * 64}),
        ("CreateService", {"Name": "x", "DnsConfig": {"RoutingPolicy": "LATENCY", "DnsRecords": []}}),
        ("CreateService", {"Name": "x", "DnsConfig": {"DnsRecords": [{"Type": "A", "TTL": -1}]}}),
        ("CreateService", {"Name": "x", "DnsConfig": {"DnsRecords": [None]}}),
        ("RegisterInstance", {"ServiceId": "s", "InstanceId": "a b", "Attributes": {}}),
        ("RegisterInstance", {"ServiceId": "s", "InstanceId": "a", "Attributes": {"a b": "v"}}),
        ("RegisterInstance", {"ServiceId": "s", "InstanceId": "a", "Attributes": {"k": " v"}}),
        ("RegisterInstance", {"ServiceId": "s", "InstanceId": "a", "Attributes": {"k": None}}),
        ("DiscoverInstances", {"NamespaceName": "n", "ServiceName": "s", "MaxResults": 1001}),
        ("ListNamespaces", {"MaxResults": 0}),
    ],
)
def test_refuses_what_breaks_a_constraint(operation: str, params: dict[str, object]) -> None:
    """Required, length, range, pattern and enum, at any depth; a pattern's end allows no line feed."""
    with pytest.raises(WrongValue):
        checker("servicediscovery", operation)(params)


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("CreateHttpNamespace", {"Name": 7}),
        ("CreateHttpNamespace", {"Name": "x", "Tags": {}}),
        ("ListNamespaces", {"MaxResults": "5"}),
        ("ListNamespaces", {"MaxResults": True}),
        ("ListNamespaces", {"MaxResults": 1.5}),
        ("RegisterInstance", {"ServiceId": "s", "InstanceId": "a", "Attributes": []}),
        ("CreateService", {"Name": "x", "DnsConfig": "A"}),
    ],
)
def test_tells_wrong_types_apart(operation: str, params: dict[str, object]) -> None:
    """A value of another type could not be read at all, which is another error than a broken constraint."""
    with pytest.raises(WrongType):
        checker("servicediscovery", operation)(params)
