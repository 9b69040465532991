"""Print before a run in an account which claims it will not judge."""

from __future__ import annotations

import typer

from surveyor.claims import load_claims
from surveyor.claims.selection import Selection
from surveyor.conformance.unjudged import describe_judges, describe_unjudged
from surveyor.layout import Layout
from surveyor.targets import Target

__all__ = ["print_unjudged"]


def print_unjudged(target: Target, selection: Selection, layout: Layout) -> None:
    """Print lines about the selected claims that a run in an account will not judge, and the options that change it."""
    chosen = selection.select(load_claims(layout.claims))
    if target.from_vpc is not None:
        typer.echo(describe_judges(chosen.values(), target))
    for line in describe_unjudged(chosen.values(), target):
        typer.echo(line)
