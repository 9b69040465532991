"""Load the target that --target names: the stem of a target file, a path, or a URL; the first two with @VERSION."""

from __future__ import annotations

import string
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import InvalidVersion, Version

from surveyor.account.tags import TagError, check_tags
from surveyor.claims.features import FEATURES
from surveyor.errors import UsageError
from surveyor.input_files import is_file
from surveyor.messages import nearest
from surveyor.targets.file import TargetFile, VersionTable
from surveyor.targets.model import Credentials, Dns, Environment, Start, Target, is_loopback
from surveyor.targets.options import NO_OPTIONS, TargetOptions, address_and_port, apply_options, checked_endpoint
from surveyor.targets.regions import Use
from surveyor.targets.requirements import check_pins
from surveyor.typed_toml import TypedToml, read_toml

__all__ = ["all_versions", "find_target", "load_target", "target_names", "target_versions"]

_PLACEHOLDERS = ("python", "port", "seed", "scratch")

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


def load_target(name: str, folder: Path, options: TargetOptions = NO_OPTIONS, use: Use = "create") -> Target:
    """Return the target called `name`, a stem in `folder`, a path or a URL, with the options applied.

    `use`: whether the command creates something, only reads and deletes, or calls nothing.
    Raises UsageError for an unknown name or version (with the known ones), for options that do not fit the target, and
    for an invalid file.
    """
    return apply_options(find_target(name, folder), options, use)


def find_target(name: str, folder: Path) -> Target:
    """Return the target called `name` without options. Raises UsageError."""
    if "://" in name:
        return _from_url(name)
    stem, version = _name_and_version(name)
    if stem.endswith(".toml") or "/" in stem:
        if not is_file(stem):
            raise UsageError(f"no target file at {stem}")
        return _from_file(Path(stem), version)
    path = folder / f"{stem}.toml"
    if not is_file(path):
        names = target_names(folder)
        hint = nearest(stem, names) or f"; known are {', '.join(names) or 'none'}, or give a URL"
        raise UsageError(f"unknown target {stem!r}{hint}")
    return _from_file(path, version)


def _name_and_version(text: str) -> tuple[str, str | None]:
    """Return the parts of NAME@VERSION; None if there is no version. The path of a file may contain @."""
    name, at, version = text.rpartition("@")
    return (name, version) if at and not is_file(text) else (text, None)


def _from_url(url: str) -> Target:
    parts = checked_endpoint(url)
    credentials = Credentials("per-test") if is_loopback(url) else Credentials("environment")
    return Target(name=f"{parts.hostname}:{parts.port or parts.scheme}", region="us-east-1", endpoint=url.rstrip("/"),
                  description="an endpoint given by its URL", credentials=credentials)  # fmt: skip


def _from_file(path: Path, version: str | None) -> Target:
    file = read_toml(path, TargetFile)
    table, name = file.value, path.stem
    _check_features(file)
    _check_package(file)
    if (table.start is None) == (table.endpoint is None):
        raise file.error("", "needs either endpoint or [start], not both")
    environment = _environment(file, version)
    chosen = table.versions[environment.version] if environment else VersionTable()
    features = table.features if chosen.features is None else chosen.features
    return Target(
        name=name,
        region=table.region,
        endpoint=_endpoint(file),
        start=_start(file, environment),
        description=table.description or "",
        package=Requirement(table.package).name if table.package else None,
        credentials=_credentials(file),
        dns=_dns(file),
        clock=table.clock,
        rehearsal=table.rehearsal,
        features=frozenset(features) | {"cloudmap"},
        lacks=frozenset(table.lacks if chosen.lacks is None else chosen.lacks),
        inject_host_prefix=table.inject_host_prefix,
        settles=table.settles,
        regions=tuple(sorted(table.regions)),
        on_request=frozenset(table.on_request),
        optional=table.optional,
        budget=table.budget,
        place=table.ecs,
        tags=_tags(file),
        file=path,
    )


def _check_features(file: TypedToml[TargetFile]) -> None:
    table = file.value
    lists = {"features": table.features, "on_request": table.on_request, "optional": table.optional}
    lists |= {f"versions.{name}.features": version.features or () for name, version in table.versions.items()}
    for key, names in lists.items():
        for name in names:
            if name not in FEATURES:
                raise file.error(key, f"unknown feature {name!r}{nearest(name, FEATURES)}")


def _check_package(file: TypedToml[TargetFile]) -> None:
    """Refuse what is no requirement; it may have extras, as `moto[server]`."""
    package = file.value.package
    try:
        Requirement(package or "none")
    except InvalidRequirement:
        raise file.error("package", f"package: expected the name of a Python package, got {package!r}") from None


def _environment(file: TypedToml[TargetFile], version: str | None) -> Environment | None:
    """Return the environment of one version, by default the newest; None if the target has no versions."""
    table, name = file.value, file.path.stem
    if not table.versions:
        if version is not None:
            raise UsageError(f"{name} has no versions to choose from: write --target {name}")
        return None
    for text in table.versions:
        try:
            Version(text)
        except InvalidVersion:
            raise file.error(f"versions.{text}", f"versions: {text!r} is not the version of a package") from None
    known = sorted(table.versions, key=Version)
    if version is not None and version not in known:
        raise UsageError(f"{name} has no version {version!r}; known are {', '.join(known)} (the default)")
    if table.start is None or table.package is None:
        raise file.error(f"versions.{known[0]}", "[versions] needs package and [start]")
    chosen = version or known[-1]
    requirements = file.path.parent / "requirements" / f"{name}-{chosen}.txt"
    if not requirements.is_file():
        raise file.error(
            f"versions.{chosen}", f"version {chosen} needs {requirements}, the pinned packages with their hashes"
        )
    check_pins(requirements, Requirement(table.package).name, chosen)
    others = tuple(text for text in known if text != chosen)
    return Environment(name, chosen, requirements.absolute(), others, is_default=chosen == known[-1])


def _endpoint(file: TypedToml[TargetFile]) -> str | None:
    endpoint = file.value.endpoint
    if endpoint is None or endpoint == _AWS:
        return None
    try:
        checked_endpoint(endpoint)
    except UsageError as error:
        raise file.error("endpoint", f"endpoint: {error}") from None
    return endpoint


def _start(file: TypedToml[TargetFile], environment: Environment | None) -> Start | None:
    table = file.value.start
    if table is None:
        return None
    for key, texts in (("argv", table.argv), ("env", table.env.values())):
        for text in texts:
            if not _has_known_placeholders(text):
                raise file.error(f"start.{key}", f"start.{key}: {text[:200]!r} contains an unknown placeholder; "
                                 "known are {python}, {port}, {seed}, {scratch}")  # fmt: skip
    return Start(table.argv, table.env, table.ready, table.path, table.within, environment)


def _has_known_placeholders(text: str) -> bool:
    """Return whether each placeholder is a name; a width or an attribute could make it of any size."""
    try:
        parts = list(string.Formatter().parse(text))
    except ValueError:
        return False
    return all(
        name is None or (name in _PLACEHOLDERS and not spec and not conversion) for _, name, spec, conversion in parts
    )


def _credentials(file: TypedToml[TargetFile]) -> Credentials:
    credentials = file.value.credentials
    if (credentials.kind == "profile") != (credentials.profile is not None):
        raise file.error("credentials.kind", 'credentials.profile goes with kind = "profile", and only with it')
    return credentials


def _tags(file: TypedToml[TargetFile]) -> Mapping[str, str]:
    try:
        check_tags(file.value.tags)
    except TagError as error:
        raise file.error("tags", f"tags: {error}") from None
    return file.value.tags


def _dns(file: TypedToml[TargetFile]) -> Dns:
    text = file.value.dns
    if text in ("none", "control", "zones"):
        return Dns(cast(Any, text))
    found = address_and_port(text)
    if found is None:
        raise file.error("dns", f'dns: expected "control", "zones", "none" or "address:port", got {text!r}')
    return Dns("address", *found)
