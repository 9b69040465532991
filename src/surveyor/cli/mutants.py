"""`surveyor mutants`: do the suites notice a target that is wrong?

Exit codes: 0 every mutant caught, 1 one missed, 2 an unknown claim or a wrong file, 3 the run broke.
"""

from __future__ import annotations

import os
from typing import Annotated

import typer

from surveyor.errors import SurveyorError, UsageError

__all__ = ["mutants"]


def mutants(
    claim: Annotated[list[str] | None, typer.Option("--claim", metavar="ID", help="Only this claim's.")] = None,
    area: Annotated[list[str] | None, typer.Option("--area", metavar="AREA", help="Only this area's.")] = None,
    workers: Annotated[int, typer.Option(min=0, help="Processes, each with a target of its own; 0 chooses.")] = 0,
    *,
    coverage: Annotated[bool, typer.Option("--coverage", help="Run nothing; say which claims have none.")] = False,
) -> None:
    """Makes the embedded target wrong in one documented behaviour after another, and sees whether the suites notice."""
    from surveyor.claims import load_claims
    from surveyor.claims.proofs import find_proofs
    from surveyor.claims.selection import Selection
    from surveyor.cli._support.progress import progress_for
    from surveyor.cli._support.tables import print_table
    from surveyor.conformance.mutants import load_mutants
    from surveyor.conformance.mutants.run import run_mutants
    from surveyor.layout import find_layout

    layout = find_layout()
    claims = load_claims(layout.claims)
    known = load_mutants(layout.mutants, claims.by_id)
    proven = [one for one in claims.by_id if one in find_proofs(layout.suites)]
    without = [one for one in proven if one not in known]
    if coverage:
        for one in without:
            typer.echo(f"no mutant\t{one}")
        typer.echo(f"{len(proven) - len(without)} of {len(proven)} proven claims have a mutant")
        return
    chosen = Selection(tuple(area or ()), tuple(claim or ())).select(claims)
    wanted = [known[one] for one in proven if one in known and one in chosen]
    if not wanted:
        raise UsageError("none of these claims has a mutant; see: surveyor mutants --coverage")
    if workers == 0:
        workers = min(4, os.cpu_count() or 1) if len(wanted) > 10 else 1
    with progress_for() as progress:
        outcomes = run_mutants(layout, wanted, progress, workers=workers)
        if progress.internal or progress.broken:
            raise SurveyorError(f"the run broke: {progress.internal or progress.broken[0]}")
    print_table(
        ("claim", "mutant", "", "what gave it away"),
        [(one.mutant.claim, one.mutant, "caught" if one.caught else "MISSED", one.told) for one in outcomes],
    )
    missed = sum(not one.caught for one in outcomes)
    typer.echo(
        f"{len(outcomes) - missed} caught, {missed} missed; "
        f"{len(proven) - len(without)} of {len(proven)} proven claims have a mutant"
    )
    if missed:
        raise typer.Exit(1)
