"""Strategies for policies and requests, from a small vocabulary, so that most policies concern the requests."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from hypothesis import strategies as st

from surveyor_policies.model import AccessRequest, Policy, PolicySet, Principal
from surveyor_policies.parsing import DocumentKind, parse_policy

__all__ = ["HOME", "PRINCIPALS", "Case", "Kind", "cases", "conditions", "contexts", "documents", "statements"]

HOME, ABROAD = "111122223333", "444455556666"

PRINCIPALS = (
    Principal(f"arn:aws:iam::{HOME}:user/alice", HOME, "user"),
    Principal(f"arn:aws:iam::{HOME}:user/team/bob", HOME, "user"),
    Principal(f"arn:aws:iam::{ABROAD}:user/alice", ABROAD, "user"),
    Principal(
        f"arn:aws:sts::{HOME}:assumed-role/deployer/one", HOME, "assumed-role", f"arn:aws:iam::{HOME}:role/deployer"
    ),
    Principal(
        f"arn:aws:sts::{ABROAD}:assumed-role/deployer/one",
        ABROAD,
        "assumed-role",
        f"arn:aws:iam::{ABROAD}:role/deployer",
    ),
)
NAMED = (
    "*",
    *(principal.arn for principal in PRINCIPALS),
    *(principal.issuer for principal in PRINCIPALS if principal.issuer),
    HOME,
    ABROAD,
    f"arn:aws:iam::{HOME}:root",
    f"arn:aws:iam::{ABROAD}:root",
)


@dataclass(frozen=True)
class Vocabulary:
    """Actions and resources of requests, and the patterns for them in policies."""

    actions: tuple[str, ...]
    action_patterns: tuple[str, ...]
    resources: tuple[str, ...]
    resource_patterns: tuple[str, ...]
    broad: str


SERVICES = (
    f"arn:aws:servicediscovery:us-east-1:{HOME}:service/srv-aaa",
    f"arn:aws:servicediscovery:us-east-1:{HOME}:service/srv-bbb",
    f"arn:aws:servicediscovery:eu-west-1:{HOME}:service/srv-alice",
    f"arn:aws:servicediscovery:us-east-1:{ABROAD}:service/srv-aaa",
)
INSTANCE_ACTIONS = tuple(
    f"servicediscovery:{name}" for name in ("RegisterInstance", "DeregisterInstance", "GetService", "UpdateService")
)
CLOUD_MAP = Vocabulary(
    INSTANCE_ACTIONS,
    (
        *INSTANCE_ACTIONS,
        *("*", "servicediscovery:*", "servicediscovery:*Instance", "SERVICEDISCOVERY:registerinstance"),
        *("servicediscovery:?e*", "route53:*", "servicediscovery:Get*", "servicediscovery:*e*i*e*e"),
    ),
    SERVICES,
    (
        *SERVICES,
        "*",
        "arn:aws:servicediscovery:*:*:service/*",
        f"arn:aws:servicediscovery:*:{HOME}:*",
        "arn:aws:servicediscovery:us-east-1:*:service/srv-?aa",
        "arn:aws:servicediscovery:us-*-1:*:service/srv-*a*",
        "arn:aws:servicediscovery:*:*:namespace/*",
        "arn:aws:servicediscovery",
        "arn:aws:servicediscovery:*:*:service/srv-${aws:username}",
        "arn:aws:servicediscovery:*:*:service/srv-${aws:PrincipalTag/team, 'aaa'}",
        "arn:aws:servicediscovery:*:*:service/srv-${*}",
    ),
    "servicediscovery:*",
)
ROLES = (f"arn:aws:iam::{HOME}:role/target", f"arn:aws:iam::{ABROAD}:role/path/target")
ASSUMPTION = Vocabulary(
    ("sts:AssumeRole",),
    ("sts:AssumeRole", "sts:*", "sts:assume*", "*", "sts:TagSession"),
    ROLES,
    (*ROLES, "*", "arn:aws:iam::*:role/*", f"arn:aws:iam::{HOME}:role/*", "arn:aws:iam::*:role/path/*"),
    "sts:AssumeRole",
)

TEXTS = (
    *("corp", "Corp", "corp.internal", "alice", "a*", "", "*", "c?rp*", "true", "10"),
    *("${aws:username}", "${aws:PrincipalTag/team}", "${aws:principaltag/TEAM, 'corp'}", "${?}orp"),
)
NUMBERS = ("1", "10", "10.0", "-3", "1.5", "900")
DATES = ("2026-01-01T00:00:00Z", "2025-12-31T23:59:59Z", "2026-01-01T01:00:00+01:00", "2026-01-01")
BOOLEANS = ("true", "false", "True")
ADDRESSES = ("127.0.0.1", "10.0.0.0/8", "10.1.2.3", "10.1.2.0/24", "0.0.0.0/1")
ARNS = (
    *(name for name in NAMED if name.startswith("arn:")),
    "arn:aws:iam::*:user/*",
    f"arn:aws:iam::{HOME}:*",
    "arn:*:sts::*:assumed-role/*",
    "arn:aws:iam::*:user/${aws:username}",
)
VARIABLES = {"aws:username": ("alice",), "aws:PrincipalTag/team": ("aaa",)}
BINARIES = ("c3VydmV5b3I=", "bWFw", "")


@dataclass(frozen=True)
class Family:
    """Operators of one type, with condition keys that have values of this type."""

    operators: tuple[str, ...]
    keys: tuple[str, ...]
    listed: tuple[str, ...]
    actual: tuple[str, ...]


FAMILIES = (
    Family(
        tuple(f"String{n}{name}" for n in ("", "Not") for name in ("Equals", "EqualsIgnoreCase", "Like")),
        ("servicediscovery:NamespaceName", "aws:PrincipalTag/team", "aws:username", "AWS:UserName"),
        TEXTS,
        ("corp", "CORP", "corp.internal", "alice", "aaa", "a.b", "${aws:username}"),
    ),
    Family(
        tuple(
            f"Numeric{name}"
            for name in ("Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals")
        ),
        ("aws:MultiFactorAuthAge",),
        NUMBERS,
        NUMBERS,
    ),
    Family(
        tuple(
            f"Date{name}"
            for name in ("Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals")
        ),
        ("aws:CurrentTime", "aws:TokenIssueTime"),
        DATES,
        DATES,
    ),
    Family(("Bool",), ("aws:SecureTransport", "aws:MultiFactorAuthPresent"), BOOLEANS, ("true", "false")),
    Family(("BinaryEquals",), ("surveyor:Binary",), BINARIES[:2], BINARIES[:2]),
    Family(
        ("IpAddress", "NotIpAddress"),
        ("aws:SourceIp",),
        ADDRESSES,
        ("127.0.0.1", "10.1.2.3", "10.9.9.9", "192.0.2.7"),
    ),
    Family(
        ("ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"), ("aws:PrincipalArn", "aws:SourceArn"), ARNS, NAMED[1:6]
    ),
)
SEVERAL = Family(FAMILIES[0].operators, ("aws:TagKeys",), TEXTS, FAMILIES[0].actual)
KEYS = tuple(key for family in (*FAMILIES, SEVERAL) for key in family.keys)
GLOBAL_KEYS = tuple(key for key in KEYS if key.lower().startswith("aws:"))

Kind = Literal["plain", "shared", "trust"]
Document = dict[str, object]
Context = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Case:
    """One request with its policies: documents by kind, principal, action, resource and context."""

    principal: Principal
    action: str
    resource: str
    context: Context
    identity: tuple[Document, ...] = ()
    boundary: tuple[Document, ...] | None = None
    session: tuple[Document, ...] | None = None
    resource_policy: Document | None = None
    kind: Literal["resource", "trust"] = "resource"

    @property
    def request(self) -> AccessRequest:
        """Return the request for the engine."""
        return AccessRequest(self.action, self.resource, self.principal, self.context)

    @property
    def policies(self) -> PolicySet:
        """Return the parsed documents."""
        return PolicySet(
            _parsed(self.identity, "identity"),
            None if self.boundary is None else _parsed(self.boundary, "identity"),
            None if self.session is None else _parsed(self.session, "session"),
            () if self.resource_policy is None else _parsed((self.resource_policy,), self.kind),
        )


def _parsed(documents: tuple[Document, ...], kind: DocumentKind) -> tuple[Policy, ...]:
    return tuple(
        parse_policy(json.dumps(document), f"{kind}-{number}", kind=kind) for number, document in enumerate(documents)
    )


def _single_or_list(values: tuple[str, ...], *, max_size: int = 3) -> st.SearchStrategy[str | list[str]]:
    single = st.sampled_from(values)
    return st.one_of(single, st.lists(single, min_size=1, max_size=max_size))


@st.composite
def conditions(draw: st.DrawFn, *, keys: tuple[str, ...] = KEYS) -> Document:
    """Draw a Condition element on ``keys``: none to three operators, possibly set operators."""
    element: dict[str, dict[str, object]] = {}
    for _ in range(draw(st.sampled_from((0, 0, 1, 1, 2)))):
        family = draw(st.sampled_from([family for family in (*FAMILIES, SEVERAL) if {*family.keys} & {*keys}]))
        operator = draw(st.sampled_from(family.operators))
        if family is SEVERAL:
            operator = f"{draw(st.sampled_from(('ForAllValues', 'ForAnyValue')))}:{operator}"
        elif draw(st.integers(0, 3)) == 0:
            operator += "IfExists"
        key = draw(st.sampled_from([key for key in family.keys if key in keys]))
        element.setdefault(operator, {})[key] = draw(_single_or_list(family.listed))
    if draw(st.integers(0, 5)) == 0:
        key = draw(st.sampled_from(keys))
        element["Null"] = {key: draw(st.sampled_from(("true", "false")))}
    return dict(element)


@st.composite
def contexts(draw: st.DrawFn, *, keys: tuple[str, ...] = KEYS) -> Context:
    """Draw values for some of ``keys``: none or several for keys of sets."""
    context: dict[str, tuple[str, ...]] = {}
    for family in FAMILIES:
        for key in family.keys:
            absent = key.lower() not in {known.lower() for known in context}
            if key in keys and absent and draw(st.integers(0, 3)):
                context[key] = (draw(st.sampled_from(family.actual)),)
    if draw(st.booleans()):
        context[SEVERAL.keys[0]] = tuple(draw(st.lists(st.sampled_from(SEVERAL.actual), min_size=2, max_size=3)))
    return context


@st.composite
def statements(
    draw: st.DrawFn,
    *,
    vocabulary: Vocabulary = CLOUD_MAP,
    principals: tuple[str, ...] = (),
    incomplete: bool = True,
    keys: tuple[str, ...] = KEYS,
) -> Document:
    """Draw a statement, a broad allow in one of four cases; with one of ``principals`` if there are any."""
    broad = draw(st.integers(0, 3)) == 0
    resources = tuple(
        pattern for pattern in vocabulary.resource_patterns if incomplete or pattern == "*" or pattern.count(":") >= 5
    )
    statement: Document = {"Effect": "Allow", "Action": vocabulary.broad, "Resource": "*"}
    if not broad:
        statement = {
            "Effect": draw(st.sampled_from(("Allow", "Allow", "Allow", "Deny"))),
            draw(st.sampled_from(("Action", "Action", "Action", "NotAction"))): draw(
                _single_or_list(vocabulary.action_patterns)
            ),
            draw(st.sampled_from(("Resource", "Resource", "Resource", "NotResource"))): draw(
                _single_or_list(resources)
            ),
        }
    if principals:
        negated = statement["Effect"] == "Deny" and draw(st.integers(0, 3)) == 0
        named = _single_or_list(principals).map(lambda names: "*" if names == "*" else {"AWS": names})
        statement["NotPrincipal" if negated else "Principal"] = draw(named)
    if condition := draw(conditions(keys=keys)):
        statement["Condition"] = condition
    return statement


@st.composite
def documents(
    draw: st.DrawFn,
    *,
    vocabulary: Vocabulary = CLOUD_MAP,
    principals: tuple[str, ...] = (),
    incomplete: bool = True,
    keys: tuple[str, ...] = KEYS,
) -> Document:
    """Draw a policy of one to three statements, of either version of the language; only the newer has variables."""
    statement = statements(vocabulary=vocabulary, principals=principals, incomplete=incomplete, keys=keys)
    document: Document = {"Statement": draw(st.lists(statement, min_size=1, max_size=3))}
    old = draw(st.sampled_from(("2008-10-17", None)))
    version = "2012-10-17" if "${" in json.dumps(document) or draw(st.booleans()) else old
    return document | ({"Version": version} if version else {})


@st.composite
def cases(draw: st.DrawFn, *, kind: Kind = "shared") -> Case:
    """Draw a complete case.

    A ``plain`` case has neither session nor resource-based policy, but any key; other cases have only keys that every
    request may have. Only assumed roles have session policies. In a ``trust`` case the action is to assume a role.
    """
    principal = draw(st.sampled_from(PRINCIPALS))
    keys = KEYS if kind == "plain" else GLOBAL_KEYS
    vocabulary = ASSUMPTION if kind == "trust" else CLOUD_MAP
    of_identity = st.lists(documents(vocabulary=vocabulary, keys=keys), min_size=1, max_size=2).map(tuple)
    has_session = kind != "plain" and principal.kind == "assumed-role" and draw(st.booleans())
    # Session policies with resource-based policies that name the session, or all principals, have separate tests.
    named = tuple(name for name in NAMED if name != "*" and ":assumed-role/" not in name) if has_session else NAMED
    of_resource = documents(vocabulary=vocabulary, principals=named, incomplete=False, keys=keys)
    case = Case(
        principal,
        draw(st.sampled_from(vocabulary.actions)),
        draw(st.sampled_from(vocabulary.resources)),
        draw(contexts(keys=keys)),
        identity=draw(of_identity),
        boundary=draw(st.none() | of_identity),
        session=(draw(documents(vocabulary=vocabulary, incomplete=False, keys=keys)),) if has_session else None,
    )
    if kind == "shared":
        case = replace(case, resource_policy=draw(st.none() | of_resource))
    if kind == "trust":
        case = replace(case, resource_policy=draw(of_resource.map(_as_trust)), kind="trust")
    return replace(case, context=_complete(case)) if "${" in repr(case) else case


def _as_trust(document: Document) -> Document:
    """Return the document as a trust policy: without resources, with principals named."""
    trusted = json.loads(json.dumps(document))
    for statement in trusted["Statement"]:
        statement.pop("Resource", None)
        statement.pop("NotResource", None)
        if "NotPrincipal" in statement:
            statement["Principal"] = statement.pop("NotPrincipal")
    assert isinstance(trusted, dict)
    return trusted


def _complete(case: Case) -> Context:
    """Return the context with a value for each variable; variables without a value have separate tests."""
    present = {key.lower() for key in case.context}
    return {
        **case.context,
        **{key: values for key, values in VARIABLES.items() if key.lower() not in present},
    }
