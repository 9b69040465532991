"""Explanations as lines of text for a terminal."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping

from surveyor.errors import UsageError
from surveyor.explain.decoded import DecodedDenial, MatchedStatement
from surveyor.explain.denials import Denial
from surveyor.explain.dependent import find_dependent_actions
from surveyor.explain.documents import Document, parse_document
from surveyor.explain.explanation import Explanation, MissingStatement, explain, smallest_statement
from surveyor.explain.messages import DenialMessage, find_encoded, parse_message
from surveyor.explain.policy_types import POLICY_TYPES, POSSIBLE, TypeName, proposed_kind
from surveyor.explain.principals import parse_principal, principal_context
from surveyor.visible_text import one_line
from surveyor_policies.model import AccessRequest, PolicyKind, PolicySet, Principal
from surveyor_policies.statements import Context

__all__ = [
    "format_decoded",
    "format_denial",
    "format_dependent_actions",
    "format_explanation",
    "format_message",
    "format_others",
    "request_of",
]

Documents = Mapping[str, Document]

_ALLOW_ALL = '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}'


def format_explanation(explanation: Explanation, documents: Documents) -> Iterator[str]:
    """Yield what decided or is missing, with the statements; ``documents`` by the names of their policies."""
    request, decision = explanation.request, explanation.decision
    outcome = {"allow": "allowed", "error": "denied by an error"}.get(decision.reason, "denied")
    yield f"{outcome}: {request.action} on {request.resource} by {request.principal.arn} {decision.why}"
    if decision.by:
        yield f"decided by {_position(decision.by.policy, decision.by.index, documents)}:"
        yield from _indented(documents[decision.by.policy].texts[decision.by.index])
    yield from _format_missing_and_near(explanation, documents)


def format_dependent_actions(action: str, policies: PolicySet) -> Iterator[str]:
    """Yield what a call needs beside its own action, and the smallest statement for what is missing of it."""
    dependent = find_dependent_actions(action, policies)
    if dependent is None:
        return
    actions = ", ".join(dependent.actions)
    yield f"depending on the namespace, the call makes further calls as its caller, which may need: {actions}"
    for kind, missing in dependent.missing.items():
        yield f"missing in {POLICY_TYPES[kind].name}, for the resources of those calls:"
        yield from _indented(json.dumps({"Effect": "Allow", "Action": list(missing), "Resource": "*"}, indent=2))


def format_denial(denial: Denial) -> Iterator[str]:
    """Yield what a report says about one refused call."""
    yield f"{denial.claim}, {denial.test}: {denial.operation} was refused"
    yield from _indented_by(2, _format_message(denial.message, denial.details, denial.session))


def format_message(message: str) -> Iterator[str]:
    """Yield what one error message of AWS says about a refused call."""
    yield from _format_message(message, parse_message(message), None)


def format_decoded(decoded: DecodedDenial) -> Iterator[str]:
    """Yield what a decoded message says: the request, what decided, and what would help."""
    context = decoded.context
    caller = context.principal.arn or context.principal.id or "a caller that the message does not name"
    action, resource = context.action or "an action that the message does not name", context.resource or "*"
    yield one_line(f"{'allowed' if decoded.allowed else 'denied'}: {action} on {resource} by {caller}")
    for statement in decoded.matched_statements.items:
        yield from _format_statement(statement, decoded)
    if decoded.allowed:
        return
    if decoded.explicit_deny:
        yield "a Deny statement decided: no allow helps, the statement must be changed"
        return
    yield "no statement allows it"
    if context.action:
        details = DenialMessage(caller, context.action, resource, "identity", False)
        yield from _format_missing(MissingStatement("identity", smallest_statement(request_of(details), "identity")))
    yield "if that policy allows it already, one of these does not: " + ", ".join(
        POLICY_TYPES[name].name for name in _LIMITS
    )


_LIMITS: tuple[TypeName, ...] = ("boundary", "session", "service-control", "resource-control", "vpc-endpoint")
"""The types of policies that must allow a request beside the caller's own."""


def format_others(given: Collection[PolicyKind], *, allowed: bool) -> str:
    """Return which types of policies decide as well, beside the kinds that are given."""
    others = ", ".join(POLICY_TYPES[name].name for name in _LIMITS if name not in given)
    return f"not given, and may deny it {'all the same' if allowed else 'as well'}: {others}"


def _format_statement(statement: MatchedStatement, decoded: DecodedDenial) -> Iterator[str]:
    """Yield a statement that AWS names, with the request's values of the keys in its conditions."""
    by_session = "SCOPE_POLICY_ISSUER" in [entry.value for entry in statement.principals.items]
    source = statement.source_policy_id or ("the session policy" if by_session else "")
    kind = f" ({statement.source_policy_type})" if statement.source_policy_type else ""
    name = f"statement {statement.statement_id!r}" if statement.statement_id else "a statement without an id"
    effect = statement.effect.lower() or "matches"
    yield one_line(
        f"  {effect}: {name}{' of ' + source + kind if source or kind else ''}, "
        f"actions {statement.actions}, resources {statement.resources}"
    )
    for condition in statement.conditions.items:
        values = ", ".join(decoded.keys.get(condition.key.lower(), ())) or "none"
        yield one_line(f"    if {condition.key} is {condition.values}; the request has {values}")


def _format_message(message: str, details: DenialMessage | None, session: Document | None) -> Iterator[str]:
    encoded = find_encoded(message)
    if details is not None:
        yield one_line(f"{details.action} on {details.resource} by {details.caller}")
        yield from _format_details(details, session)
    elif encoded is None:
        yield f"the answer does not say which permission is missing: {one_line(message) or 'it has no message'}"
        yield f"possible are {POSSIBLE}"
    if encoded is None:
        return
    if not encoded.complete:
        yield "only a part of the encoded reason is here, which cannot be decoded: repeat the call"
        return
    yield "the reason is encoded; with the permission sts:DecodeAuthorizationMessage, in the same account:"
    yield f"  aws sts decode-authorization-message --encoded-message {encoded.text} | surveyor explain -"


def _format_details(details: DenialMessage, session: Document | None) -> Iterator[str]:
    if session and details.kind in (None, "session"):
        yield from _format_by_session(details, session)
        return
    if details.kind is None:
        decided = "; it was an explicit deny, against which no allow helps" if details.explicit else ""
        yield f"the answer does not say which policy decided{decided}; possible are {POSSIBLE}"
        return
    decided_by = POLICY_TYPES[details.kind]
    policy = f" ({details.policy})" if details.policy else ""
    kind = proposed_kind(details.kind)
    if details.explicit:
        yield one_line(f"a Deny statement in {decided_by.name}{policy} decided")
        yield f"no allow helps: the statement must be changed {decided_by.changed}"
    elif kind is not None:
        yield from _format_missing(MissingStatement(kind, smallest_statement(request_of(details), kind)))
    else:
        yield one_line(f"{decided_by.name}{policy} does not allow it: an allow in a policy of the caller does not help")
        yield one_line(f"{details.action} on {details.resource} must be allowed {decided_by.changed}")


def _format_by_session(details: DenialMessage, session: Document) -> Iterator[str]:
    allow_all = parse_document(_ALLOW_ALL, "everything", "identity").policy
    policies = PolicySet((allow_all,), session=(session.policy,))
    explanation = explain(request_of(details), policies, context_known=False)
    documents = {session.policy.name: session}
    if explanation.decision.by and not explanation.decision.allowed:
        yield f"decided by {_position(session.policy.name, explanation.decision.by.index, documents)}:"
        yield from _indented(session.texts[explanation.decision.by.index])
    elif explanation.decision.allowed:
        yield "the session policy allows it, as far as the report shows; a condition or another policy decided"
    yield from _format_missing_and_near(explanation, documents)


def request_of(details: DenialMessage, keys: Context | None = None) -> AccessRequest:
    """Return the request of a message, in the caller's account: a message does not name the resource's account.

    `keys`: its condition keys, if they are known.
    """
    try:
        principal = parse_principal(details.caller)
    except UsageError:  # anonymous, or of a partition or a kind that is not known here
        principal = Principal(details.caller, "", "user")
    context = {**principal_context(principal), **(keys or {})}
    return AccessRequest(details.action, details.resource, principal, context, principal.account)


def _format_missing_and_near(explanation: Explanation, documents: Documents) -> Iterator[str]:
    for missing in explanation.missing:
        yield from _format_missing(missing)
    for near in explanation.near_matches:
        yield f"does not apply: {_position(near.policy, near.index, documents)}: {near.why}"


def _format_missing(missing: MissingStatement) -> Iterator[str]:
    yield f"missing in {POLICY_TYPES[missing.kind].name}; the smallest statement that would allow it:"
    yield from _indented(json.dumps(missing.statement, indent=2))


def _position(policy: str, index: int, documents: Documents) -> str:
    document = documents[policy]
    sid = document.policy.statements[index].sid
    suffix = f" ({sid})" if sid else ""
    return f"{policy}, line {document.lines[index]}, statement {index + 1}{suffix}"


def _indented_by(count: int, lines: Iterator[str]) -> Iterator[str]:
    yield from (f"{' ' * count}{line}" for line in lines)


def _indented(text: str) -> Iterator[str]:
    lines = text.splitlines()
    margin = min((len(line) - len(line.lstrip()) for line in lines[1:] if line.strip()), default=0)
    yield f"    {lines[0]}"
    yield from (f"    {line[margin:]}" for line in lines[1:])
