"""`surveyor doctor`: check that this machine has everything that a survey needs, and name what is optional."""

from __future__ import annotations

from typing import Annotated

import typer

from surveyor.cli._support.doctor_checks import DoctorCheck, run_checks, target_check
from surveyor.cli._support.tables import print_table
from surveyor.typed_json import dump_json

__all__ = ["doctor"]

_SCHEMA = "surveyor/doctor/v1"


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON: each check with its status.")] = False,
) -> None:
    """Check what is missing on this machine, and what works without it; exit 3 if a survey cannot run."""
    checks = list(run_checks())
    if not _missing(checks):  # it says more than any check, and cannot start without them
        checks.append(target_check())
    missing = _missing(checks)
    if as_json:
        typer.echo(dump_json(_document(checks, ready=not missing), indent=2), nl=False)
    else:
        print_table(("", "", ""), [(check.name, check.status, check.text) for check in checks])
        ready = "ready to survey the embedded target: surveyor survey"
        typer.echo(f"a survey needs: {', '.join(missing)}" if missing else ready)
    if missing:
        raise typer.Exit(3)


def _missing(checks: list[DoctorCheck]) -> list[str]:
    return [check.name for check in checks if check.required and not check.ok]


def _document(checks: list[DoctorCheck], *, ready: bool) -> dict[str, object]:
    rows = [
        {
            "name": check.name,
            "status": check.status.lower(),
            "required": check.required,
            "detail": check.detail,
            "without": check.without,
            "cure": check.cure,
        }
        for check in checks
    ]
    return {"schema": _SCHEMA, "ready": ready, "checks": rows}
