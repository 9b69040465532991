"""`surveyor policy`: the least-privilege IAM policy of a command.

Exit codes: 0 success, 1 --check finds the policy too wide or too narrow, 2 usage, 3 the check could not be made.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from surveyor.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from surveyor.account.scopes import Place
    from surveyor.targets.model import Target

__all__ = ["policy"]

_ACCOUNT = re.compile(r"\d{12}")
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d+")
_ROLE = re.compile(r"arn:aws[\w-]*:iam::\d{12}:role/[\w+=,.@/-]+", re.ASCII)
_SERVICE = re.compile(r"[\w-]+/[\w-]+", re.ASCII)
_VPC = re.compile(r"vpc-[0-9a-f]+")

_TASK = "in-vpc"
_IN_TASKS = ("advise", "chaos", "conform", "gate", "load", "watch")
"""Commands that `in-vpc` runs."""

_OPTIONS = {"iam": "role", "sharing": "consumer-profile", "service-roles": "service-role"}
"""Options by the features that they stand for, where the names differ."""

_SHARING = ("conform", "recordings")
"""The commands that may have a second account."""


def policy(
    command: Annotated[
        str,
        typer.Argument(
            metavar="COMMAND",
            help="conform, recordings, model, chaos, load, audit, watch, gate, advise, sweep or in-vpc.",
        ),
    ],
    enable: Annotated[
        list[str] | None, typer.Option(metavar="FEATURE", help="As for the command itself; may be repeated.")
    ] = None,
    role: Annotated[str | None, typer.Option(metavar="ARN", help="The role that tests may assume.")] = None,
    service_role: Annotated[
        str | None,
        typer.Option(
            "--service-role", metavar="ARN", help="As for conform: also what it needs, and the policies of that role."
        ),
    ] = None,
    consumer_profile: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="As for the command: also the policy of the second account, consumer.json."),
    ] = None,
    account: Annotated[str | None, typer.Option(metavar="ID", help="Only for this account; default: any.")] = None,
    region: Annotated[str | None, typer.Option(metavar="REGION", help="Only for this Region; default: any.")] = None,
    service: Annotated[
        str | None,
        typer.Option(metavar="CLUSTER/SERVICE", help="Only for this service (chaos, watch --service, gate --ecs)."),
    ] = None,
    vpc: Annotated[str | None, typer.Option(metavar="ID", help="As for conform: a VPC to create subnets in.")] = None,
    from_vpc: Annotated[
        str | None,
        typer.Option("--from-vpc", metavar="[SUBNET,…]", help="As for conform: also what a vantage needs."),
    ] = None,
    task_role: Annotated[
        str | None, typer.Option("--task-role", metavar="ARN", help="As for in-vpc: the role that its task gets.")
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="As for conform: only Cloud Map may be changed, the rest is read.")
    ] = False,
    runs: Annotated[
        list[str] | None,
        typer.Option(metavar="COMMAND", help="With in-vpc: a command that the role is for; default: chaos and load."),
    ] = None,
    deploy: Annotated[bool, typer.Option("--deploy", help="As for watch: also what forces a deployment.")] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="As for gate: also what watching, and alarms and metrics, need.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write each policy to a file of this folder instead.")
    ] = None,
    check: Annotated[
        bool,
        typer.Option("--check", help="Try the policy on an account in use, whole and without each of its actions."),
    ] = False,
) -> None:
    """Print the IAM policy with which a command can be run on AWS, limited to what runs make by name and tag."""
    from dataclasses import replace

    from surveyor.account.needed_calls import CONSUMER, PUBLIC_TASKS

    target, place = _place(command, enable, role, account, region, service, vpc)
    if service_role is not None and not _ROLE.fullmatch(service_role):
        raise UsageError(f"--service-role: expected the ARN of a role, got {service_role[:100]!r}")
    place = replace(place, service_role=service_role or "")
    _check_task(command, task_role, runs, check=check)
    for name, value, commands in (
        ("deploy", deploy, ("watch",)),
        ("watch", watch, ("gate",)),
        ("consumer-profile", consumer_profile, _SHARING),
        ("from-vpc", from_vpc, ("conform",)),
        ("service-role", service_role, ("conform",)),
        ("quick", quick, ("conform",)),
    ):
        if value and command not in commands:
            raise UsageError(f"--{name} does not go with {command}: it changes nothing there")
    if consumer_profile is not None and account is None:
        raise UsageError("--consumer-profile needs --account ID: the second account may change what that one shares")
    principals = "principals" in (target.features or ())
    if principals and account is None:
        raise UsageError("--enable principals needs --account ID: the limits of users and roles are for one account")
    place = replace(place, principals=principals)
    more = {"iam": role, "deploy": deploy, "watch": watch, "sharing": consumer_profile, "from-vpc": from_vpc}
    more |= {"service-roles": service_role}
    features = (*sorted(target.features or ()), *(name for name, value in more.items() if value))
    features += (PUBLIC_TASKS,) if target.place.public else ()
    actions = _actions(command, features, service=bool(service), tagged=bool(target.tags))
    if quick:
        _print_quick_policy(actions, {"enable": enable, **more, "check": check}, place, out)
        return
    if command == _TASK:
        _print_task_policies(actions, replace(place, role=task_role or ""), target, runs or ["chaos", "load"], out)
        return
    _print_policies(command, actions | _searching_actions(command), place, out)
    if service_role is not None:
        _print_service_role(place, out)
    if principals:
        _print_limits(place.account, out)
    if consumer_profile is not None:
        there = replace(place, account="*", shared_by=place.account, cluster="", vpc="")
        _print_policies(CONSUMER, _actions(CONSUMER, (), service=False, tagged=bool(target.tags)), there, out)
    if check:
        from surveyor.conformance.least_privilege import check_policy

        problems = check_policy(command, sorted(actions), features, lambda line: typer.echo(line, err=True))
        raise typer.Exit(1 if problems else 0)


def _print_policies(command: str, actions: set[str], place: Place, out: Path | None) -> None:
    """Print the policies of a command or write them into a folder, and print their sizes."""
    from surveyor.account.permissions import format_policy, make_policies, policy_size

    policies = make_policies(actions, place)
    names = [f"{command}{f'-{number}' if len(policies) > 1 else ''}.json" for number in range(1, len(policies) + 1)]
    for name, document in zip(names, policies, strict=True):
        if out is not None:
            _write(out / name, format_policy(document))
        else:
            typer.echo(format_policy(document))
    sizes = ", ".join(f"{policy_size(document):,}" for document in policies)
    split = f" in {len(policies)} policies, all of which the role needs" if len(policies) > 1 else ""
    typer.echo(f"{command}: {len(actions)} actions{split}; {sizes} of at most 6,144 characters", err=True)


def _print_quick_policy(actions: set[str], options: Mapping[str, object], place: Place, out: Path | None) -> None:
    """Print what a quick run and the search for what it left need. Raises UsageError for `options` of longer runs."""
    from surveyor.account.permissions import quick_actions

    for name, value in options.items():
        if value:
            raise UsageError(f"--quick does not go with --{_OPTIONS.get(name, name)}: a quick run needs nothing of it")
    _print_policies("conform-quick", quick_actions(actions | _searching_actions("conform")), place, out)


def _print_service_role(place: Place, out: Path | None) -> None:
    """Print who may have the role of --service-role, and what it may do."""
    from surveyor.account.permissions import format_policy, service_role_policy, service_trust

    for name, document in (("trust", service_trust(place)), ("policy", service_role_policy(place))):
        stem = f"service-role-{name}"
        if out is not None:
            _write(out / f"{stem}.json", format_policy(document))
        else:
            typer.echo(format_policy(document))
    typer.echo(
        "service-role-trust and service-role-policy: who may have the role of services, and what it may do", err=True
    )


def _print_limits(account: str, out: Path | None) -> None:
    """Print the policies that limit the users and roles of a run; the owner of the account creates them once."""
    from surveyor.account.permissions import format_policy
    from surveyor.account.principals import limit_documents

    documents = limit_documents(account)
    for name, document in documents.items():
        if out is not None:
            _write(out / f"{name}.json", format_policy(document))
        else:
            typer.echo(format_policy(document))
    typer.echo(f"{' and '.join(documents)}: what users and roles of a run may do at most, for CreatePolicy", err=True)


def _check_task(command: str, role: str | None, runs: list[str] | None, *, check: bool) -> None:
    """Raise UsageError for options of the task of `in-vpc` that are wrong, or go with another command."""
    from surveyor.messages import nearest

    for name, value in (("task-role", role), ("runs", runs)):
        if value and command != _TASK:
            raise UsageError(f"--{name} does not go with {command}: it changes nothing there")
    if role is not None and not _ROLE.fullmatch(role):
        raise UsageError(f"--task-role: expected the ARN of a role, arn:aws:iam::ACCOUNT:role/NAME, got {role[:100]!r}")
    for name in runs or ():
        if name not in _IN_TASKS:
            raise UsageError(f"--runs {name[:100]}: in-vpc runs {', '.join(_IN_TASKS)}{nearest(name, _IN_TASKS) or ''}")
    if check and command == _TASK:
        raise UsageError("--check does not go with in-vpc: try the policies of the commands that it runs")


def _print_task_policies(actions: set[str], place: Place, target: Target, runs: list[str], out: Path | None) -> None:
    """Print what starts the task of a command, who may have the role of the task, and what that role may do.

    What the role may do with a service of the user's is a separate policy.
    """
    from dataclasses import replace

    from surveyor.account.needed_calls import SERVICE_COMMANDS
    from surveyor.account.permissions import format_policy, task_trust

    _print_policies(_TASK, {*actions, "iam:PassRole"}, replace(place, service=""), out)
    trust = format_policy(task_trust(place))
    if out is not None:
        _write(out / f"{_TASK}-trust.json", trust)
    else:
        typer.echo(trust)
    typer.echo(f"{_TASK}-trust: who may have the role of the task, for CreateRole", err=True)
    features = (*sorted(target.features or ()), *sorted(target.on_request & {"ecs-processes"}), "watch", "deploy")
    inside: dict[str, set[str]] = {}
    for name in runs:
        own = place.service if name in SERVICE_COMMANDS else ""
        allowed = _actions(name, features, service=bool(own), tagged=bool(target.tags))
        inside.setdefault(own or ("*/*" if name in ("gate", "watch") else ""), set()).update(allowed)
    for service, allowed in sorted(inside.items()):
        stem = f"{_TASK}-task-service" if service else f"{_TASK}-task"
        _print_policies(stem, allowed, replace(place, role="", service=service), out)


def _actions(command: str, features: Sequence[str], *, service: bool, tagged: bool) -> set[str]:
    from surveyor.account.needed_calls import needed_operations
    from surveyor.account.permissions import required_actions
    from surveyor_policies.dependent import DEPENDENT

    return required_actions(needed_operations(command, features, service=service), DEPENDENT, tagged=tagged)


def _searching_actions(command: str) -> set[str]:
    from surveyor.account.needed_calls import searching_operations
    from surveyor.account.permissions import required_actions
    from surveyor_policies.dependent import DEPENDENT

    return required_actions(searching_operations(command), DEPENDENT)


def _place(
    command: str,
    enable: list[str] | None,
    role: str | None,
    account: str | None,
    region: str | None,
    service: str | None,
    vpc: str | None,
) -> tuple[Target, Place]:
    """Return the target and where the policy is for. Raises UsageError."""
    from surveyor.account.needed_calls import COMMANDS, SERVICE_COMMANDS
    from surveyor.account.scopes import Place
    from surveyor.layout import find_layout
    from surveyor.messages import nearest
    from surveyor.targets import load_target
    from surveyor.targets.options import TargetOptions, split_features

    if command not in COMMANDS:
        hint = nearest(command, COMMANDS) or f"; there is one for {', '.join(COMMANDS)}"
        raise UsageError(f"there is no policy for {command!r}{hint}")
    for name, value, form, example in (
        ("account", account, _ACCOUNT, "12 digits"),
        ("region", region, _REGION, "a Region such as eu-west-1"),
        ("role", role, _ROLE, "the ARN of a role, arn:aws:iam::ACCOUNT:role/NAME"),
        ("service", service, _SERVICE, "CLUSTER/SERVICE"),
        ("vpc", vpc, _VPC, "the id of a VPC"),
    ):
        if value is not None and not form.fullmatch(value):
            raise UsageError(f"--{name}: expected {example}, got {value[:100]!r}")
    for name, given, commands in (
        ("service", service, (*SERVICE_COMMANDS, _TASK)),
        ("vpc", vpc, ("conform", "model", "recordings")),
        ("role", role, ("conform", "chaos", "recordings")),
        ("enable", enable, ("conform", "chaos", "load", "advise", "recordings", _TASK)),
    ):
        if given and command not in commands:
            raise UsageError(f"--{name} does not go with {command}: it changes nothing there")
    options = TargetOptions(account=account or "000000000000", enable=split_features(enable or []))
    target = load_target("aws", find_layout().targets, options, "describe")
    chosen = service or ("*/*" if command in ("gate", "watch") else "")
    return target, Place(account or "*", region or "*", role or "", chosen, target.place.cluster or "", vpc or "")


def _write(path: Path, text: str) -> None:
    from surveyor.output_files import write_text

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, f"{text}\n")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from None
