"""Policies and requests for tests, from a small vocabulary, so that they meet more often than not."""

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
class Words:
    """What is asked for, and the patterns that policies have for it."""

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
CLOUD_MAP = Words(
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
ASSUMPTION = Words(
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
    """Operators of one type, with keys that have values of it."""

    operators: tuple[str, ...]
    keys: tuple[str, ...]
    wanted: tuple[str, ...]
    given: tuple[str, ...]


FAMILIES = (
    Family(
        tuple(f"String{n}{how}" for n in ("", "Not") for how in ("Equals", "EqualsIgnoreCase", "Like")),
        ("servicediscovery:NamespaceName", "aws:PrincipalTag/team", "aws:username", "AWS:UserName"),
        TEXTS,
        ("corp", "CORP", "corp.internal", "alice", "aaa", "a.b", "${aws:username}"),
    ),
    Family(
        tuple(
            f"Numeric{how}"
            for how in ("Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals")
        ),
        ("aws:MultiFactorAuthAge",),
        NUMBERS,
        NUMBERS,
    ),
    Family(
        tuple(
            f"Date{how}"
            for how in ("Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals")
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
SEVERAL = Family(FAMILIES[0].operators, ("aws:TagKeys",), TEXTS, FAMILIES[0].given)
KEYS = tuple(key for family in (*FAMILIES, SEVERAL) for key in family.keys)
GLOBAL_KEYS = tuple(key for key in KEYS if key.lower().startswith("aws:"))

Kind = Literal["plain", "shared", "trust"]
Document = dict[str, object]
Context = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Case:
    """One question: documents by kind, who asks for what, and the context."""

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
        """The request as the engine takes it."""
        return AccessRequest(self.action, self.resource, self.principal, self.context)

    @property
    def policies(self) -> PolicySet:
        """The documents, parsed."""
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


def _one_or_many(values: tuple[str, ...], *, most: int = 3) -> st.SearchStrategy[str | list[str]]:
    one = st.sampled_from(values)
    return st.one_of(one, st.lists(one, min_size=1, max_size=most))


@st.composite
def conditions(draw: st.DrawFn, *, keys: tuple[str, ...] = KEYS) -> Document:
    """A Condition element about ``keys``: none to three operators, one of them perhaps about a set of values."""
    element: dict[str, dict[str, object]] = {}
    for _ in range(draw(st.sampled_from((0, 0, 1, 1, 2)))):
        family = draw(st.sampled_from([each for each in (*FAMILIES, SEVERAL) if {*each.keys} & {*keys}]))
        operator = draw(st.sampled_from(family.operators))
        if family is SEVERAL:
            operator = f"{draw(st.sampled_from(('ForAllValues', 'ForAnyValue')))}:{operator}"
        elif draw(st.integers(0, 3)) == 0:
            operator += "IfExists"
        key = draw(st.sampled_from([each for each in family.keys if each in keys]))
        element.setdefault(operator, {})[key] = draw(_one_or_many(family.wanted))
    if draw(st.integers(0, 5)) == 0:
        key = draw(st.sampled_from(keys))
        element["Null"] = {key: draw(st.sampled_from(("true", "false")))}
    return dict(element)


@st.composite
def contexts(draw: st.DrawFn, *, keys: tuple[str, ...] = KEYS) -> Context:
    """Some of ``keys``; of those about sets, none or several values."""
    context: dict[str, tuple[str, ...]] = {}
    for family in FAMILIES:
        for key in family.keys:
            absent = key.lower() not in {known.lower() for known in context}
            if key in keys and absent and draw(st.integers(0, 3)):
                context[key] = (draw(st.sampled_from(family.given)),)
    if draw(st.booleans()):
        context[SEVERAL.keys[0]] = tuple(draw(st.lists(st.sampled_from(SEVERAL.given), min_size=2, max_size=3)))
    return context


@st.composite
def statements(
    draw: st.DrawFn,
    *,
    words: Words = CLOUD_MAP,
    principals: tuple[str, ...] = (),
    incomplete: bool = True,
    keys: tuple[str, ...] = KEYS,
) -> Document:
    """A statement, one in four a broad allow; with one of ``principals`` if there are any."""
    broad = draw(st.integers(0, 3)) == 0
    resources = tuple(each for each in words.resource_patterns if incomplete or each == "*" or each.count(":") >= 5)
    statement: Document = {"Effect": "Allow", "Action": words.broad, "Resource": "*"}
    if not broad:
        statement = {
            "Effect": draw(st.sampled_from(("Allow", "Allow", "Allow", "Deny"))),
            draw(st.sampled_from(("Action", "Action", "Action", "NotAction"))): draw(
                _one_or_many(words.action_patterns)
            ),
            draw(st.sampled_from(("Resource", "Resource", "Resource", "NotResource"))): draw(_one_or_many(resources)),
        }
    if principals:
        negated = statement["Effect"] == "Deny" and draw(st.integers(0, 3)) == 0
        named = _one_or_many(principals).map(lambda names: "*" if names == "*" else {"AWS": names})
        statement["NotPrincipal" if negated else "Principal"] = draw(named)
    if condition := draw(conditions(keys=keys)):
        statement["Condition"] = condition
    return statement


@st.composite
def documents(
    draw: st.DrawFn,
    *,
    words: Words = CLOUD_MAP,
    principals: tuple[str, ...] = (),
    incomplete: bool = True,
    keys: tuple[str, ...] = KEYS,
) -> Document:
    """A policy of one to three statements, of either version of the language; variables are there in the newer one."""
    each = statements(words=words, principals=principals, incomplete=incomplete, keys=keys)
    document: Document = {"Statement": draw(st.lists(each, min_size=1, max_size=3))}
    old = draw(st.sampled_from(("2008-10-17", None)))
    version = "2012-10-17" if "${" in json.dumps(document) or draw(st.booleans()) else old
    return document | ({"Version": version} if version else {})


@st.composite
def cases(draw: st.DrawFn, *, kind: Kind = "shared") -> Case:
    """A whole question.

    A ``plain`` one has neither session nor resource-based policy, but every key; others have only keys that any request
    may have. Session policies are only for those who can have them. In a ``trust`` one a role is to be assumed.
    """
    principal = draw(st.sampled_from(PRINCIPALS))
    keys = KEYS if kind == "plain" else GLOBAL_KEYS
    words = ASSUMPTION if kind == "trust" else CLOUD_MAP
    of_identity = st.lists(documents(words=words, keys=keys), min_size=1, max_size=2).map(tuple)
    has_session = kind != "plain" and principal.kind == "assumed-role" and draw(st.booleans())
    # What a session policy and the session's own name, or everybody's, come to is tested by itself.
    named = tuple(name for name in NAMED if name != "*" and ":assumed-role/" not in name) if has_session else NAMED
    of_resource = documents(words=words, principals=named, incomplete=False, keys=keys)
    case = Case(
        principal,
        draw(st.sampled_from(words.actions)),
        draw(st.sampled_from(words.resources)),
        draw(contexts(keys=keys)),
        identity=draw(of_identity),
        boundary=draw(st.none() | of_identity),
        session=(draw(documents(words=words, incomplete=False, keys=keys)),) if has_session else None,
    )
    if kind == "shared":
        case = replace(case, resource_policy=draw(st.none() | of_resource))
    if kind == "trust":
        case = replace(case, resource_policy=draw(of_resource.map(_as_trust)), kind="trust")
    return replace(case, context=_complete(case)) if "${" in repr(case) else case


def _as_trust(document: Document) -> Document:
    """The document as a role may have it: no resources, and principals named."""
    trusted = json.loads(json.dumps(document))
    for statement in trusted["Statement"]:
        statement.pop("Resource", None)
        statement.pop("NotResource", None)
        if "NotPrincipal" in statement:
            statement["Principal"] = statement.pop("NotPrincipal")
    assert isinstance(trusted, dict)
    return trusted


def _complete(case: Case) -> Context:
    """The context with a value for each variable: what one without a value comes to is tested by itself."""
    present = {key.lower() for key in case.context}
    return {
        **case.context,
        **{key: values for key, values in VARIABLES.items() if key.lower() not in present},
    }
