"""Options shared by the commands that run against a target."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from surveyor.errors import UsageError

if TYPE_CHECKING:
    from surveyor.targets.model import Target

__all__ = [
    "PLAIN_ACCOUNT",
    "Account",
    "BudgetText",
    "ConsumerProfile",
    "DnsText",
    "Enable",
    "Endpoint",
    "FromVpc",
    "Plan",
    "Profile",
    "Record",
    "Region",
    "Role",
    "Sandbox",
    "ServiceRole",
    "Tag",
    "Vpc",
    "enter_sandbox",
    "print_caller",
]

PLAIN_ACCOUNT = "000000000000"
"""The account at a plain URL, as of an emulator that prints its settings."""

Account = Annotated[
    str | None,
    typer.Option(metavar="ID", help="Expected account id; the run stops if the credentials belong to another."),
]
Profile = Annotated[
    str | None,
    typer.Option("--profile", metavar="NAME", help="Profile of the AWS CLI whose credentials and Region are used."),
]
ConsumerProfile = Annotated[
    str | None,
    typer.Option(
        "--consumer-profile", metavar="NAME", help="Profile of a second account, with which namespaces are shared."
    ),
]
Region = Annotated[
    str | None,
    typer.Option(metavar="REGION", help="Region to use; default: AWS_REGION, the profile's, the target file's."),
]
Endpoint = Annotated[str | None, typer.Option(metavar="URL", help="Endpoint of the target `aws`, if not AWS itself.")]
DnsText = Annotated[
    str | None, typer.Option("--dns", metavar="WHERE", help="Resolver to ask: control, none or ADDRESS:PORT.")
]
Vpc = Annotated[str | None, typer.Option(metavar="ID", help="VPC that private namespaces may use.")]
FromVpc = Annotated[
    str | None,
    typer.Option(
        "--from-vpc",
        metavar="[SUBNET,…]",
        help="Ask for private names and call tasks from a task in these subnets; without a value: of the default VPC.",
    ),
]
Role = Annotated[
    str | None, typer.Option(metavar="ARN", help="Role that tests may assume (only for claims about IAM).")
]
ServiceRole = Annotated[
    str | None,
    typer.Option(metavar="ARN", help="Role that ECS and AWS Lambda may be given (only for claims that need one)."),
]
Sandbox = Annotated[
    bool,
    typer.Option(
        "--sandbox", help="Run in a network that only the embedded target's tasks and this run reach (docs/sandbox.md)."
    ),
]
Tag = Annotated[
    list[str] | None,
    typer.Option("--tag", metavar="KEY=VALUE", help="Tag of everything that the run creates; may be repeated."),
]
Enable = Annotated[
    list[str] | None,
    typer.Option(metavar="FEATURE", help="Also test this feature (quotas, throttling, regions, …); may be repeated."),
]
Plan = Annotated[bool, typer.Option("--plan", help="Print what the run would do and cost; create nothing.")]

Record = Annotated[
    Path | None,
    typer.Option(
        "--record",
        metavar="DIR",
        help="Write what the account answers to this folder as recordings, without anything that belongs to it.",
    ),
]
BudgetText = Annotated[
    str | None,
    typer.Option(
        "--budget",
        metavar="LIMITS",
        help="Limits, separated by commas: calls=N, resources=N, minutes=N, dollars=N; at a time tasks=N, "
        "namespaces=N, zones=N.",
    ),
]


def enter_sandbox(target: Target) -> None:
    """Start this command again in a sandbox, unless it is in one. Raises UsageError if it is not for this target."""
    from surveyor.sandbox import enter_or_explain

    if target.start is None or target.environment is not None:
        raise UsageError(f"--sandbox goes with the embedded target, not with {target.label}: there is no way out of it")
    enter_or_explain()


def print_caller(target: Target) -> None:
    """Print to standard error whose account is used and as which principal, where a target does not have its own."""
    from surveyor.targets.caller import describe_caller  # botocore is slow to load

    if target.credentials.kind != "per-test" and (line := describe_caller(target)):
        typer.echo(line, err=True)
