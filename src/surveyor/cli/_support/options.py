"""The options that say how a target is reached beyond its file, the same for every command that surveys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from surveyor.errors import UsageError
from surveyor.targets.options import TargetOptions, allowed_words

if TYPE_CHECKING:
    from surveyor.advice.figures import TaskSettings

__all__ = ["Account", "Allow", "BudgetText", "DnsText", "Endpoint", "Region", "Role", "Vpc", "given", "tuning_given"]

Account = Annotated[str | None, typer.Option(metavar="ID", help="The account that the credentials must be of.")]
Region = Annotated[str | None, typer.Option(metavar="REGION", help="Where; it must be on the target's list.")]
Endpoint = Annotated[str | None, typer.Option(metavar="URL", help="Where `aws` is reached, if not at AWS.")]
DnsText = Annotated[
    str | None, typer.Option("--dns", metavar="WHERE", help="Where names are asked: control, none, ADDRESS:PORT.")
]
Vpc = Annotated[str | None, typer.Option(metavar="ID", help="A VPC that private namespaces may use.")]
Role = Annotated[str | None, typer.Option(metavar="ARN", help="A role that claims about IAM may narrow.")]
Allow = Annotated[
    list[str] | None,
    typer.Option(metavar="FEATURE", help="Test this too (quotas, throttling, regions, …)."),
]
BudgetText = Annotated[
    str | None,
    typer.Option(
        "--budget", metavar="LIMITS", help="What may be spent: calls=N, resources=N, minutes=N, dollars=N, with commas."
    ),
]


def given(
    account: str | None,
    region: str | None,
    endpoint: str | None,
    dns: str | None,
    vpc: str | None,
    role: str | None,
    allow: list[str] | None,
    budget: str | None,
) -> TargetOptions:
    """What these options say."""
    return TargetOptions(account, region, endpoint, dns, vpc, role, allowed_words(allow or []), budget)


def tuning_given(ttl: int | None, stop_timeout: int | None, drain: int | None, *, check: bool) -> TaskSettings | None:
    """How the service of an experiment is to live, None where nothing was said of it. Raises UsageError."""
    from surveyor.advice.figures import DEFAULT, parse_task_settings

    if ttl is None and stop_timeout is None and drain is None and check:
        return None
    told = [(ttl, DEFAULT.ttl), (stop_timeout, DEFAULT.stop_timeout), (drain, DEFAULT.drain)]
    values = [default if value is None else value for value, default in told]
    try:
        return parse_task_settings(f"ttl={values[0]},stop={values[1]},drain={values[2]},check={int(check)}")
    except ValueError as wrong:
        raise UsageError(str(wrong)) from None
