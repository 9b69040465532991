"""Options of the command line that change a target: account, profile, Region, endpoint, DNS, features, budget."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import SplitResult, urlsplit

from msgspec.structs import replace as replace_struct

from surveyor.account.budget import BudgetError
from surveyor.account.tags import TagError, check_tags, parse_tags
from surveyor.errors import UsageError
from surveyor.messages import nearest
from surveyor.targets.model import Credentials, Dns, Target, is_loopback
from surveyor.targets.regions import Use, with_region

__all__ = [
    "DEFAULT_VPC",
    "NO_OPTIONS",
    "TargetOptions",
    "address_and_port",
    "apply_options",
    "checked_endpoint",
    "pinned",
    "split_features",
]

DEFAULT_VPC = "default"
"""In place of subnets: those of the default VPC, or of [ecs] in the target file."""

_ROLE = re.compile(r"arn:aws[\w-]*:iam::\d{12}:role/[\w+=,.@/-]+", re.ASCII)
_SUBNET = re.compile(r"subnet-[0-9a-f]{8,17}", re.ASCII)


@dataclass(frozen=True)
class TargetOptions:
    """The options of the command line; None or empty keeps the target file's value.

    `dns` is `control`, `none` or `ADDRESS:PORT`. `profile` and `consumer_profile` are those of the AWS CLI.
    `tag`: each as `KEY=VALUE`. `from_vpc`: subnets, separated by commas, or DEFAULT_VPC.
    """

    account: str | None = None
    region: str | None = None
    endpoint: str | None = None
    dns: str | None = None
    vpc: str | None = None
    role: str | None = None
    enable: tuple[str, ...] = ()
    budget: str | None = None
    profile: str | None = None
    consumer_profile: str | None = None
    tag: tuple[str, ...] = ()
    from_vpc: str | None = None
    service_role: str | None = None

    def arguments(self) -> list[str]:
        """Return them as options of pytest, which passes them to its workers."""
        values: Mapping[str, str | None] = {
            "--account": self.account, "--region": self.region, "--endpoint": self.endpoint, "--dns": self.dns,
            "--vpc": self.vpc, "--role": self.role, "--budget": self.budget, "--profile": self.profile,
            "--consumer-profile": self.consumer_profile, "--from-vpc": self.from_vpc,
            "--service-role": self.service_role,
        }  # fmt: skip
        words = [word for name, value in values.items() if value is not None for word in (name, value)]
        words += [word for tag in self.tag for word in ("--tag", tag)]
        return words + [word for feature in self.enable for word in ("--enable", feature)]


NO_OPTIONS = TargetOptions()
"""Keep the target as in its file."""


def apply_options(target: Target, options: TargetOptions, use: Use = "create") -> Target:
    """Return the target with the options applied. Raises UsageError, before any call, if one does not fit."""
    target = _with_account(_with_endpoint(target, options), options)
    target = with_region(_with_profiles(target, options, use), options.region, use)
    if options.dns is not None:
        target = replace(target, dns=_dns(target.dns, options.dns))
    asks_nowhere = target.dns.kind == "none" and (options.dns is not None or options.endpoint is not None)
    if asks_nowhere and target.features is not None:  # the caller's choice, and no fault of the target
        target = replace(target, features=target.features - {"dns", "public-dns"})
    return _with_features_and_budget(_with_vantage(_with_tags(target, options), options), options)


def pinned(options: TargetOptions, target: Target) -> TargetOptions:
    """Return the options with the Region that they led to, for what is resumed or undone in another environment."""
    outlives = target.is_one_account and target.start is None
    return replace(options, region=target.region) if outlives else options


def _with_profiles(target: Target, options: TargetOptions, use: Use) -> Target:
    """Return the target with the profiles whose credentials are used. Raises UsageError if there is none of that name.

    Raises UsageError, too, if the settings of the AWS CLI name an endpoint where AWS itself is called.
    """
    names = {"--profile": options.profile, "--consumer-profile": options.consumer_profile}
    is_account = target.start is None and target.credentials.kind != "per-test"
    for option, name in names.items():
        if name is not None and not is_account:
            raise UsageError(f"{option} does not go with {target.name}, which takes no credentials of yours")
    if options.profile is not None:
        target = replace(target, credentials=Credentials("profile", profile=options.profile))
    if options.consumer_profile is not None:
        target = replace(target, consumer=Credentials("profile", profile=options.consumer_profile))
        if target.features is not None:
            target = replace(target, features=target.features | {"accounts", "sharing"})
    if is_account and use != "describe":
        from surveyor.targets.aws_settings import check_settings  # botocore is slow to load

        for credentials in filter(None, (target.credentials, target.consumer)):
            check_settings(credentials.profile, is_aws=target.endpoint is None)
    return target


def _with_endpoint(target: Target, options: TargetOptions) -> Target:
    if options.endpoint is None:
        return target
    if target.endpoint is not None or target.start is not None:
        raise UsageError(f"--endpoint does not go with {target.name}, which has one; write --target {options.endpoint}")
    checked_endpoint(options.endpoint)
    local = is_loopback(options.endpoint)
    return replace(target, endpoint=options.endpoint.rstrip("/"), inject_host_prefix=False,
                   dns=Dns() if options.dns is None and local else target.dns)  # fmt: skip


def _with_account(target: Target, options: TargetOptions) -> Target:
    """Return the target with account, VPC and role."""
    if target.is_one_account and options.account is None and target.account is None:
        raise UsageError(
            f"{target.name} is an account that outlives the run: name it with --account "
            "(12 digits, as `aws sts get-caller-identity` prints them)"
        )
    if options.account is not None:
        if not re.fullmatch(r"\d{12}", options.account):
            raise UsageError(f"--account must be 12 digits, not {options.account!r}")
        # All tests use one account, as on AWS: a new one in a target that is started here, else the given one.
        kind = target.credentials if target.start or target.is_one_account else Credentials("environment")
        target = replace(target, account=options.account, credentials=kind)
    given = (("vpc", options.vpc), ("role", options.role), ("service-role", options.service_role))
    for name, value in given:
        if value is not None and not target.is_one_account:
            raise UsageError(f"--{name} does not go with {target.name}, where each test has a separate account")
    if options.service_role is not None and not _ROLE.fullmatch(options.service_role):
        shown = repr(options.service_role[:100])
        raise UsageError(f"--service-role: expected the ARN of a role, arn:aws:iam::ACCOUNT:role/NAME, got {shown}")
    if options.role is not None and target.features is not None:
        target = replace(target, features=target.features | {"iam"})
    if options.service_role is not None and target.features is not None:
        target = replace(target, features=target.features | {"service-roles"})
    return replace(target, vpc=options.vpc, role=options.role, service_role=options.service_role)


def _with_vantage(target: Target, options: TargetOptions) -> Target:
    """Return the target with the subnets of its vantage, from which tasks can be called."""
    if options.from_vpc is None:
        return target
    if target.start is not None or not target.is_one_account:
        raise UsageError(f"--from-vpc does not go with {target.name}, whose tasks this machine reaches")
    if target.dns.address:
        raise UsageError("--from-vpc does not go with --dns ADDRESS:PORT: both say where private names are asked for")
    if options.from_vpc == DEFAULT_VPC:
        subnets = target.place.subnets
    else:
        subnets = tuple(dict.fromkeys(word.strip() for word in options.from_vpc.split(",")))
    for subnet in subnets:
        if not _SUBNET.fullmatch(subnet):
            raise UsageError(f"--from-vpc: expected ids of subnets, subnet-… separated by commas, got {subnet[:100]!r}")
    features = target.features and target.features | (target.on_request & {"ecs-processes"}) | {"health"}
    return replace(target, from_vpc=subnets, place=replace_struct(target.place, subnets=subnets), features=features)


def _with_tags(target: Target, options: TargetOptions) -> Target:
    """Return the target with the tags of the command line, which replace those of the same keys in its file."""
    try:
        tags = {**target.tags, **parse_tags(options.tag)}
        check_tags(tags)
    except TagError as error:
        raise UsageError(f"--tag: {error}") from None
    return replace(target, tags=tags)


def _with_features_and_budget(target: Target, options: TargetOptions) -> Target:
    for feature in options.enable:
        if feature not in target.on_request:
            known, near = ", ".join(sorted(target.on_request)) or "nothing", nearest(feature, target.on_request)
            raise UsageError(f"--enable {feature}: {target.name} has {known} to enable{near}")
    if options.enable and target.features is not None:
        target = replace(target, features=target.features | set(options.enable))
    if options.budget is not None:
        if not target.is_one_account:
            raise UsageError(f"--budget does not go with {target.name}, where nothing costs anything")
        try:
            target = replace(target, budget=target.budget.with_limits(options.budget))
        except BudgetError as error:
            raise UsageError(f"--budget: {error}") from None
    return target


def _dns(own: Dns, text: str) -> Dns:
    if text in ("none", "control"):
        return Dns("none" if text == "none" else "control")
    found = address_and_port(text)
    if found is None:
        raise UsageError(f'--dns must be "control", "none" or ADDRESS:PORT, not {text!r}')
    # On AWS the address is the resolver of a VPC, which knows private names, but no public zone without delegation.
    return Dns("zones" if own.kind == "zones" else "address", *found)


def checked_endpoint(url: str) -> SplitResult:
    """Return the parts of an endpoint's URL. Raises UsageError if it is invalid or not allowed."""
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise UsageError(f"{url[:200]!r} is not an endpoint ({error}); write http://HOST:PORT") from None
    try:
        port_is_number = parts.port is None or parts.port > 0
    except ValueError:
        port_is_number = False
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_is_number:
        raise UsageError(f"{url!r} is not an endpoint; write http://HOST:PORT")
    if parts.username or parts.password:
        raise UsageError("an endpoint URL must not carry credentials")
    if parts.hostname.endswith((".amazonaws.com", ".amazonaws.com.cn", ".api.aws")):
        raise UsageError(
            f"{parts.hostname} is a real account, which is never reached by a bare URL: --target aws --account ID"
        )
    return parts


def address_and_port(text: str) -> tuple[str, int] | None:
    """Return the parts of ADDRESS:PORT, or None."""
    address, _, port = text.rpartition(":")
    if not address or not port.isdecimal() or len(port) > 5 or not 0 < int(port) < 65536:
        return None
    return address.strip("[]"), int(port)


def split_features(texts: Sequence[str]) -> tuple[str, ...]:
    """Return the features named by `--enable`, which may be repeated or hold commas."""
    return tuple(word.strip() for text in texts for word in text.split(",") if word.strip())
