"""Mutants name operations that exist, and pretend successes that clients of AWS can read."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.parsers import create_parser

from surveyor.claims import load_claims
from surveyor.conformance.mutants import load_mutants
from surveyor.conformance.mutants.api_operators import ApiMutator
from surveyor.conformance.mutants.model import Mutant
from surveyor.conformance.mutants.operations import operation_problem
from surveyor.layout import find_layout
from surveyor.proxies.exchange import ProxyRequest, ProxyResponse
from surveyor.service_models import service_model

LAYOUT = find_layout()
KNOWN = load_mutants(LAYOUT.mutants, load_claims(LAYOUT.claims).by_id)
NO_OPERATION = "there is no operation 'GetHostedZon'; did you mean 'GetHostedZone'?; write it without its service"
XML = "operator set changes JSON, and GetHostedZone speaks XML: use replace"
NAMES = {"ecs": {"service": "web"}, "servicediscovery": {"Name": "shop"}}
"""Members of requests that answers have, too: there `service` is a structure."""


def mutant(operator: str, operation: str, **details: Any) -> Mutant:
    """Return a mutant of some claim."""
    return Mutant("a.claim", operator, {"operation": operation, **details}, 1, False)


def forward(request: ProxyRequest) -> ProxyResponse:
    """Fail: what is swallowed does not reach the target."""
    raise AssertionError(request.operation)


def test_all_mutants_can_change_their_operations() -> None:
    """None names an operation that AWS lacks, and none changes JSON where an answer has none."""
    assert {name: problem for name, found in KNOWN.items() if (problem := operation_problem(found))} == {}


@pytest.mark.parametrize(
    ("operation", "problem"),
    [
        ("GetHostedZone", XML),
        (
            "GetHostedZon",
            NO_OPERATION,
        ),
        ("DescribeTasks", ""),
    ],
)
def test_what_a_mutant_cannot_change_is_named(operation: str, problem: str) -> None:
    """A mutant without effect would look like a suite that notices nothing."""
    assert operation_problem(mutant("set", operation, path="X", value=1)) == problem


@pytest.mark.parametrize(
    ("service", "operation"),
    [
        ("route53", "ChangeResourceRecordSets"),
        ("route53", "ListResourceRecordSets"),
        ("route53", "UpdateHealthCheck"),
        ("route53", "DeleteHostedZone"),
        ("iam", "CreateRole"),
        ("ecs", "UpdateService"),
        ("servicediscovery", "CreateHttpNamespace"),
    ],
)
def test_a_pretended_success_is_read_by_clients(service: str, operation: str) -> None:
    """It has every member that the model requires, in the protocol of the service."""
    model = service_model(service)
    protocol = {"route53": "rest-xml", "iam": "query"}.get(service, "json")
    params = NAMES.get(service) if protocol == "json" else None
    request = ProxyRequest(service, operation, b"", params)
    answer = ApiMutator(mutant("swallow", operation)).pass_through(request, forward)
    shape: Any = model.operation_model(operation).output_shape
    headers = {"content-type": answer.headers["Content-Type"], "date": ""}
    parsed = create_parser(protocol).parse({"body": answer.encode(), "headers": headers, "status_code": 200}, shape)
    assert set(shape.required_members) <= parsed.keys()
    for name in shape.required_members:
        assert set(getattr(shape.members[name], "required_members", ())) <= set(parsed[name] or ())
    if operation == "UpdateService":
        assert isinstance(parsed["service"], dict)


def test_a_swallowed_creation_has_a_namespace() -> None:
    """The operation that it pretends names what it would have created."""
    mutator = ApiMutator(mutant("swallow", "CreateHttpNamespace"))
    request = ProxyRequest("servicediscovery", "CreateHttpNamespace", b"", {"Name": "a"})
    created = mutator.pass_through(request, forward)
    assert created.value is not None
    asked = ProxyRequest("servicediscovery", "GetOperation", b"", {"OperationId": created.value["OperationId"]})
    found = mutator.pass_through(asked, forward).value
    assert found is not None
    assert found["Operation"]["Targets"]["NAMESPACE"].startswith("ns-")
