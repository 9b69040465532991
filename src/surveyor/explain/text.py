"""Explanations as lines of text for a terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from surveyor.explain.denials import Denial, DenialMessage
from surveyor.explain.dependent import find_dependent_actions
from surveyor.explain.documents import Document, parse_document
from surveyor.explain.explanation import Explanation, MissingStatement, explain, smallest_statement
from surveyor.explain.principals import parse_principal, principal_context
from surveyor_policies.model import AccessRequest, PolicyKind, PolicySet

__all__ = ["format_denial", "format_dependent_actions", "format_explanation"]

Documents = Mapping[str, Document]

_POLICY_NAMES: dict[PolicyKind, str] = {
    "identity": "an identity-based policy of the caller",
    "boundary": "the caller's permissions boundary",
    "session": "the session policy",
    "resource": "the resource's policy",
}
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
        yield f"missing in {_POLICY_NAMES[kind]}, for the resources of those calls:"
        yield from _indented(json.dumps({"Effect": "Allow", "Action": list(missing), "Resource": "*"}, indent=2))


def format_denial(denial: Denial) -> Iterator[str]:
    """Yield what a report says about one refused call."""
    yield f"{denial.claim}, {denial.test}: {denial.operation} was refused"
    details = denial.details
    if details is None:
        yield f"  the answer does not say which permission is missing: {denial.message or 'it has no message'}"
        return
    yield f"  {details.action} on {details.resource} by {details.caller}"
    if denial.session and details.kind in (None, "session"):
        yield from (f"  {line}" for line in _format_by_session(details, denial.session))
    elif details.kind is None:
        yield "  the answer does not say which policy decided"
    elif details.explicit:
        yield f"  a Deny statement in {_POLICY_NAMES[details.kind]} decided; that policy is not in the report"
    else:
        missing = MissingStatement(details.kind, smallest_statement(_request(details), details.kind))
        yield from (f"  {line}" for line in _format_missing(missing))


def _format_by_session(details: DenialMessage, session: Document) -> Iterator[str]:
    allow_all = parse_document(_ALLOW_ALL, "everything", "identity").policy
    policies = PolicySet((allow_all,), session=(session.policy,))
    explanation = explain(_request(details), policies, context_known=False)
    documents = {session.policy.name: session}
    if explanation.decision.by and not explanation.decision.allowed:
        yield f"decided by {_position(session.policy.name, explanation.decision.by.index, documents)}:"
        yield from _indented(session.texts[explanation.decision.by.index])
    elif explanation.decision.allowed:
        yield "the session policy allows it, as far as the report shows; a condition or another policy decided"
    yield from _format_missing_and_near(explanation, documents)


def _request(details: DenialMessage) -> AccessRequest:
    """Return the request of a message, in the caller's account: a message does not name the resource's account."""
    principal = parse_principal(details.caller)
    return AccessRequest(details.action, details.resource, principal, principal_context(principal), principal.account)


def _format_missing_and_near(explanation: Explanation, documents: Documents) -> Iterator[str]:
    for missing in explanation.missing:
        yield from _format_missing(missing)
    for near in explanation.near_matches:
        yield f"does not apply: {_position(near.policy, near.index, documents)}: {near.why}"


def _format_missing(missing: MissingStatement) -> Iterator[str]:
    yield f"missing in {_POLICY_NAMES[missing.kind]}; the smallest statement that would allow it:"
    yield from _indented(json.dumps(missing.statement, indent=2))


def _position(policy: str, index: int, documents: Documents) -> str:
    document = documents[policy]
    sid = document.policy.statements[index].sid
    suffix = f" ({sid})" if sid else ""
    return f"{policy}, line {document.lines[index]}, statement {index + 1}{suffix}"


def _indented(text: str) -> Iterator[str]:
    lines = text.splitlines()
    margin = min((len(line) - len(line.lstrip()) for line in lines[1:] if line.strip()), default=0)
    yield f"    {lines[0]}"
    yield from (f"    {line[margin:]}" for line in lines[1:])
