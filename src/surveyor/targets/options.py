"""What the command line says about a target beyond its file: account, region, endpoint, vantage, limits."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import SplitResult, urlsplit

from surveyor.account.budget import BudgetError
from surveyor.errors import UsageError
from surveyor.messages import nearest
from surveyor.targets.model import Credentials, Dns, Target, is_loopback

__all__ = ["NOTHING_GIVEN", "TargetOptions", "address_and_port", "allowed_words", "apply_given", "checked_endpoint"]


@dataclass(frozen=True)
class TargetOptions:
    """What was given; None or empty is as the target's file has it. `dns` is `control`, `none` or `ADDRESS:PORT`."""

    account: str | None = None
    region: str | None = None
    endpoint: str | None = None
    dns: str | None = None
    vpc: str | None = None
    role: str | None = None
    allow: tuple[str, ...] = ()
    budget: str | None = None

    def arguments(self) -> list[str]:
        """As options of pytest, which hands them to its workers."""
        told: Mapping[str, str | None] = {
            "--account": self.account, "--region": self.region, "--endpoint": self.endpoint, "--dns": self.dns,
            "--vpc": self.vpc, "--role": self.role, "--budget": self.budget,
        }  # fmt: skip
        words = [word for name, value in told.items() if value is not None for word in (name, value)]
        return words + [word for feature in self.allow for word in ("--allow", feature)]


NOTHING_GIVEN = TargetOptions()
"""The target as its file has it."""


def apply_given(target: Target, given: TargetOptions) -> Target:
    """The target with what was given. Raises UsageError, before any call, for what does not fit it."""
    target = _reached(target, given)
    if given.region is not None:
        if target.regions and given.region not in target.regions:
            raise UsageError(f"{target.name} may be surveyed in {', '.join(target.regions)}, not in {given.region}")
        target = replace(target, region=given.region)
    if given.dns is not None:
        target = replace(target, dns=_dns(target.dns, given.dns))
    return _limited(_inside(target, given), given)


def _reached(target: Target, given: TargetOptions) -> Target:
    if given.endpoint is None:
        return target
    if target.endpoint is not None or target.start is not None:
        raise UsageError(f"--endpoint does not go with {target.name}, which has one; write --target {given.endpoint}")
    checked_endpoint(given.endpoint)
    local = is_loopback(given.endpoint)
    return replace(target, endpoint=given.endpoint.rstrip("/"), inject_host_prefix=False,
                   dns=Dns() if given.dns is None and local else target.dns)  # fmt: skip


def _inside(target: Target, given: TargetOptions) -> Target:
    """Which account, and which VPC there."""
    if target.is_one_account and given.account is None and target.account is None:
        raise UsageError(
            f"{target.name} is an account that outlives the run: say with --account which one it is meant to be "
            "(12 digits, as `aws sts get-caller-identity` tells them)"
        )
    if given.account is not None:
        if not re.fullmatch(r"\d{12}", given.account):
            raise UsageError(f"an account is 12 digits, not {given.account!r}")
        # All tests in one account, as on AWS: in a target that we start it is one of its own, elsewhere the user's.
        kind = target.credentials if target.start or target.is_one_account else Credentials("environment")
        target = replace(target, account=given.account, credentials=kind)
    for name, value in (("vpc", given.vpc), ("role", given.role)):
        if value is not None and not target.is_one_account:
            raise UsageError(f"--{name} does not go with {target.name}, where each test has an account of its own")
    if given.role is not None and target.features is not None:
        target = replace(target, features=target.features | {"iam"})
    return replace(target, vpc=given.vpc, role=given.role)


def _limited(target: Target, given: TargetOptions) -> Target:
    for feature in given.allow:
        if feature not in target.on_request:
            known, near = ", ".join(sorted(target.on_request)) or "nothing", nearest(feature, target.on_request)
            raise UsageError(f"--allow {feature}: {target.name} has {known} to allow{near}")
    if given.allow and target.features is not None:
        target = replace(target, features=target.features | set(given.allow))
    if given.budget is not None:
        if not target.is_one_account:
            raise UsageError(f"--budget does not go with {target.name}, where nothing costs anything")
        try:
            target = replace(target, budget=target.budget.tightened(given.budget))
        except BudgetError as wrong:
            raise UsageError(f"--budget: {wrong}") from None
    return target


def _dns(own: Dns, text: str) -> Dns:
    if text in ("none", "control"):
        return Dns("none" if text == "none" else "control")
    found = address_and_port(text)
    if found is None:
        raise UsageError(f'--dns must be "control", "none" or ADDRESS:PORT, not {text!r}')
    # On AWS the address is the resolver of a VPC: it knows private names, and no public zone that nobody delegated.
    return Dns("zones" if own.kind == "zones" else "address", *found)


def checked_endpoint(url: str) -> SplitResult:
    """The parts of an endpoint's URL. Raises UsageError if it is none, or one that must not be given."""
    parts = urlsplit(url)
    try:
        port_is_number = parts.port is None or parts.port > 0
    except ValueError:
        port_is_number = False
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_is_number:
        raise UsageError(f"{url!r} is no endpoint; write http://HOST:PORT")
    if parts.username or parts.password:
        raise UsageError("an endpoint URL must not carry credentials")
    if parts.hostname.endswith((".amazonaws.com", ".amazonaws.com.cn", ".api.aws")):
        raise UsageError(
            f"{parts.hostname} is a real account, which is never reached by a bare URL: --target aws --account ID"
        )
    return parts


def address_and_port(text: str) -> tuple[str, int] | None:
    """The parts of ADDRESS:PORT, or None."""
    address, _, port = text.rpartition(":")
    if not address or not port.isdecimal() or not 0 < int(port) < 65536:
        return None
    return address.strip("[]"), int(port)


def allowed_words(texts: Sequence[str]) -> tuple[str, ...]:
    """The features that `--allow` names, given several times or with commas."""
    return tuple(word.strip() for text in texts for word in text.split(",") if word.strip())
