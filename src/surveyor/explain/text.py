"""Explanations in words: lines for a terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from surveyor.explain.denials import Denial, Said
from surveyor.explain.dependent import dependent
from surveyor.explain.documents import Document, document
from surveyor.explain.explanation import Explanation, Missing, explain, smallest
from surveyor.explain.principals import caller, keys_of
from surveyor_policies.model import AccessRequest, PolicyKind, PolicySet

__all__ = ["tell_denial", "tell_dependent", "tell_explanation"]

Documents = Mapping[str, Document]

_PLACES: dict[PolicyKind, str] = {
    "identity": "an identity-based policy of the caller",
    "boundary": "the caller's permissions boundary",
    "session": "the session policy",
    "resource": "the resource's policy",
}
_EVERYTHING = '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}'


def tell_explanation(found: Explanation, documents: Documents) -> Iterator[str]:
    """What decided or is missing, with the statements; ``documents`` by the names of their policies."""
    request, decision = found.request, found.decision
    outcome = {"allow": "allowed", "error": "denied by an error"}.get(decision.reason, "denied")
    yield f"{outcome}: {request.action} on {request.resource} by {request.principal.arn} {decision.why}"
    if decision.by:
        yield f"decided by {_place(decision.by.policy, decision.by.index, documents)}:"
        yield from _indented(documents[decision.by.policy].texts[decision.by.index])
    yield from _missing_and_close(found, documents)


def tell_dependent(action: str, policies: PolicySet) -> Iterator[str]:
    """What a call needs beside its own action, and the smallest statement for what is missing of it."""
    found = dependent(action, policies)
    if found is None:
        return
    yield f"the call goes on as its caller and may need, depending on the namespace: {', '.join(found.actions)}"
    for kind, actions in found.missing.items():
        yield f"missing in {_PLACES[kind]}, on whatever resource they are about:"
        yield from _indented(json.dumps({"Effect": "Allow", "Action": list(actions), "Resource": "*"}, indent=2))


def tell_denial(denial: Denial) -> Iterator[str]:
    """What a report tells of one refused call."""
    yield f"{denial.claim}, {denial.test}: {denial.operation} was refused"
    if denial.said is None:
        yield f"  the answer does not say who lacked what: {denial.message or 'it has no message'}"
        return
    said = denial.said
    yield f"  {said.action} on {said.resource} by {said.caller}"
    if denial.session and said.kind in (None, "session"):
        yield from (f"  {line}" for line in _by_session(said, denial.session))
    elif said.kind is None:
        yield "  the answer does not say which policy decided"
    elif said.explicit:
        yield f"  a Deny statement in {_PLACES[said.kind]} decided; the report does not hold that policy"
    else:
        yield from (f"  {line}" for line in _missing(Missing(said.kind, smallest(_request(said), said.kind))))


def _by_session(said: Said, session: Document) -> Iterator[str]:
    everything = document(_EVERYTHING, "everything", "identity").policy
    policies = PolicySet((everything,), session=(session.policy,))
    found = explain(_request(said), policies, context_known=False)
    documents = {session.policy.name: session}
    if found.decision.by and not found.decision.allowed:
        yield f"decided by {_place(session.policy.name, found.decision.by.index, documents)}:"
        yield from _indented(session.texts[found.decision.by.index])
    elif found.decision.allowed:
        yield "the session policy allows it, as far as the report tells; a condition, or another policy, decided"
    yield from _missing_and_close(found, documents)


def _request(said: Said) -> AccessRequest:
    """The request as a message tells it, in the caller's account: what a resource allows, a message does not tell."""
    principal = caller(said.caller)
    return AccessRequest(said.action, said.resource, principal, keys_of(principal), principal.account)


def _missing_and_close(found: Explanation, documents: Documents) -> Iterator[str]:
    for missing in found.missing:
        yield from _missing(missing)
    for close in found.close:
        yield f"not it: {_place(close.policy, close.index, documents)}: {close.why}"


def _missing(missing: Missing) -> Iterator[str]:
    yield f"missing in {_PLACES[missing.kind]}; the smallest statement that would allow it:"
    yield from _indented(json.dumps(missing.statement, indent=2))


def _place(policy: str, index: int, documents: Documents) -> str:
    known = documents[policy]
    sid = known.policy.statements[index].sid
    named = f" ({sid})" if sid else ""
    return f"{policy}, line {known.lines[index]}, statement {index + 1}{named}"


def _indented(text: str) -> Iterator[str]:
    lines = text.splitlines()
    margin = min((len(line) - len(line.lstrip()) for line in lines[1:] if line.strip()), default=0)
    yield f"    {lines[0]}"
    yield from (f"    {line[margin:]}" for line in lines[1:])
