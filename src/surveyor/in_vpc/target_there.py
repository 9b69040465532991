"""The target as the command inside reaches it: the same account, from a machine of the VPC."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from surveyor.in_vpc.commands import InnerCommand
from surveyor.input_files import is_file, read_text
from surveyor.layout import Layout
from surveyor.targets.expectations import expectations_file
from surveyor.targets.model import Target
from surveyor.visible_text import toml_string
from surveyor_agents.remote_command import OUT

__all__ = ["expectations_there", "target_file_there", "target_words"]

_TARGETS = "surveyor/_bundle/targets"
_CALLS_TASKS = "ecs-processes"


def target_words(target: Target, command: InnerCommand, dns: str, vpc: str) -> list[str]:
    """Return the options that say where a command runs, of those that it knows. `dns`: as on the command line."""
    values = {
        "target": target.name, "account": target.account, "region": target.region, "dns": dns,
        "endpoint": target.endpoint if target.endpoint != _endpoint_in_file(target) else None,
        "vpc": None if target.endpoint and target.dns.kind == "control" else vpc,
        "enable": _CALLS_TASKS if _CALLS_TASKS in target.on_request else None, "out": OUT,
    }  # fmt: skip
    return [f"--{name}={value}" for name, value in values.items() if value and name in command.options]


def target_file_there(target: Target, groups: Mapping[str, str]) -> dict[str, str]:
    """Return the target file, whose tasks are in the subnets and in the group `tasks` of the run; {} without a file."""
    if target.file is None:
        return {}
    place = target.place
    security = place.security_groups or ((groups["tasks"],) if groups else ())
    lines = ["[ecs]", f"subnets = {_list(place.subnets)}", f"security_groups = {_list(security)}"]
    lines += [f"{name} = {toml_string(value)}" for name, value in (("cluster", place.cluster),
                                                                   ("capacity", place.capacity)) if value]  # fmt: skip
    lines += ["public = true"] if place.public else []
    kept = _without_table(read_text(target.file), "ecs")
    return {f"{_TARGETS}/{target.name}.toml": "\n".join([*kept, "", *lines, ""])}


def expectations_there(target: Target, layout: Layout) -> dict[str, str]:
    """Return the known failures of the target, which may be the user's."""
    path = expectations_file(target, layout.targets)
    return {f"{_TARGETS}/expectations/{target.name}.toml": read_text(path)} if is_file(path) else {}


def _endpoint_in_file(target: Target) -> str | None:
    from surveyor.targets.loading import find_target

    return find_target(str(target.file), Path()).endpoint if target.file else None


def _without_table(text: str, name: str) -> list[str]:
    """Return the lines of a TOML file without one table."""
    kept, is_inside = [], False
    for line in text.splitlines():
        if line.startswith("["):
            is_inside = line.split("#")[0].strip() == f"[{name}]"
        if not is_inside:
            kept.append(line)
    return kept


def _list(values: tuple[str, ...]) -> str:
    return f"[{', '.join(map(toml_string, values))}]"
