"""`surveyor mutants`: check that the suites notice a target that breaks one documented behaviour.

Exit codes: 0 every mutant caught, 1 one missed, 2 an unknown claim or an invalid file, 3 the run failed.
"""

from __future__ import annotations

import os
from typing import Annotated

import typer

from surveyor.errors import SurveyorError, UsageError

__all__ = ["mutants"]


def mutants(
    claim: Annotated[list[str] | None, typer.Option("--claim", metavar="ID", help="Only this claim's mutant.")] = None,
    area: Annotated[list[str] | None, typer.Option("--area", metavar="AREA", help="Only mutants of this area.")] = None,
    workers: Annotated[int, typer.Option(min=0, help="Processes, each with its own target; 0: automatic.")] = 0,
    *,
    coverage: Annotated[bool, typer.Option("--coverage", help="Run nothing; list claims without mutant.")] = False,
) -> None:
    """Break one documented behaviour of the embedded target after another, and check that the suites notice."""
    from surveyor.claims import load_claims
    from surveyor.claims.proofs import find_proofs
    from surveyor.claims.selection import Selection
    from surveyor.cli._support.progress import make_progress
    from surveyor.cli._support.tables import print_table
    from surveyor.conformance.mutants import load_mutants
    from surveyor.conformance.mutants.run import run_mutants
    from surveyor.layout import find_layout

    layout = find_layout()
    claims = load_claims(layout.claims)
    known = load_mutants(layout.mutants, claims.by_id)
    proofs = find_proofs(layout.suites)
    proven = [claim_id for claim_id in claims.by_id if claim_id in proofs]
    without = [claim_id for claim_id in proven if claim_id not in known]
    if coverage:
        for claim_id in without:
            typer.echo(f"no mutant\t{claim_id}")
        typer.echo(f"{len(proven) - len(without)} of {len(proven)} proven claims have a mutant")
        return
    selected = Selection(tuple(area or ()), tuple(claim or ())).select(claims)
    chosen = [known[claim_id] for claim_id in proven if claim_id in known and claim_id in selected]
    if not chosen:
        raise UsageError("none of these claims has a mutant; see: surveyor mutants --coverage")
    if workers == 0:
        workers = min(4, os.cpu_count() or 1) if len(chosen) > 10 else 1
    with make_progress() as progress:
        results = run_mutants(layout, chosen, progress, workers=workers)
        if progress.internal or progress.broken:
            raise SurveyorError(f"the run failed: {progress.internal or progress.broken[0]}")
    print_table(
        ("claim", "mutant", "", "what caught it"),
        [
            (result.mutant.claim, result.mutant, "caught" if result.caught else "MISSED", result.reason)
            for result in results
        ],
    )
    missed = sum(not result.caught for result in results)
    typer.echo(
        f"{len(results) - missed} caught, {missed} missed; "
        f"{len(proven) - len(without)} of {len(proven)} proven claims have a mutant"
    )
    if missed:
        raise typer.Exit(1)
