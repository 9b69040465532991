"""`surveyor explain`: explain why a request was denied, from a report, an answer of AWS, or policies.

Exit codes: 0 explained, 2 wrong usage, such as a file that is not a policy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from surveyor.errors import UsageError
from surveyor.explain.answers import DenialAnswer, read_answer
from surveyor.explain.denials import find_denials
from surveyor.explain.documents import Document, read_document
from surveyor.explain.explanation import explain as explain_request
from surveyor.explain.principals import default_principal, parse_principal, principal_context
from surveyor.explain.text import format_denial, format_dependent_actions, format_explanation, format_others
from surveyor.input_files import is_folder
from surveyor.report.file import REPORT_FILE, load_report
from surveyor_policies.model import AccessRequest, PolicyKind, PolicySet, Principal
from surveyor_policies.statements import Context

__all__ = ["explain"]

Files = list[Path] | None


def explain(
    report: Annotated[
        Path | None,
        typer.Argument(
            metavar="REPORT",
            help="Report, or its folder, whose denials to explain; or a file, - for standard input, with an error "
            "message of AWS or the output of aws sts decode-authorization-message.",
        ),
    ] = None,
    claim: Annotated[str | None, typer.Option(metavar="ID", help="Explain only the denials of this claim.")] = None,
    action: Annotated[
        str | None,
        typer.Option(metavar="ACTION", help="Action of the request, such as servicediscovery:RegisterInstance."),
    ] = None,
    resource: Annotated[
        str, typer.Option(metavar="ARN", help="Resource of the request; * if the action has none.")
    ] = "*",
    principal: Annotated[
        str | None, typer.Option(metavar="ARN", help="Caller; default: any user in the resource's account.")
    ] = None,
    policy: Annotated[
        Files, typer.Option(metavar="FILE", help="Identity-based policy of the caller; may be repeated.")
    ] = None,
    boundary: Annotated[
        Files, typer.Option(metavar="FILE", help="Permissions boundary of the caller; may be repeated.")
    ] = None,
    session: Annotated[Files, typer.Option(metavar="FILE", help="Session policy; may be repeated.")] = None,
    resource_policy: Annotated[
        Files, typer.Option(metavar="FILE", help="Resource-based policy; may be repeated.")
    ] = None,
    trust: Annotated[Files, typer.Option(metavar="FILE", help="Trust policy of the role; may be repeated.")] = None,
    context: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="Condition key of the request; repeat it for further values."),
    ] = None,
) -> None:
    """Show which statement allowed or denied a request, or which is missing, and the smallest sufficient one."""
    if (report is None) is (action is None):
        raise UsageError("expected either a REPORT, or --action with the caller's policies")
    documents: dict[PolicyKind, list[Document]] = {
        "identity": [read_document(path, "identity") for path in policy or []],
        "boundary": [read_document(path, "identity") for path in boundary or []],
        "session": [read_document(path, "session") for path in session or []],
        "resource": [
            *(read_document(path, "resource") for path in resource_policy or []),
            *(read_document(path, "trust") for path in trust or []),
        ],
    }
    if report is not None:
        answer = None if is_folder(report) else read_answer(report)
        if answer is None:
            _explain_report(report, claim)
        elif claim is not None:
            raise UsageError(f"--claim needs a report, and {report} is an answer of AWS")
        else:
            _explain_answer(answer, documents)
        return
    assert action is not None  # otherwise there is a report
    if ":" not in action:
        raise UsageError(f"expected --action as service:Operation, got {action!r}")
    request = AccessRequest(action, resource, _principal(principal, resource, session), _context(context or []))
    _explain_request(request, documents)


def _explain_answer(answer: DenialAnswer, documents: Mapping[PolicyKind, list[Document]]) -> None:
    """Print what an answer says; with policies also what they say about its request."""
    for lines, request in answer.explanations():
        typer.echo("\n".join(lines))
        if request is not None and any(documents.values()):
            typer.echo("by the policies that are given:")
            _explain_request(request, documents, context_known=answer.context_known)


def _explain_request(
    request: AccessRequest, documents: Mapping[PolicyKind, list[Document]], *, context_known: bool = True
) -> None:
    policies = {kind: tuple(document.policy for document in group) for kind, group in documents.items()}
    policy_set = PolicySet(
        policies["identity"], policies["boundary"] or None, policies["session"] or None, policies["resource"]
    )
    context = {**principal_context(request.principal), **request.context}
    explanation = explain_request(replace(request, context=context), policy_set, context_known=context_known)
    by_name = {document.policy.name: document for group in documents.values() for document in group}
    typer.echo("\n".join(format_explanation(explanation, by_name)))
    if explanation.decision.reason != "explicit-deny":  # no further allow helps then
        for line in format_dependent_actions(request.action, policy_set):
            typer.echo(line)
        given = [kind for kind, group in documents.items() if group]
        typer.echo(format_others(given, allowed=explanation.decision.allowed))


def _explain_report(path: Path, claim: str | None) -> None:
    report = load_report(path / REPORT_FILE if is_folder(path) else path)
    if claim is not None and claim not in {claim_report.id for claim_report in report.claims}:
        raise UsageError(f"{path} has no claim {claim!r}")
    denials = list(find_denials(report, claim))
    for denial in denials:
        typer.echo("\n".join(format_denial(denial)) + "\n")
    subject = f"in {path}" if claim is None else f"of claim {claim}"
    typer.echo(f"{len(denials)} refused {'call' if len(denials) == 1 else 'calls'} {subject}")


def _principal(arn: str | None, resource: str, session: list[Path] | None) -> Principal:
    return parse_principal(arn) if arn else default_principal(resource, session=bool(session))


def _context(texts: list[str]) -> Context:
    context: dict[str, tuple[str, ...]] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise UsageError(f"expected --context KEY=VALUE, got {text!r}")
        context[key.lower()] = (*context.get(key.lower(), ()), value)
    return context
