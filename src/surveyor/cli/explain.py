"""`surveyor explain`: why a request was denied, from a report of a run or from policies.

Exit codes: 0 explained, 2 wrong usage, such as a file that is no policy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from surveyor.errors import UsageError
from surveyor.explain.denials import denials
from surveyor.explain.documents import Document, read_document
from surveyor.explain.explanation import explain as decided
from surveyor.explain.principals import caller, keys_of, somebody
from surveyor.explain.text import tell_denial, tell_dependent, tell_explanation
from surveyor.report import load_report
from surveyor.report.file import REPORT_FILE
from surveyor_policies.model import AccessRequest, PolicyKind, PolicySet, Principal
from surveyor_policies.statements import Context

__all__ = ["explain"]

Files = list[Path] | None


def explain(
    report: Annotated[
        Path | None, typer.Argument(metavar="[REPORT]", help="A report, or the folder of one: explains its denials.")
    ] = None,
    claim: Annotated[str | None, typer.Option(metavar="ID", help="Only the denials behind this claim.")] = None,
    action: Annotated[str | None, typer.Option(metavar="ACTION", help="servicediscovery:RegisterInstance")] = None,
    resource: Annotated[str, typer.Option(metavar="ARN", help="What it is done to; * if the action has none.")] = "*",
    principal: Annotated[
        str | None, typer.Option(metavar="ARN", help="Who calls; else somebody of the resource's account.")
    ] = None,
    policy: Annotated[Files, typer.Option(metavar="FILE", help="A policy of the caller; may be repeated.")] = None,
    boundary: Annotated[Files, typer.Option(metavar="FILE", help="The caller's permissions boundary.")] = None,
    session: Annotated[Files, typer.Option(metavar="FILE", help="A session policy; may be repeated.")] = None,
    resource_policy: Annotated[Files, typer.Option(metavar="FILE", help="A policy of the resource itself.")] = None,
    trust: Annotated[Files, typer.Option(metavar="FILE", help="The trust policy of the role.")] = None,
    context: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="A condition key of the request; repeat it for further values."),
    ] = None,
) -> None:
    """Says which statement allowed or denied a request, or which is missing and the smallest one that would do."""
    if (report is None) is (action is None):
        raise UsageError("give either a REPORT, or --action with the caller's policies")
    if report is not None:
        _of_report(report, claim)
        return
    assert action is not None  # or there would be a report
    if ":" not in action:
        raise UsageError(f"expected --action as service:Operation, got {action!r}")
    asked = AccessRequest(action, resource, _principal(principal, resource, session), _context(context or []))
    given: dict[PolicyKind, list[Document]] = {
        "identity": [read_document(path, "identity") for path in policy or []],
        "boundary": [read_document(path, "identity") for path in boundary or []],
        "session": [read_document(path, "session") for path in session or []],
        "resource": [
            *(read_document(path, "resource") for path in resource_policy or []),
            *(read_document(path, "trust") for path in trust or []),
        ],
    }
    _of_policies(asked, given)


def _of_policies(request: AccessRequest, given: Mapping[PolicyKind, list[Document]]) -> None:
    policies = {kind: tuple(each.policy for each in documents) for kind, documents in given.items()}
    applying = PolicySet(
        policies["identity"], policies["boundary"] or None, policies["session"] or None, policies["resource"]
    )
    found = decided(replace(request, context={**keys_of(request.principal), **request.context}), applying)
    documents = {each.policy.name: each for documents in given.values() for each in documents}
    typer.echo("\n".join(tell_explanation(found, documents)))
    if found.decision.reason != "explicit-deny":  # no further allow helps there
        for line in tell_dependent(request.action, applying):
            typer.echo(line)


def _of_report(path: Path, claim: str | None) -> None:
    report = load_report(path / REPORT_FILE if path.is_dir() else path)
    if claim is not None and claim not in {each.id for each in report.claims}:
        raise UsageError(f"{path} has no claim {claim!r}")
    found = list(denials(report, claim))
    for denial in found:
        typer.echo("\n".join(tell_denial(denial)) + "\n")
    where = f"in {path}" if claim is None else f"behind {claim}"
    typer.echo(f"{len(found)} refused {'call' if len(found) == 1 else 'calls'} {where}")


def _principal(arn: str | None, resource: str, session: list[Path] | None) -> Principal:
    return caller(arn) if arn else somebody(resource, session=bool(session))


def _context(texts: list[str]) -> Context:
    context: dict[str, tuple[str, ...]] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise UsageError(f"expected --context KEY=VALUE, got {text!r}")
        context[key.lower()] = (*context.get(key.lower(), ()), value)
    return context
