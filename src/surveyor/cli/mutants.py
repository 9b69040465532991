"""`surveyor mutants`: check that the suites notice a target that breaks one documented behaviour.

Exit codes: 0 every mutant caught, 1 one missed, or (--claim) a test fails without the mutant as well, or (--claim,
--coverage) a claim lacks mutants, 2 an unknown claim or an invalid file, 3 the run failed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from surveyor.errors import SurveyorError, UsageError

if TYPE_CHECKING:
    from surveyor.conformance.mutants import Mutant
    from surveyor.conformance.mutants.run import MutantResult

__all__ = ["mutants"]


def mutants(
    claim: Annotated[
        list[str] | None,
        typer.Option("--claim", metavar="ID", help="Only this claim: its suite first, then its mutants."),
    ] = None,
    area: Annotated[list[str] | None, typer.Option("--area", metavar="AREA", help="Only mutants of this area.")] = None,
    workers: Annotated[int, typer.Option(min=0, help="Processes, each with its own target; 0: automatic.")] = 0,
    *,
    coverage: Annotated[bool, typer.Option("--coverage", help="Run nothing; list claims that lack mutants.")] = False,
) -> None:
    """Break one documented behaviour of the embedded target after another, and check that the suites notice."""
    from surveyor.claims import load_claims
    from surveyor.claims.proofs import find_proofs
    from surveyor.claims.selection import Selection
    from surveyor.cli._support.tables import print_table
    from surveyor.conformance.mutants import load_mutants, missing_mutants, mutants_by_claim
    from surveyor.conformance.mutants.launch import launched_target
    from surveyor.layout import find_layout
    from surveyor.machine import default_workers
    from surveyor.verdicts import Verdict

    layout = find_layout()
    claims = load_claims(layout.claims)
    selected = Selection(tuple(area or ()), tuple(claim or ())).select(claims)
    areas = {each.area for each in selected.values()}
    known = mutants_by_claim(load_mutants(layout.mutants, claims.by_id, areas))
    proofs = find_proofs(layout.suites, selected)
    proven = [claim_id for claim_id in selected if claim_id in proofs]
    lacking = {claim_id: lack for claim_id in proven if (lack := missing_mutants(known.get(claim_id, ())))}
    complete = (
        f"{len(proven) - len(lacking)} of {len(proven)} proven claims have two kinds of mutants, one of them fine"
    )
    chosen = [mutant for claim_id in proven for mutant in known.get(claim_id, ())]
    if coverage:
        _check_applicable(chosen, parse=False)
        for claim_id, lack in lacking.items():
            typer.echo(f"{claim_id}\tneeds {lack}")
        typer.echo(complete)
        raise typer.Exit(1 if lacking else 0)
    if missing := [claim_id for claim_id in claim or () if claim_id not in known]:
        raise UsageError(_missing(missing[0], proven=missing[0] in proofs))
    if not chosen:
        raise UsageError("none of these claims has a mutant; see: surveyor mutants --coverage")
    if workers == 0:
        workers = default_workers() if len(chosen) > 10 else 1
    with launched_target(layout, workers) as launched:  # it starts while this process checks, and imports pytest
        _check_applicable(chosen, parse=True)
        from surveyor.cli._support.progress import make_progress
        from surveyor.conformance.mutants.run import run_mutants

        with make_progress() as progress:
            results = run_mutants(
                layout, chosen, progress, workers=workers, unchanged_first=bool(claim), launched=launched
            )
    if progress.internal or progress.broken:
        raise SurveyorError(f"the run failed: {progress.internal or progress.broken[0]}")
    print_table(
        ("mutant", "change", "", "what caught it"),
        [(result.mutant.id, result.mutant, _status(result), result.reason) for result in results],
    )
    if claim:
        unchanged = {result.nodeid: result for found in results for result in found.unchanged}.values()
        passed = sum(result.verdict is Verdict.PASS for result in unchanged)
        typer.echo(f"on the unchanged target {passed} of {len(unchanged)} tests pass")
    missed = sum(not result.caught for result in results)
    typer.echo(f"{len(results) - missed} caught, {missed} missed; {complete}")
    incomplete = [claim_id for claim_id in claim or () if claim_id in lacking]
    for claim_id in incomplete:
        typer.echo(f"{claim_id} needs {lacking[claim_id]}")
    if missed or incomplete:
        raise typer.Exit(1)


def _check_applicable(mutants: Sequence[Mutant], *, parse: bool) -> None:
    """Raise UsageError for the first mutant that cannot be made. `parse`: see `edit_problem`."""
    from surveyor.conformance.mutants.edits import edit_problem
    from surveyor.conformance.mutants.operations import operation_problem

    for mutant in mutants:
        if problem := operation_problem(mutant) or edit_problem(mutant, parse=parse):
            raise UsageError(f"mutants/{mutant.claim.partition('.')[0]}.toml: {mutant.id}: {problem}")


def _status(result: MutantResult) -> str:
    from surveyor.verdicts import Verdict

    if result.caught:
        return "caught"
    if not result.holds:
        return "FAILS WITHOUT IT"
    return "NOT RUN" if any(found.verdict is Verdict.ERROR for found in result.results) else "MISSED"


def _missing(claim_id: str, *, proven: bool) -> str:
    """Return what to do about a claim that has no mutant."""
    if not proven:
        run = f"surveyor conform --target embedded --claim {claim_id}"
        return f"no suite proves {claim_id}: write one first, and run it with: {run}"
    return f"{claim_id} has no mutant: add one to mutants/{claim_id.partition('.')[0]}.toml (see CONTRIBUTING.md)"
