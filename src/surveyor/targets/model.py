"""A target as values: how it is reached or started, its credentials, its DNS servers, its features."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from msgspec import Struct

from surveyor import timeouts
from surveyor.account.budget import UNBOUNDED, Budget
from surveyor.typed_toml import Text

__all__ = ["TOKEN_VARIABLE", "Credentials", "Dns", "Environment", "Start", "Target", "TaskPlacement", "is_loopback"]

TOKEN_VARIABLE = "SURVEYOR_TOKEN"  # noqa: S105  # the name of a variable
"""The environment variable with the token of a control endpoint."""


@dataclass(frozen=True)
class Environment:
    """The Python environment of one version of a target. `requirements`: a file of pinned packages with their hashes.

    `others`: the other versions of the target, for messages. `is_default`: the target's name alone means this version.
    """

    target: str
    version: str
    requirements: Path
    others: tuple[str, ...] = ()
    is_default: bool = True

    @property
    def label(self) -> str:
        """Return target and version as `--target` accepts them."""
        return f"{self.target}@{self.version}"


@dataclass(frozen=True)
class Start:
    """How Surveyor starts the target.

    `argv` and the values of `env` may contain {python}, {port}, {seed} and {scratch} (a temporary directory).
    `environment`: where {python} has the packages of the target; None is the environment of Surveyor itself.
    `ready`: "http" = a GET of `path` is answered with any status; "json-line" = one JSON line on stdout that names
    the endpoint. `within` is in wall seconds.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    ready: Literal["http", "json-line"] = "http"
    path: str = "/"
    within: float = timeouts.START
    environment: Environment | None = None


class Credentials(Struct, frozen=True, forbid_unknown_fields=True):
    """The credentials of calls. `per-test`: each test has its own account, whose 12 digits are the access key id.

    `header`: a request header that carries the account, for a target that does not read it from the key.
    """

    kind: Literal["per-test", "environment", "profile"] = "per-test"
    secret: Text = "surveyor"  # noqa: S105  # the public secret of the embedded target
    header: Text | None = None
    profile: Text | None = None


@dataclass(frozen=True)
class Dns:
    """Where names are queried: nowhere, at the servers that the control endpoint names, at one address, or as on AWS.

    `zones`: public names at the name servers that their hosted zone lists; private names at `address`, which must be a
    resolver inside their VPC, or nowhere if it is "".
    """

    kind: Literal["none", "control", "address", "zones"] = "none"
    address: str = ""
    port: int = 53


class TaskPlacement(Struct, frozen=True, forbid_unknown_fields=True):
    """Where tasks run on a real account: a cluster, subnets of one VPC, security groups, a capacity provider.

    Without it tests create a cluster and use the subnets of the default VPC. `public` gives tasks public addresses, at
    which they are called from outside the VPC.
    """

    cluster: Text | None = None
    subnets: tuple[Text, ...] = ()
    security_groups: tuple[Text, ...] = ()
    capacity: Text | None = None
    public: bool = False


@dataclass(frozen=True)
class Target:
    """A target that can be tested.

    Without `endpoint` and `start` it is AWS itself, which has an endpoint for each service and region.
    `features`: None means not declared, so that they are probed. `optional` are those that need a Python package on
    this machine. `on_request` are those that are tested only with --enable, since their tests use up quotas, send
    calls at high rates or leave the region. `lacks`: operations that the target does not have, as
    `servicediscovery:CreateService`. `settles`: seconds after a call from which on nothing changes by itself.
    `rehearsal`: it stands for an account in a dry run, whose calls take time and whose clock is advanced.
    `consumer`: the credentials of a second account, with which namespaces are shared.
    `tags`: of the user, for everything that a run creates.
    `regions`: the allowed regions, or any if empty. `account`: the only account that the run may use; `vpc` and `role`
    are a VPC and a role in it, `service_role` one for services of AWS, `budget` the limits of the run. `from_vpc`:
    subnets of a task that asks names and calls tasks for the run, () for those of the default VPC; None: this machine
    does.
    """

    name: str
    region: str
    endpoint: str | None = None
    start: Start | None = None
    description: str = ""
    package: str | None = None
    credentials: Credentials = field(default_factory=Credentials)
    consumer: Credentials | None = None
    dns: Dns = Dns()
    clock: Literal["control", "wall"] = "wall"  # the clock of the control endpoint, or wall time
    features: frozenset[str] | None = None
    lacks: frozenset[str] = frozenset()
    inject_host_prefix: bool = False
    settles: float = float("inf")
    regions: tuple[str, ...] = ()
    on_request: frozenset[str] = frozenset()
    rehearsal: bool = False
    optional: Mapping[str, str] = field(default_factory=dict)
    account: str | None = None
    vpc: str | None = None
    role: str | None = None
    service_role: str | None = None
    from_vpc: tuple[str, ...] | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    budget: Budget = UNBOUNDED
    place: TaskPlacement = field(default_factory=TaskPlacement)
    file: Path | None = None

    @property
    def kind(self) -> str:
        """Return `started` if Surveyor starts it, or `endpoint` if it is running already."""
        return "started" if self.start else "endpoint"

    @property
    def is_one_account(self) -> bool:
        """Return whether all tests use one account that outlives the run, so that their resources must be deleted."""
        return self.account is not None or self.credentials.kind != "per-test"

    @property
    def environment(self) -> Environment | None:
        """Return the separate environment that it is started in, if it has one."""
        return self.start.environment if self.start else None

    @property
    def label(self) -> str:
        """Return its name, with the version if there are several, as `moto@5.2.5`."""
        return self.environment.label if self.environment else self.name

    def version(self) -> str:
        """Return the version of the package that is the target, or "" if it is unknown."""
        if self.environment:
            return self.environment.version
        try:
            return importlib.metadata.version(self.package) if self.package else ""
        except importlib.metadata.PackageNotFoundError:
            return ""

    @property
    def is_local(self) -> bool:
        """Return whether it runs on this machine: no proxies, short time-outs."""
        return self.start is not None or (self.endpoint is not None and is_loopback(self.endpoint))


def is_loopback(url: str) -> bool:
    """Return whether `url` names a loopback address of this machine."""
    host = urlsplit(url).hostname or ""
    return host == "localhost" or host.endswith(".localhost") or host.startswith("127.") or host == "::1"
