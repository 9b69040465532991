"""Check that claims name operations and sources that the models of botocore have: anything else is misspelled."""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Mapping
from typing import Any

from surveyor.claims.documents import Documents
from surveyor.claims.model import Claim, SourceKind
from surveyor.errors import UsageError
from surveyor.messages import nearest
from surveyor.service_models import model_loader

__all__ = ["check_operations", "check_references", "check_sources"]

_SERVICE = "servicediscovery"


def check_references(claims: Collection[Claim]) -> None:
    """Raise UsageError for a claim about what the installed botocore lacks."""
    documents = Documents()
    check_operations(claims, documents)
    check_sources(claims, documents)


def check_operations(claims: Iterable[Claim], documents: Documents) -> None:
    """Raise UsageError, which names file and line, for the first claim about an operation that Cloud Map lacks."""
    known = documents.operations(_SERVICE)
    for claim in claims:
        for operation in claim.operations:
            if operation not in known:
                hint = nearest(operation, known) or "; those of other services belong in `check`"
                raise UsageError(
                    f"{claim.location}: claim {claim.id!r}: Cloud Map has no operation {operation!r}{hint}"
                )


def check_sources(claims: Iterable[Claim], documents: Documents, recorded: Container[str] = ()) -> None:
    """Raise UsageError, which names file and line, for the first claim whose source the models lack.

    `recorded`: paths that an earlier botocore had, which are not misspelled.
    """
    for claim in claims:
        path = claim.source.text
        if claim.source.kind is not SourceKind.MODEL or path in recorded or documents.member(path) is not None:
            continue
        raise UsageError(f"{claim.location}: claim {claim.id!r}: source {path!r}: {_lack(path, documents)}")


def _lack(path: str, documents: Documents) -> str:
    """Return what of a path the models lack, and what is there with a similar name."""
    botocore = f"botocore {documents.version}"
    service, _, rest = path.partition("/")
    model = documents.model(service)
    if model is None:
        known = model_loader().list_available_services("service-2")
        return f"{botocore} has no service {service!r}{nearest(service, known)}"
    name, _, member = rest.partition(".")
    shapes: Mapping[str, Any] = model["shapes"]
    if member and name in shapes:
        return f"{name!r} has no member {member!r}{nearest(member, shapes[name].get('members', ()))}"
    return f"{service!r} has no operation and no shape {name!r}{nearest(name, [*shapes, *model['operations']])}"
