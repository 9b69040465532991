"""`surveyor mutants`: check that the suites notice a target that breaks one documented behaviour.

Exit codes: 0 every mutant caught, 1 one missed, or (--claim) a test fails without the mutant as well, or (--claim,
--coverage) a claim lacks mutants, 2 an unknown claim or an invalid file, 3 the run failed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from surveyor.errors import SurveyorError, UsageError

if TYPE_CHECKING:
    from surveyor.conformance.mutants import Mutant
    from surveyor.conformance.mutants.run import MutantResult
    from surveyor.layout import Layout
    from surveyor.targets.process import StartedProcess

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
    from surveyor.layout import find_layout

    layout = find_layout()
    if coverage:
        plan = _plan(layout, area or (), claim or ())
        _check_applicable(plan.chosen, parse=False)
        for claim_id, lack in plan.lacking.items():
            typer.echo(f"{claim_id}\tneeds {lack}")
        typer.echo(plan.complete)
        raise typer.Exit(1 if plan.lacking else 0)
    from surveyor.conformance.mutants.launch import mutant_targets

    with mutant_targets(layout, _areas(layout, area or (), claim or ())) as targets:
        plan = _plan(layout, area or (), claim or ())
        if missing := [claim_id for claim_id in claim or () if claim_id not in plan.known]:
            raise UsageError(_missing(missing[0], proven=missing[0] in plan.proven))
        if not plan.chosen:
            raise UsageError("none of these claims has a mutant; see: surveyor mutants --coverage")
        _check_applicable(plan.chosen, parse=True)
        results = _run(layout, plan, targets, workers, unchanged_first=bool(claim))
    _print_results(results, plan, claim or ())


def _areas(layout: Layout, areas: Sequence[str], claims: Sequence[str]) -> set[str]:
    """Return the areas of the mutants that are asked for; without any that does not exist, and none for all."""
    return {path.stem for path in layout.mutants.glob("*.toml")} & {
        *areas,
        *(each.partition(".")[0] for each in claims),
    }


@dataclass(frozen=True)
class _Plan:
    """The mutants that were chosen, and what the chosen claims that are proven lack."""

    known: Mapping[str, Sequence[Mutant]]
    proven: Sequence[str]
    lacking: Mapping[str, str]

    @property
    def chosen(self) -> list[Mutant]:
        return [mutant for claim_id in self.proven for mutant in self.known.get(claim_id, ())]

    @property
    def complete(self) -> str:
        fine = len(self.proven) - len(self.lacking)
        return f"{fine} of {len(self.proven)} proven claims have two kinds of mutants, one of them fine"


def _plan(layout: Layout, areas: Sequence[str], claims: Sequence[str]) -> _Plan:
    from surveyor.claims.proofs import find_proofs
    from surveyor.claims.selection import Selection
    from surveyor.conformance.mutants import load_mutants, missing_mutants, mutants_by_claim

    selection = Selection(tuple(areas), tuple(claims))
    loaded = selection.load(layout.claims)
    selected = selection.select(loaded)
    mutants = load_mutants(layout.mutants, loaded.by_id, {each.area for each in selected.values()})
    known = mutants_by_claim(mutants)
    proofs = find_proofs(layout.suites, selected)
    proven = [claim_id for claim_id in selected if claim_id in proofs]
    lacking = {claim_id: lack for claim_id in proven if (lack := missing_mutants(known.get(claim_id, ())))}
    return _Plan(known, proven, lacking)


def _run(
    layout: Layout, plan: _Plan, targets: Iterator[StartedProcess], workers: int, *, unchanged_first: bool
) -> list[MutantResult]:
    from surveyor.cli._support.progress import make_progress
    from surveyor.conformance.mutants.run import run_mutants
    from surveyor.machine import default_workers

    with make_progress() as progress:
        results = run_mutants(
            layout,
            plan.chosen,
            progress,
            targets,
            workers=workers or default_workers(),
            unchanged_first=unchanged_first,
        )
    if progress.internal or progress.broken:
        raise SurveyorError(f"the run failed: {progress.internal or progress.broken[0]}")
    return results


def _print_results(results: Sequence[MutantResult], plan: _Plan, claims: Sequence[str]) -> None:
    """Print a line for each mutant, and the sums. End the command with 1 if one is missed, or a claim lacks some."""
    from surveyor.cli._support.tables import print_table
    from surveyor.verdicts import Verdict

    print_table(
        ("mutant", "change", "", "what caught it"),
        [(result.mutant.id, result.mutant, _status(result), result.reason) for result in results],
    )
    if claims:
        unchanged = {result.nodeid: result for found in results for result in found.unchanged}.values()
        passed = sum(result.verdict is Verdict.PASS for result in unchanged)
        typer.echo(f"on the unchanged target {passed} of {len(unchanged)} tests pass")
    missed = sum(not result.caught for result in results)
    typer.echo(f"{len(results) - missed} caught, {missed} missed; {plan.complete}")
    incomplete = [claim_id for claim_id in claims if claim_id in plan.lacking]
    for claim_id in incomplete:
        typer.echo(f"{claim_id} needs {plan.lacking[claim_id]}")
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
