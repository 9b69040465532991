"""Load the target that --target names: the stem of a target file, a path, or a URL; the first two with @VERSION."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import InvalidVersion, Version

from surveyor import timeouts
from surveyor.account.budget import Budget, BudgetError, parse_budget
from surveyor.claims.features import FEATURES
from surveyor.errors import TargetFileError, UsageError
from surveyor.messages import nearest
from surveyor.targets.model import Credentials, Dns, Environment, Start, Target, TaskPlacement, is_loopback
from surveyor.targets.options import NO_OPTIONS, TargetOptions, address_and_port, apply_options, checked_endpoint
from surveyor.targets.requirements import check_pins

__all__ = ["KEYS", "all_versions", "find_target", "load_target", "target_names", "target_versions"]

KEYS = {
    "": {"description", "package", "region", "regions", "endpoint", "clock", "dns", "features", "on_request",
         "optional", "lacks", "inject_host_prefix", "settles", "start", "versions", "credentials", "budget", "ecs"},
    "start": {"argv", "env", "ready", "path", "within"},
    "versions": {"features", "lacks"},
    "credentials": {"kind", "secret", "header", "profile"},
    "ecs": {"cluster", "subnets", "security_groups", "capacity", "public"},
}  # fmt: skip
"""Section -> the keys that a target file may have there; the budget's are the fields of Budget."""

_AWS = "aws"
"""The value of `endpoint` for AWS itself, which has an endpoint for each service and region."""


def target_names(folder: Path) -> list[str]:
    """Return the names that --target accepts: the stems of the files in `folder`."""
    return sorted(path.stem for path in folder.glob("*.toml"))


def target_versions(name: str, folder: Path) -> tuple[str, ...]:
    """Return the versions of a target, the newest last; none if it has no separate environments."""
    environment = find_target(name, folder).environment
    return tuple(sorted((*environment.others, environment.version), key=Version)) if environment else ()


def all_versions(folder: Path) -> list[str]:
    """Return the names with version, as `moto@5.2.5`, of all targets that have separate environments."""
    return [f"{name}@{version}" for name in target_names(folder) for version in target_versions(name, folder)]


def load_target(name: str, folder: Path, options: TargetOptions = NO_OPTIONS) -> Target:
    """Return the target called `name`, a stem in `folder`, a path or a URL, with the options applied.

    Raises UsageError for an unknown name or version (with the known ones) and for options that do not fit the target,
    TargetFileError for an invalid file.
    """
    return apply_options(find_target(name, folder), options)


def find_target(name: str, folder: Path) -> Target:
    """Return the target called `name` without options. Raises UsageError and TargetFileError."""
    if "://" in name:
        return _from_url(name)
    stem, version = _name_and_version(name)
    if stem.endswith(".toml") or "/" in stem:
        path = Path(stem)
        if not path.is_file():
            raise UsageError(f"no target file at {stem}")
        return _from_file(path, version)
    path = folder / f"{stem}.toml"
    if not path.is_file():
        names = target_names(folder)
        hint = nearest(stem, names) or f"; known are {', '.join(names) or 'none'}, or give a URL"
        raise UsageError(f"unknown target {stem!r}{hint}")
    return _from_file(path, version)


def _name_and_version(text: str) -> tuple[str, str | None]:
    """Return the parts of NAME@VERSION; None if there is no version. The path of a file may contain @."""
    name, at, version = text.rpartition("@")
    return (name, version) if at and not Path(text).is_file() else (text, None)


def _from_url(url: str) -> Target:
    parts = checked_endpoint(url)
    credentials = Credentials("per-test") if is_loopback(url) else Credentials("environment")
    return Target(name=f"{parts.hostname}:{parts.port or parts.scheme}", region="us-east-1", endpoint=url.rstrip("/"),
                  description="an endpoint given by its URL", credentials=credentials)  # fmt: skip


def _from_file(path: Path, version: str | None) -> Target:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise TargetFileError(f"{path}: cannot be read: {error}") from None
    try:
        table, environment = _of_version(path, table, version)
        return _target(path, table, environment)
    except _Invalid as error:
        raise TargetFileError(f"{path}: {error}") from None


class _Invalid(Exception):
    """An error in the file; the text does not name the file."""


def _of_version(path: Path, table: dict[str, Any], version: str | None) -> tuple[dict[str, Any], Environment | None]:
    """Return the table with the values of one version, by default the newest, and the environment of that version."""
    name = path.stem
    versions = _table(table.get("versions", {}), "versions")
    if not versions:
        if version is not None:
            raise UsageError(f"{name} has no versions to choose from: write --target {name}")
        return table, None
    for text, values in versions.items():
        try:
            Version(text)
        except InvalidVersion:
            raise _Invalid(f"versions: {text!r} is not the version of a package") from None
        _only(_table(values, f"versions.{text}"), "versions")
    known = sorted(versions, key=Version)
    if version is not None and version not in versions:
        raise UsageError(f"{name} has no version {version!r}; known are {', '.join(known)} (the default)")
    if "start" not in table or "package" not in table:
        raise _Invalid("[versions] needs package and [start]")
    chosen = version or known[-1]
    requirements = path.parent / "requirements" / f"{name}-{chosen}.txt"
    if not requirements.is_file():
        raise _Invalid(f"version {chosen} needs {requirements}, the pinned packages with their hashes")
    check_pins(requirements, _package(table) or "", chosen)
    others = tuple(text for text in known if text != chosen)
    environment = Environment(name, chosen, requirements.absolute(), others, is_default=chosen == known[-1])
    return {**table, **versions[chosen]}, environment


def _package(table: Mapping[str, object]) -> str | None:
    """Return the name of the package, without the extras that its requirement may have."""
    text = _text(table, "package", None)
    try:
        return Requirement(text).name if text else None
    except InvalidRequirement:
        raise _Invalid(f"package must be the name of a Python package, not {text!r}") from None


def _target(path: Path, table: dict[str, Any], environment: Environment | None) -> Target:
    _only(table, "")
    start = replace(_start(table["start"]), environment=environment) if "start" in table else None
    endpoint = _text(table, "endpoint", None)
    if (start is None) == (endpoint is None):
        raise _Invalid("needs either endpoint or [start], not both")
    if endpoint == _AWS:
        endpoint = None
    elif endpoint is not None:
        try:
            checked_endpoint(endpoint)
        except UsageError as error:
            raise _Invalid(f"endpoint: {error}") from None
    clock = _choice(table, "clock", ("wall", "control"), "wall")
    features, on_request = _texts(table, "features"), _texts(table, "on_request")
    for feature in sorted(features | on_request):
        _known(feature, FEATURES, "feature")
    optional = _table(table.get("optional", {}), "optional")
    for feature, package in optional.items():
        _known(feature, FEATURES, "feature")
        if not isinstance(package, str) or not package.isidentifier():
            raise _Invalid(f"optional.{feature} must be the name of a Python package")
    lacks = _texts(table, "lacks")
    for operation in sorted(lacks):
        if operation.count(":") != 1 or operation.startswith(":") or operation.endswith(":"):
            raise _Invalid(f"lacks: {operation!r} is not of the form service:Operation")
    prefix = table.get("inject_host_prefix", False)
    if not isinstance(prefix, bool):
        raise _Invalid("inject_host_prefix must be true or false")
    return Target(
        name=path.stem,
        region=_text(table, "region", "us-east-1") or "",
        endpoint=endpoint,
        start=start,
        description=_text(table, "description", "") or "",
        package=_package(table),
        credentials=_credentials(table.get("credentials", {})),
        dns=_dns(_text(table, "dns", "none") or ""),
        clock="control" if clock == "control" else "wall",
        features=features | {"cloudmap"},
        lacks=lacks,
        inject_host_prefix=prefix,
        settles=_seconds(table, "settles", float("inf")),
        regions=tuple(sorted(_texts(table, "regions"))),
        on_request=on_request,
        optional=optional,
        budget=_budget(_table(table.get("budget", {}), "budget")),
        place=_placement(_table(table.get("ecs", {}), "ecs")),
        file=path,
    )


def _start(table: object) -> Start:
    table = _table(table, "start")
    _only(table, "start")
    argv = table.get("argv")
    if not isinstance(argv, list) or not argv or not all(isinstance(word, str) for word in argv):
        raise _Invalid("start.argv must be a list of words")
    env = _table(table.get("env", {}), "start.env")
    if not all(isinstance(value, str) for value in env.values()):
        raise _Invalid("start.env: every value must be text")
    within = _seconds(table, "within", timeouts.START)
    ready = _choice(table, "ready", ("http", "json-line"), "http")
    for text in [*argv, *env.values()]:
        _placeholders(text)
    return Start(tuple(argv), dict(env), "http" if ready == "http" else "json-line",
                 _text(table, "path", "/") or "/", within)  # fmt: skip


def _placeholders(text: str) -> None:
    try:
        text.format(python="", port="", seed="", scratch="")
    except (KeyError, IndexError, ValueError) as error:
        raise _Invalid(f"start: {text!r} contains an unknown placeholder ({error}); known are "
                     "{python}, {port}, {seed}, {scratch}") from None  # fmt: skip


def _credentials(table: object) -> Credentials:
    table = _table(table, "credentials")
    _only(table, "credentials")
    kind = _choice(table, "kind", ("per-test", "environment", "profile"), "per-test")
    profile = _text(table, "profile", None)
    if (kind == "profile") != (profile is not None):
        raise _Invalid('credentials.profile goes with kind = "profile", and only with it')
    return Credentials(cast(Any, kind), _text(table, "secret", "surveyor") or "", _text(table, "header", None), profile)


def _dns(text: str) -> Dns:
    if text in ("none", "control", "zones"):
        return Dns(cast(Any, text))
    found = address_and_port(text)
    if found is None:
        raise _Invalid(f'dns must be "control", "zones", "none" or "address:port", not {text!r}')
    return Dns("address", *found)


def _placement(table: dict[str, Any]) -> TaskPlacement:
    _only(table, "ecs")
    public = table.get("public", False)
    if not isinstance(public, bool):
        raise _Invalid("ecs.public must be true or false")
    return TaskPlacement(
        _text(table, "cluster", None),
        tuple(sorted(_texts(table, "subnets"))),
        tuple(sorted(_texts(table, "security_groups"))),
        _text(table, "capacity", None),
        public,
    )


def _budget(table: dict[str, Any]) -> Budget:
    try:
        return parse_budget(table)
    except BudgetError as error:
        raise _Invalid(f"budget: {error}") from None


def _table(value: object, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _Invalid(f"{name} must be a table")
    return value


def _only(table: Mapping[str, object], section: str) -> None:
    for key in table:
        if key not in KEYS[section]:
            _known(key, KEYS[section], "key", shown=f"{section}.{key}" if section else key)


def _known(value: str, known: Mapping[str, str] | set[str], kind: str, shown: str | None = None) -> None:
    if value not in known:
        raise _Invalid(f"unknown {kind} {shown or value!r}{nearest(value, known)}")


def _text(table: Mapping[str, object], key: str, default: str | None) -> str | None:
    value = table.get(key, default)
    if value is not default and (not isinstance(value, str) or not value):
        raise _Invalid(f"{key} must be text")
    return value


def _texts(table: Mapping[str, object], key: str) -> frozenset[str]:
    value = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise _Invalid(f"{key} must be a list of words")
    return frozenset(value)


def _choice(table: Mapping[str, object], key: str, choices: tuple[str, ...], default: str) -> str:
    value = table.get(key, default)
    if value not in choices:
        raise _Invalid(f"{key} must be one of {', '.join(choices)}, not {value!r}")
    return value


def _seconds(table: Mapping[str, object], key: str, default: float) -> float:
    value = table.get(key, default)
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not value > 0:
        raise _Invalid(f"{key} must be a number of seconds, not {value!r}")
    return float(value)
