"""Decisions name the deciding statement, in one account and across two."""

from __future__ import annotations

import json
import logging
from dataclasses import replace

import pytest

from surveyor_policies.engine import decide
from surveyor_policies.model import AccessRequest, Decision, Policy, PolicySet, Principal
from surveyor_policies.parsing import DocumentKind, parse_policy
from surveyor_policies.statements import Context

HOME, ABROAD = "111122223333", "444455556666"
ALICE = Principal(f"arn:aws:iam::{HOME}:user/alice", HOME, "user")
STRANGER = Principal(f"arn:aws:iam::{ABROAD}:user/alice", ABROAD, "user")
ROOT = Principal(f"arn:aws:iam::{HOME}:root", HOME, "root")
SESSION = Principal(f"arn:aws:sts::{HOME}:assumed-role/deployer/one", HOME, "assumed-role")
FEDERATED = Principal(f"arn:aws:sts::{HOME}:federated-user/eve", HOME, "federated", ALICE.arn)
ECS = Principal("ecs-tasks.amazonaws.com", "", "service")
DEPLOYER = f"arn:aws:iam::{HOME}:role/path/deployer"
SERVICE = f"arn:aws:servicediscovery:us-east-1:{HOME}:service/srv-a"
TARGET = f"arn:aws:iam::{HOME}:role/target"
REGISTER = "servicediscovery:RegisterInstance"


def policy(*statements: dict[str, object], kind: DocumentKind = "identity", name: str = "p") -> Policy:
    """Return a policy of statements that allow everything, each updated by an argument."""
    whole = [
        {"Effect": "Allow", "Action": "*", **({} if kind == "trust" else {"Resource": "*"}), **statement}
        for statement in statements
    ]
    return parse_policy(json.dumps({"Version": "2012-10-17", "Statement": whole}), name, kind=kind)


ALL = policy({})
NONE = policy({"Action": "ec2:*"})
DENY = policy({"Effect": "Deny", "Sid": "No"}, name="deny")


def shared(*principals: str) -> Policy:
    """Return a resource-based policy that allows these principals everything."""
    return policy({"Principal": {"AWS": list(principals)}}, kind="resource", name="shared")


def ask(
    policies: PolicySet,
    principal: Principal = ALICE,
    action: str = REGISTER,
    resource: str = SERVICE,
    context: Context | None = None,
) -> Decision:
    """Return the decision on one request."""
    return decide(AccessRequest(action, resource, principal, context or {}), policies)


def test_nothing_is_allowed_by_default() -> None:
    """Without policies the decision is an implicit deny that states what is missing, in AWS's words."""
    decision = ask(PolicySet())
    assert (decision.allowed, decision.reason, decision.by, decision.lacking) == (
        False,
        "implicit-deny",
        None,
        "identity",
    )
    assert decision.why == f"because no identity-based policy allows the {REGISTER} action"


def test_an_allow_names_its_statement() -> None:
    """The decision names the policy and the statement that allowed."""
    decision = ask(PolicySet((NONE, policy({"Action": "ec2:*"}, {"Sid": "Yes"}, name="second"))))
    assert decision.reason == "allow"
    assert decision.by is not None
    assert (decision.by.policy, decision.by.kind, decision.by.index) == ("second", "identity", 1)


@pytest.mark.parametrize("kind", ["identity", "boundary", "session", "resource"])
def test_a_deny_in_any_policy_decides(kind: str) -> None:
    """An explicit deny in any policy overrides allows in all policies, and is named."""
    everywhere = PolicySet((ALL,), (ALL,), (ALL,), (shared("*"),))
    denying = policy({"Effect": "Deny", "Principal": "*"}, kind="resource") if kind == "resource" else DENY
    decision = ask(replace(everywhere, **{kind: (ALL if kind != "resource" else shared("*"), denying)}), SESSION)
    assert (decision.allowed, decision.reason) == (False, "explicit-deny")
    assert decision.by is not None
    assert decision.by.kind == kind
    assert decision.why.startswith("with an explicit deny in a")


def test_a_false_condition_excludes_the_statement() -> None:
    """Denies and allows apply only if all their conditions are true."""
    conditional = policy(
        {"Condition": {"StringEquals": {"aws:RequestedRegion": "us-east-1"}, "Bool": {"aws:SecureTransport": True}}}
    )
    region, plain = ("us-east-1",), ("false",)
    assert ask(
        PolicySet((conditional,)), context={"aws:requestedregion": region, "AWS:SecureTransport": ("true",)}
    ).allowed
    assert not ask(
        PolicySet((conditional,)), context={"aws:RequestedRegion": region, "aws:SecureTransport": plain}
    ).allowed


@pytest.mark.parametrize(
    ("action", "allowed"),
    [
        (REGISTER, False),
        ("servicediscovery:deregisterinstance", False),
        ("servicediscovery:GetService", True),
        ("ec2:RunInstances", True),
    ],
)
def test_not_action_covers_all_other_actions(action: str, allowed: bool) -> None:
    """NotAction covers all actions that it does not name, of every service."""
    others = {"NotAction": "servicediscovery:*Instance", "Effect": "Allow", "Resource": "*"}
    only = parse_policy(json.dumps({"Statement": others}), "p", kind="identity")
    assert ask(PolicySet((only,)), action=action).allowed is allowed


def test_a_statement_with_a_service_pattern_is_found() -> None:
    """The index by service loses no statement whose action has a wildcard before the colon."""
    assert ask(PolicySet((policy({"Action": "service*:Register*"}),))).allowed
    assert not ask(PolicySet((policy({"Action": "route*:Register*"}),))).allowed


def test_a_boundary_limits_the_identity() -> None:
    """Both must allow; an empty boundary allows nothing."""
    assert ask(PolicySet((ALL,), (ALL,))).allowed
    assert ask(PolicySet((ALL,), (NONE,))).lacking == "boundary"
    assert ask(PolicySet((ALL,), ())).lacking == "boundary"
    assert ask(PolicySet((NONE,), (ALL,))).lacking == "identity"


def test_a_session_policy_limits_the_session() -> None:
    """Identity, boundary and session policy must all allow."""
    assert ask(PolicySet((ALL,), (ALL,), (ALL,)), SESSION).allowed
    decision = ask(PolicySet((ALL,), (ALL,), (NONE,)), SESSION)
    assert (decision.lacking, decision.why) == ("session", f"because no session policy allows the {REGISTER} action")


def test_root_is_allowed_everything_in_its_account_unless_denied() -> None:
    """The root user needs no policy in its own account, and a resource-based policy in another."""
    assert ask(PolicySet(), ROOT).allowed
    assert not ask(PolicySet(resource=(policy({"Effect": "Deny", "Principal": "*"}, kind="resource"),)), ROOT).allowed
    abroad = SERVICE.replace(HOME, ABROAD)
    assert not ask(PolicySet(), ROOT, resource=abroad).allowed
    assert ask(PolicySet(resource=(shared(HOME),)), ROOT, resource=abroad).allowed


@pytest.mark.parametrize(
    ("principal", "named", "allowed"),
    [
        (ALICE, ALICE.arn, True),
        (ALICE, "*", True),
        (ALICE, HOME, False),
        (ALICE, ROOT.arn, False),
        (ALICE, STRANGER.arn, False),
        (ALICE, f"arn:aws:iam::{HOME}:user/Alice", False),
        (SESSION, SESSION.arn, True),
        (SESSION, f"arn:aws:sts::{HOME}:assumed-role/deployer/two", False),
        (SESSION, DEPLOYER, False),
        (FEDERATED, FEDERATED.arn, True),
        (FEDERATED, ALICE.arn, False),
    ],
)
def test_a_policy_that_names_the_principal_needs_no_other_allow(
    principal: Principal, named: str, allowed: bool
) -> None:
    """In one account, naming the user or session itself suffices, even if boundary and session policies do not."""
    limited = PolicySet((), (NONE,), (NONE,) if principal is not ALICE else None, (shared(named),))
    assert ask(limited, principal).allowed is allowed


@pytest.mark.parametrize(("principal", "named"), [(SESSION, DEPLOYER), (FEDERATED, ALICE.arn)])
def test_a_policy_that_names_the_role_is_limited_like_the_session(principal: Principal, named: str) -> None:
    """It replaces the identity's allow, but boundary and session policies must allow too."""
    assert ask(PolicySet((), (ALL,), (ALL,), (shared(named),)), principal).allowed
    assert ask(PolicySet((), (NONE,), (ALL,), (shared(named),)), principal).lacking == "boundary"
    assert ask(PolicySet((), (ALL,), (NONE,), (shared(named),)), principal).lacking == "session"


def test_across_accounts_both_sides_must_allow() -> None:
    """Neither the resource-based policy, however it names the caller, nor the identity-based policy suffices alone."""
    assert ask(PolicySet((ALL,), resource=(shared(STRANGER.arn),)), STRANGER).allowed
    assert ask(PolicySet((ALL,), resource=(shared(ABROAD),)), STRANGER).allowed
    assert ask(PolicySet((NONE,), resource=(shared(STRANGER.arn),)), STRANGER).lacking == "identity"
    assert ask(PolicySet((ALL,)), STRANGER).lacking == "resource"
    assert ask(PolicySet((ALL,), (NONE,), resource=(shared(STRANGER.arn),)), STRANGER).lacking == "boundary"


def test_the_owner_determines_the_account() -> None:
    """A resource whose ARN has no account belongs to the caller unless an owner is passed."""
    zone = "arn:aws:route53:::hostedzone/Z1"
    request = AccessRequest("route53:GetHostedZone", zone, ALICE)
    assert decide(request, PolicySet((ALL,))).allowed
    assert decide(replace(request, owner=ABROAD), PolicySet((ALL,))).lacking == "resource"


def test_not_principal_matches_others_and_principals_with_a_boundary() -> None:
    """A deny with NotPrincipal exempts the principals it names, unless they have a permissions boundary."""
    exempting = policy({"Effect": "Deny", "NotPrincipal": {"AWS": [ALICE.arn, HOME]}}, kind="resource")
    assert ask(PolicySet((ALL,), resource=(exempting,))).allowed
    assert ask(PolicySet((ALL,), (ALL,), resource=(exempting,))).reason == "explicit-deny"
    assert ask(PolicySet((ALL,), resource=(exempting, shared(ABROAD))), STRANGER).reason == "explicit-deny"


@pytest.mark.parametrize(
    ("principal", "trusted", "identity", "allowed"),
    [
        (ALICE, {"AWS": ALICE.arn}, NONE, True),
        (ALICE, {"AWS": HOME}, NONE, False),
        (ALICE, {"AWS": HOME}, ALL, True),
        (ALICE, {"AWS": ABROAD}, ALL, False),
        (STRANGER, {"AWS": ABROAD}, ALL, True),
        (STRANGER, {"AWS": STRANGER.arn}, NONE, False),
        (ECS, {"Service": ECS.arn}, NONE, True),
        (ECS, {"Service": "ec2.amazonaws.com"}, ALL, False),
        (ECS, {"AWS": "*"}, ALL, False),
    ],
)
def test_a_role_is_assumed_by_principals_that_it_trusts(
    principal: Principal, trusted: dict[str, str], identity: Policy, allowed: bool
) -> None:
    """A trust policy must allow, in the same account too; trusting an account leaves it to identity-based policies."""
    trust = policy({"Action": "sts:AssumeRole", "Principal": trusted}, kind="trust")
    assert ask(PolicySet((identity,), resource=(trust,)), principal, "sts:AssumeRole", TARGET).allowed is allowed


def test_a_role_without_a_trusting_statement_is_not_assumed() -> None:
    """An identity's allow alone does not allow it to assume a role of its account."""
    assert ask(PolicySet((ALL,)), ALICE, "sts:AssumeRole", TARGET).lacking == "resource"


def test_an_external_id_is_a_condition_of_trust() -> None:
    """Trust with sts:ExternalId requires the right external id."""
    required = {"StringEquals": {"sts:ExternalId": "42"}}
    trust = policy({"Action": "sts:AssumeRole", "Principal": {"AWS": ABROAD}, "Condition": required}, kind="trust")
    policies = PolicySet((ALL,), resource=(trust,))
    for external_id, allowed in ((("42",), True), (("43",), False), (None, False)):
        context = {} if external_id is None else {"sts:ExternalId": external_id}
        assert ask(policies, STRANGER, "sts:AssumeRole", TARGET, context).allowed is allowed


def test_a_web_identity_is_trusted_through_its_provider() -> None:
    """Federated names the provider; no identity-based policy applies."""
    web_identity = Principal("accounts.google.com", "", "federated")
    trust = policy(
        {"Action": "sts:AssumeRoleWithWebIdentity", "Principal": {"Federated": web_identity.arn}}, kind="trust"
    )
    assert ask(PolicySet(resource=(trust,)), web_identity, "sts:AssumeRoleWithWebIdentity", TARGET).allowed


def test_an_exception_is_a_denial_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """A failed evaluation never allows, even if the statement would allow."""

    def broken(context: Context) -> bool:
        raise RuntimeError("out of order")

    statement = policy({"Condition": {"Bool": {"aws:SecureTransport": True}}}).statements[0]
    damaged = replace(statement, conditions=(replace(statement.conditions[0], holds=broken),))
    index = type(ALL.index)((damaged,))
    with caplog.at_level(logging.ERROR):
        decision = ask(PolicySet((replace(ALL, statements=(damaged,), index=index), ALL)))
    assert (decision.allowed, decision.reason, decision.by) == (False, "error", None)
    assert "out of order" in caplog.text


def test_thousands_of_statements_are_indexed_by_service() -> None:
    """Statements of other services are not evaluated."""
    evaluated: list[str] = []
    others: list[dict[str, object]] = [{"Action": f"s{number}:Get*"} for number in range(3_000)]
    many = policy(*others, {"Action": REGISTER})

    def recording(action: str) -> bool:
        evaluated.append(action)
        return True

    recorded = tuple(replace(statement, covers_action=recording) for statement in many.statements)
    assert ask(PolicySet((replace(many, statements=recorded, index=type(many.index)(recorded)),))).allowed
    assert evaluated == [REGISTER]
