"""`surveyor architectures`: measure a load balancer, DNS, the API and Service Connect before the same kind of tasks.

Exit codes: 0 measured, 2 usage, 3 the target does not start or a resource does not become ready, 130 interrupted.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from surveyor.output_files import write_text
from surveyor.typed_json import dump_json

__all__ = ["architectures"]


def architectures(
    rate: Annotated[float, typer.Option(min=1, max=1_000, metavar="N", help="Calls per real second.")] = 300,
    seconds: Annotated[
        float, typer.Option(min=10, max=3_600, metavar="SECONDS", help="Service seconds for each architecture.")
    ] = 120,
    ttl: Annotated[int, typer.Option(min=1, max=3_600, metavar="SECONDS", help="TTL of the DNS records.")] = 60,
    scale: Annotated[
        float, typer.Option(min=1, max=20, metavar="N", help="Speed-up: simulated seconds per real second.")
    ] = 5,
    seed: Annotated[int, typer.Option(help="Seed of all random choices.")] = 7,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the figures to this file, as JSON.")] = None,
) -> None:
    """Compare four ways to reach tasks while one task is killed: hops, latency, failed calls."""
    from surveyor.architectures import ComparisonOptions, measure, rows_of
    from surveyor.layout import find_layout
    from surveyor.targets.loading import load_target

    options = ComparisonOptions(rate=rate, seconds=seconds, ttl=ttl, scale=scale, seed=seed)
    target = load_target("embedded", find_layout().targets)
    measured = measure(target, options, lambda line: typer.echo(line, err=True))
    rows = rows_of(measured.attempts, options.killed_at, options.scale)
    typer.echo(
        f"three tasks each, one killed after {options.killed_at * scale:g} of {seconds:g} service seconds, {rate:g} "
        f"calls per second, TTL {ttl} s, seed {seed}"
    )
    head = ("architecture", "hops", "median ms", "added ms", "p99 ms", "calls after", "failed", "failed %", "until s")
    body = [
        (
            row.kind,
            row.hops,
            f"{row.median:.2f}",
            f"{row.median_added:+.2f}",
            f"{row.slowest:.2f}",
            f"{row.attempts}",
            f"{row.failed}",
            f"{row.share:.2f}",
            f"{row.longest:.1f}",
        )
        for row in rows
    ]
    widths = [max(len(line[column]) for line in (head, *body)) for column in range(len(head))]
    for line in (head, *body):
        typer.echo("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())
    typer.echo(
        "latency: wall time before the kill; added: relative to DNS; until: last failed call, service seconds after it"
    )
    if out is not None:
        figures = {"experiment": asdict(options), "rows": [asdict(row) for row in rows]}
        write_text(out, dump_json(figures, indent=2))
