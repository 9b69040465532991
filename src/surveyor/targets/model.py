"""What a target is, as values: how it is reached or started, who calls it, where it answers names, what it has."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from surveyor.account.budget import UNBOUNDED, Budget

__all__ = ["Credentials", "Dns", "Place", "Start", "Target", "is_loopback"]


@dataclass(frozen=True)
class Start:
    """How Surveyor starts the target itself.

    `argv` and the values of `env` may hold {python}, {port}, {seed} and {scratch} (a directory that is removed again).
    `ready`: "http" = a GET of `path` is answered with any status; "json-line" = one JSON line on stdout that names
    the endpoint. `within` in wall seconds.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    ready: Literal["http", "json-line"] = "http"
    path: str = "/"
    within: float = 30.0


@dataclass(frozen=True)
class Credentials:
    """Who calls. `per-test`: each test is an account of its own, its 12 digits used as access key id.

    `header`: a request header that carries the account, for a target that does not read it from the key.
    """

    kind: Literal["per-test", "environment", "profile"] = "per-test"
    secret: str = "surveyor"
    header: str | None = None
    profile: str | None = None


@dataclass(frozen=True)
class Dns:
    """Where names are asked: nowhere, where the control endpoint says, always at one address, or as on AWS.

    `zones`: public names at the name servers that their hosted zone lists; private ones at `address`, which has to be
    a resolver inside their VPC, or, where that is "", nowhere.
    """

    kind: Literal["none", "control", "address", "zones"] = "none"
    address: str = ""
    port: int = 53


@dataclass(frozen=True)
class Place:
    """Where tasks run in an account that is given: a cluster, subnets of one VPC, security groups, a capacity provider.

    Without it tests make a cluster and use the default VPC's subnets. `public` gives tasks public addresses, by which
    they are called from outside the VPC.
    """

    cluster: str | None = None
    subnets: tuple[str, ...] = ()
    security_groups: tuple[str, ...] = ()
    capacity: str | None = None
    public: bool = False


@dataclass(frozen=True)
class Target:
    """One thing that can be tested.

    Without `endpoint` and `start` it is AWS itself, which has an endpoint for each service and region. `features` None
    means: not declared, find out by probing; `optional` are those that need a
    Python package here; `on_request` are features that are tested only if asked for, since that
    fills quotas, floods APIs or leaves the region. `lacks`: operations that it does not have, as
    `servicediscovery:CreateService`. `settles`: seconds after a call from which on nothing changes by itself.
    `regions`: those that may be used; none named means any. `account`: the one account that the run may be in; `vpc`
    and `role` are a VPC and a role there that it may use, `budget` what it may spend there.
    """

    name: str
    region: str
    endpoint: str | None = None
    start: Start | None = None
    description: str = ""
    package: str | None = None
    credentials: Credentials = Credentials()
    dns: Dns = Dns()
    clock: Literal["control", "wall"] = "wall"  # whose time: that of the control endpoint, or everybody's
    features: frozenset[str] | None = None
    lacks: frozenset[str] = frozenset()
    inject_host_prefix: bool = False
    settles: float = float("inf")
    regions: tuple[str, ...] = ()
    on_request: frozenset[str] = frozenset()
    optional: Mapping[str, str] = field(default_factory=dict)
    account: str | None = None
    vpc: str | None = None
    role: str | None = None
    budget: Budget = UNBOUNDED
    place: Place = Place()
    file: Path | None = None

    @property
    def kind(self) -> str:
        """How it is reached: `started` by us, or an `endpoint` that is there already."""
        return "started" if self.start else "endpoint"

    @property
    def is_one_account(self) -> bool:
        """Whether all tests are in one account, which outlives the run: what they make there is taken away again."""
        return self.account is not None or self.credentials.kind != "per-test"

    def version(self) -> str:
        """The version of the package that is the target, or "" if that cannot be known."""
        try:
            return importlib.metadata.version(self.package) if self.package else ""
        except importlib.metadata.PackageNotFoundError:
            return ""

    @property
    def is_local(self) -> bool:
        """Whether it runs on this machine: no proxies, short time-outs."""
        return self.start is not None or (self.endpoint is not None and is_loopback(self.endpoint))


def is_loopback(url: str) -> bool:
    """Whether `url` names this machine's own loopback."""
    host = urlsplit(url).hostname or ""
    return host == "localhost" or host.endswith(".localhost") or host.startswith("127.") or host == "::1"
