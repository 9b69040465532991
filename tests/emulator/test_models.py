"""Requests are validated against botocore's models."""

from __future__ import annotations

import pytest

from surveyor_emulator.protocols.api_models import ConstraintViolation, TypeMismatch, compile_check


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
def test_accepts_valid_requests(operation: str, params: dict[str, object]) -> None:
    """Values at the limits are valid; unknown and null members are ignored."""
    compile_check("servicediscovery", operation)(params)


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
def test_rejects_violated_constraints(operation: str, params: dict[str, object]) -> None:
    """Required, length, range, pattern and enum are checked at any depth; a pattern's end matches no line feed."""
    with pytest.raises(ConstraintViolation):
        compile_check("servicediscovery", operation)(params)


LONG = "s" * 65


@pytest.mark.parametrize(
    ("service", "operation", "params", "value", "member", "constraint"),
    [
        (
            *("sts", "AssumeRole", {"RoleArn": "a" * 20, "RoleSessionName": LONG}),
            *(LONG, "roleSessionName", "have length less than or equal to 64"),
        ),
        (
            *("servicediscovery", "ListNamespaces", {"MaxResults": 0}),
            *("0", "maxResults", "have value greater than or equal to 1"),
        ),
        (
            *(
                "servicediscovery",
                "CreateService",
                {"Name": "x", "DnsConfig": {"DnsRecords": [{"Type": "MX", "TTL": 1}]}},
            ),
            *("MX", "dnsConfig.dnsRecords.1.member.type", "satisfy enum value set: [A, AAAA, CNAME, SRV]"),
        ),
    ],
)
def test_words_of_violated_constraints(
    service: str, operation: str, params: dict[str, object], value: str, member: str, constraint: str
) -> None:
    """The text is that of AWS: one error, the value, the member in camel case with entries from 1, the constraint."""
    with pytest.raises(ConstraintViolation) as error:
        compile_check(service, operation)(params)
    subject = f"1 validation error detected: Value '{value}' at '{member}'"
    assert str(error.value) == f"{subject} failed to satisfy constraint: Member must {constraint}"


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
def test_rejects_wrong_types(operation: str, params: dict[str, object]) -> None:
    """A value of another type raises another error than a violated constraint."""
    with pytest.raises(TypeMismatch):
        compile_check("servicediscovery", operation)(params)
