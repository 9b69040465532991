"""`surveyor load --runtimes`: real clients in one scenario, with the models that stand for them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from surveyor.cli._support.waiting import shown_wait
from surveyor.errors import FeatureLacking, SurveyorError, UsageError

if TYPE_CHECKING:
    from surveyor.clients.runtimes import ClientRuntime, FoundSoftware, MissingSoftware
    from surveyor.clients.scenarios import ClientScenario

__all__ = ["list_runtimes", "run_runtimes"]


def list_runtimes() -> None:
    """Print each runtime, its software with its version or what to install, and each scenario."""
    from surveyor.clients.runtimes import RUNTIMES
    from surveyor.clients.scenarios import SCENARIOS

    found = _look(RUNTIMES)
    width = max(map(len, found))
    typer.echo("client runtimes:")
    for name, software in found.items():
        typer.echo(f"  {name:<{width}}  {RUNTIMES[name].title}: {_described(software)}")
    typer.echo("scenarios:")
    for scenario in SCENARIOS.values():
        minutes = _minutes(scenario)
        typer.echo(f"  {scenario.name:<{width}}  {scenario.description} (about {minutes:.0f} minutes)")


def run_runtimes(names: Sequence[str], folder: Path, seed: int, markdown: Path | None, scenario: str) -> None:
    """Run a scenario, print its table, and write report and page; exit 1 if a check failed, 5 if none is here."""
    from surveyor.clients.runtimes import RUNTIMES, MissingSoftware
    from surveyor.clients.scenarios import SCENARIOS
    from surveyor.sandbox import enter_or_explain

    if scenario not in SCENARIOS:
        raise UsageError(f"unknown scenario {scenario!r} of --runtimes; there are {', '.join(SCENARIOS)}")
    unknown = [name for name in names if name not in RUNTIMES]
    if unknown:
        raise UsageError(f"unknown runtime {unknown[0]!r}; surveyor load --runtimes --list prints all")
    wanted = {name: RUNTIMES[name] for name in RUNTIMES if not names or name in names}
    software = _look(wanted)
    is_any = not all(isinstance(found, MissingSoftware) for found in software.values())
    if is_any:
        enter_or_explain()  # which starts this program again
    for name, found in software.items():
        if isinstance(found, MissingSoftware):
            typer.echo(f"not here: {name}: {found.why} ({found.install})", err=True)
    if not is_any:
        typer.echo("none of these runtimes is here", err=True)
        raise typer.Exit(5)
    _run(wanted, software, folder, seed, markdown, SCENARIOS[scenario])


def _minutes(scenario: ClientScenario) -> float:
    return (scenario.seconds + _AROUND) / 60


_AROUND = 40.0
"""Wall seconds for starting the clients, and ending them."""


def _described(software: FoundSoftware | MissingSoftware) -> str:
    from surveyor.clients.runtimes import FoundSoftware

    return software.version if isinstance(software, FoundSoftware) else f"not here: {software.why} ({software.install})"


def _look(runtimes: Iterable[str]) -> dict[str, FoundSoftware | MissingSoftware]:
    from surveyor.clients.runtimes import RUNTIMES

    return {name: RUNTIMES[name].software.find() for name in runtimes}


def _run(
    wanted: dict[str, ClientRuntime], software: dict[str, FoundSoftware | MissingSoftware], folder: Path, seed: int,
    markdown: Path | None, scenario: ClientScenario,
) -> None:  # fmt: skip
    from surveyor.clients.comparison import build_report, table_lines
    from surveyor.clients.models import RUNTIME_MODELS
    from surveyor.clients.pages import markdown_table, render_runtimes
    from surveyor.clients.runtimes import FoundSoftware
    from surveyor.clients.scenario import play_scenario
    from surveyor.output_files import write_text
    from surveyor.report.run_folder import reserve_folder
    from surveyor.typed_json import dump_json

    reserve_folder(folder)
    here = {name: (wanted[name], found) for name, found in software.items() if isinstance(found, FoundSoftware)}
    stood_for = dict.fromkeys(wanted[name].model for name in here) if scenario.with_models else ()
    models = [RUNTIME_MODELS[name] for name in stood_for if name]
    typer.echo(f"seed {seed}; about {_minutes(scenario):.0f} minutes, in real time (scale 1)", err=True)

    def say(text: str) -> None:
        typer.echo(f"  {text}", err=True)

    with shown_wait("playing the scenario of the runtimes"):
        try:
            result = play_scenario(here, models, scenario, seed, say)
        except FeatureLacking as error:
            raise SurveyorError(f"the scenario {scenario.name}: {error}") from None
    if not result.measures:
        raise SurveyorError(f"no client started: {next(iter(result.not_started.values()))}")
    report = build_report(result, software, scenario, seed)
    write_text(folder / "runtimes.json", dump_json(report, indent=1))
    write_text(folder / "runtimes.html", render_runtimes(report))
    if markdown is not None:
        write_text(markdown, markdown_table(report))
    for line in table_lines(report):
        typer.echo(line)
    for line in report.failures:
        typer.echo(f"FAILED {line}")
    if report.models:
        cells = [cell for row in report.models for cell in row.cells.values()]
        typer.echo(
            f"models inside the intervals of their runtimes: {sum(cell.holds for cell in cells)} of {len(cells)}"
        )
    typer.echo(f"page: {folder / 'runtimes.html'}")
    raise typer.Exit(1 if report.failures else 0)
