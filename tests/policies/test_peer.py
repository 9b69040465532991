"""Decisions equal those of an independent evaluator, the npm package @cloud-copilot/iam-simulate.

The package is used for development only: without node or the package these tests are skipped and
say how to install it.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from surveyor_policies.engine import account_of, decide
from tests.policies.generated import HOME, PRINCIPALS, Case, Kind, cases
from tests.policies.language import TABLE, table_cases

PEER = Path(__file__).with_name("peer")
NODE = shutil.which("node")
OUTCOMES = {"allow": "Allowed", "explicit-deny": "ExplicitlyDenied", "implicit-deny": "ImplicitlyDenied"}

pytestmark = pytest.mark.skipif(
    NODE is None or not (PEER / "node_modules").is_dir(),
    reason="the peer is not installed; with node installed, run: npm ci --prefix tests/policies/peer",
)


class Peer:
    """The evaluator in a separate process: one line per request and answer."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def decide(self, case: Case) -> str:
        """Return the peer's decision on the case, in its own terms."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(simulation(case)) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        assert isinstance(answer, str), answer
        return answer


@pytest.fixture(scope="module")
def peer() -> Iterator[Peer]:
    """Run the peer's process for the tests of this module."""
    assert NODE is not None
    with subprocess.Popen(
        [NODE, "decide.mjs"], cwd=PEER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Peer(process)
        assert process.stdin is not None
        process.stdin.close()


def simulation(case: Case) -> dict[str, object]:
    """Return the case in the form that the peer reads."""

    def named(documents: tuple[dict[str, object], ...]) -> list[dict[str, object]]:
        return [{"name": str(number), "policy": document} for number, document in enumerate(documents)]

    whole: dict[str, object] = {
        "request": {
            "principal": case.principal.arn,
            "action": case.action,
            "resource": {"resource": case.resource, "accountId": account_of(case.request)},
            "contextVariables": {
                key: list(values) if len(values) > 1 else values[0] for key, values in case.context.items()
            },
        },
        "identityPolicies": named(case.identity),
        "serviceControlPolicies": [],
        "resourceControlPolicies": [],
    }
    if case.boundary is not None:
        whole["permissionBoundaryPolicies"] = named(case.boundary)
    if case.session is not None:
        whole["sessionPolicy"] = case.session[0]
    if case.resource_policy is not None:
        whole["resourcePolicy"] = case.resource_policy
    return whole


@pytest.mark.soak
@settings(max_examples=400, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@pytest.mark.parametrize("kind", get_args(Kind))
@given(data=st.data())
def test_decisions_are_those_of_the_peer(peer: Peer, kind: Kind, data: st.DataObject) -> None:
    """On generated policies and requests the peer decides the same: allow, explicit or implicit deny."""
    case = data.draw(cases(kind=kind))
    ours = decide(case.request, case.policies)
    assert OUTCOMES[ours.reason] == peer.decide(case), (ours, json.dumps(simulation(case)))


# The peer replaces variables in every version of the language; EXPLAINED has the document.
IN_TABLE = [claim for claim in TABLE if claim != "iam.policy-variables.need-the-version"]
# It reads dates in epoch time and variables in ARNs in another way than documented; EXPLAINED has both.
_NOT_IN_PEER = re.compile(r"'Date\w+': \{[^}]*-epoch>|'Arn\w+': \{[^}]*\$\{")
NO_ARN = "arn:aws:servicediscovery:::-"
"""Stands for the resource of an action without a resource type: the peer reads * in a request as any resource."""


@pytest.mark.parametrize("claim", IN_TABLE)
def test_the_peer_decides_as_the_table_of_the_suites_expects(peer: Peer, claim: str) -> None:
    """The peer allows and refuses every request of suites/iam/policies.toml as the table says."""
    wrong = []
    for entry in table_cases(claim):
        if _NOT_IN_PEER.search(entry.request):
            continue
        case = replace(entry.case, resource=NO_ARN) if entry.case.resource == "*" else entry.case
        if (peer.decide(case) == "Allowed") is not entry.allowed:
            wrong.append(entry.request)
    assert wrong == []


@dataclass(frozen=True)
class Difference:
    """A case on which the two differ, both decisions, the reason, and the document that supports ours."""

    case: Case
    ours: str
    theirs: str
    because: str
    source: str


SERVICE = f"arn:aws:servicediscovery:us-east-1:{HOME}:service/srv-alice"
ALICE, _, _, SESSION, _ = PRINCIPALS
REGISTER = "servicediscovery:RegisterInstance"
ALLOWED, DENIED = "Allowed", "ImplicitlyDenied"


def case_with(
    condition: dict[str, object] | None = None,
    *,
    version: str = "2012-10-17",
    context: dict[str, tuple[str, ...]] | None = None,
    **elements: object,
) -> Case:
    """Return a case: Alice registers an instance under one allow with this condition."""
    statement: dict[str, object] = {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": condition or {}}
    if "NotResource" in elements:
        del statement["Resource"]
    document: dict[str, object] = {"Version": version, "Statement": statement | elements}
    return Case(ALICE, REGISTER, SERVICE, context or {}, identity=(document,))


def granted(principal: object, *, boundary: bool = False) -> Case:
    """Return a case: a session registers an instance, allowed by resource-based policy, not by session policy."""

    def policy(**elements: object) -> dict[str, object]:
        return {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", **elements}}

    other = policy(Action="route53:*")
    return Case(
        SESSION,
        REGISTER,
        SERVICE,
        {},
        identity=(policy(),),
        boundary=(other,) if boundary else None,
        session=(other,),
        resource_policy=policy(Principal=principal),
    )


EXPLAINED = {
    "a variable in the old version": Difference(
        case_with(
            version="2008-10-17",
            Resource=SERVICE.replace("alice", "${aws:username}"),
            context={"aws:username": ("alice",)},
        ),
        DENIED,
        ALLOWED,
        "the peer replaces variables in every version of the language",
        "IAM User Guide, Policy variables: in 2008-10-17 they are literal",
    ),
    "NotResource with a variable that has no value": Difference(
        case_with(NotResource=SERVICE.replace("alice", "${aws:username}")),
        ALLOWED,
        DENIED,
        "the peer treats such a statement as never matching",
        "IAM User Guide, Policy variables with no value: it matches none, so NotResource excepts none",
    ),
    "a negated operator with a variable that has no value": Difference(
        case_with({"StringNotEquals": {"aws:RequestTag/a": "${aws:username}"}}, context={"aws:RequestTag/a": ("a",)}),
        ALLOWED,
        DENIED,
        "the peer treats such a condition as false",
        "IAM User Guide, Policy variables with no value: inverted operators do match",
    ),
    "a literal asterisk under StringEquals": Difference(
        case_with({"StringEquals": {"aws:PrincipalTag/team": "${*}"}}, context={"aws:PrincipalTag/team": ("*",)}),
        ALLOWED,
        DENIED,
        "the peer supports ${*} only where it supports wildcards",
        "IAM User Guide, Policy variables: predefined variables are allowed in any string that allows variables",
    ),
    "an address of the other IP version": Difference(
        case_with({"NotIpAddress": {"aws:SourceIp": "2001:db8::1"}}, context={"aws:SourceIp": ("10.0.0.1",)}),
        ALLOWED,
        DENIED,
        "the peer treats addresses of two versions as not comparable",
        "IAM User Guide, IP address condition operators: NotIpAddress is all addresses except the range",
    ),
    "all addresses": Difference(
        case_with({"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}, context={"aws:SourceIp": ("10.0.0.1",)}),
        ALLOWED,
        DENIED,
        "the peer shifts 32 bits by 32",
        "IAM User Guide, IP address condition operators: standard CIDR format",
    ),
    "a date in epoch time": Difference(
        case_with({"DateGreaterThan": {"aws:EpochTime": "2026-01-01"}}, context={"aws:EpochTime": ("1800000000",)}),
        ALLOWED,
        DENIED,
        "the peer compares seconds with milliseconds",
        "IAM User Guide, Date condition operators: ISO 8601 or epoch time",
    ),
    "a variable in an ARN": Difference(
        case_with(
            {"ArnLike": {"servicediscovery:ServiceArn": "arn:*:*:*:${aws:PrincipalAccount}:service/*"}},
            context={"servicediscovery:ServiceArn": (SERVICE,), "aws:PrincipalAccount": (HOME,)},
        ),
        ALLOWED,
        DENIED,
        "the peer does not replace variables for ARN operators",
        "IAM User Guide, Policy variables: in any condition that involves the string operators or the ARN operators",
    ),
    "IfExists of a set that is absent": Difference(
        case_with({"ForAnyValue:StringEqualsIfExists": {"aws:TagKeys": "a"}}),
        ALLOWED,
        DENIED,
        "the peer does not read IfExists behind ForAnyValue",
        "IAM User Guide, IfExists condition operators: at the end of any operator but Null; true if the key is absent",
    ),
    "a set with only the empty string": Difference(
        case_with({"ForAllValues:StringEquals": {"aws:TagKeys": "a"}}, context={"aws:TagKeys": ("",)}),
        ALLOWED,
        DENIED,
        "the peer treats the empty string as a value",
        "IAM User Guide, Multivalued context keys: ForAllValues is true for a null data set such as an empty string",
    ),
    "a session named by the resource's policy": Difference(
        granted({"AWS": SESSION.arn}),
        ALLOWED,
        DENIED,
        "the peer limits it by the session policy",
        "IAM User Guide, policy evaluation: implicit denies do not limit direct grants to a session",
    ),
    "a session and all principals": Difference(
        granted("*"),
        ALLOWED,
        DENIED,
        "the peer limits it by the session policy",
        "IAM User Guide, Principal: session policies do not limit what is granted with a wildcard in Principal",
    ),
}


@pytest.mark.parametrize("name", EXPLAINED)
def test_differences_are_the_listed_ones(peer: Peer, name: str) -> None:
    """Where the peer does not follow the documents, it still differs as listed."""
    known = EXPLAINED[name]
    assert OUTCOMES[decide(known.case.request, known.case.policies).reason] == known.ours, known.source
    assert peer.decide(known.case) == known.theirs, known.because
