"""`surveyor architectures`: a load balancer, DNS, the API and Service Connect before the same kind of tasks, measured.

Exit codes: 0 measured, 2 usage, 3 the target does not start or something does not come up, 130 interrupted.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["architectures"]


def architectures(
    rate: Annotated[float, typer.Option(min=1, max=1_000, metavar="N", help="Calls a (wall) second.")] = 300,
    seconds: Annotated[
        float, typer.Option(min=10, max=3_600, metavar="S", help="Service seconds for each architecture.")
    ] = 120,
    ttl: Annotated[int, typer.Option(min=1, max=3_600, metavar="S", help="TTL of the DNS records.")] = 60,
    scale: Annotated[
        float, typer.Option(min=1, max=20, metavar="N", help="Service seconds in a wall second of the target.")
    ] = 5,
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 7,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the figures there, as JSON.")] = None,
) -> None:
    """Compares four ways to reach tasks while one of them is killed: hops, latency, failed calls."""
    from surveyor.architectures import Experiment, measure, rows_of
    from surveyor.layout import find_layout
    from surveyor.targets.loading import load_target

    experiment = Experiment(rate=rate, seconds=seconds, ttl=ttl, scale=scale, seed=seed)
    target = load_target("embedded", find_layout().targets)
    measured = measure(target, experiment, lambda line: typer.echo(line, err=True))
    rows = rows_of(measured.attempts, experiment.killed_at, experiment.scale)
    typer.echo(
        f"three tasks each, one killed after {experiment.killed_at * scale:g} of {seconds:g} service seconds, {rate:g} "
        f"calls a second, TTL {ttl} s, seed {seed}"
    )
    head = ("architecture", "hops", "median ms", "added ms", "p99 ms", "calls after", "failed", "failed %", "until s")
    body = [
        (
            one.kind,
            one.hops,
            f"{one.median:.2f}",
            f"{one.median_added:+.2f}",
            f"{one.slowest:.2f}",
            f"{one.attempts}",
            f"{one.failed}",
            f"{one.share:.2f}",
            f"{one.longest:.1f}",
        )
        for one in rows
    ]
    wide = [max(len(line[column]) for line in (head, *body)) for column in range(len(head))]
    for line in (head, *body):
        typer.echo("  ".join(text.ljust(width) for text, width in zip(line, wide, strict=True)).rstrip())
    typer.echo(
        "latency in wall time before the kill, added to that of DNS; the last failed call in service seconds after"
    )
    if out is not None:
        told = {"experiment": asdict(experiment), "rows": [asdict(one) for one in rows]}
        out.write_text(json.dumps(told, indent=2) + "\n", "utf-8")
