"""Which claims a run will not judge, and which option changes that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from surveyor.claims import Claim
from surveyor.targets.model import Target

__all__ = ["INSIDE", "describe_judges", "describe_unjudged"]

INSIDE = frozenset({"dns", "ecs-processes", "health"})
"""Features of claims for which names are asked, tasks are called or servers are probed inside a VPC."""

_OPTIONS = {
    "accounts": "--consumer-profile NAME",
    "dns": "--dns",
    "ecs-processes": "--from-vpc",
    "health": "--from-vpc",
    "iam": "--role ARN",
    "public-dns": "--dns",
    "service-roles": "--service-role ARN",
    "sharing": "--consumer-profile NAME",
}
"""Options that give an account a feature; `--enable` gives the others that it can have."""


def describe_unjudged(claims: Iterable[Claim], target: Target) -> list[str]:
    """Return lines about the claims that are not judged for want of a feature; [] if all are, or it is not known.

    A claim that needs several options counts for each of them.
    """
    if target.features is None:
        return []
    proven = [claim for claim in claims if claim.unproven is None]
    by_option: Counter[str] = Counter()
    impossible: Counter[str] = Counter()
    possible = 0
    for claim in proven:
        options = {feature: _option(feature, target) for feature in set(claim.features) - target.features}
        if None in options.values():
            impossible[min(feature for feature, option in options.items() if option is None)] += 1
        elif options:
            possible += 1
            by_option.update({option for option in options.values() if option})
    lines = []
    if possible:
        lines.append(f"not judged: {possible} of {len(proven)} claims, without these options: {_list(by_option)}")
    if impossible:
        lines.append(
            f"not judged on {target.name}: {impossible.total()}, which need what it lacks: {_list(impossible)}"
        )
    asks_names = any("dns" in claim.features for claim in proven)
    if asks_names and target.dns.kind == "zones" and not target.dns.address and target.from_vpc is None:
        lines.append("names of private namespaces are not resolved without --from-vpc, or a run inside their VPC")
    return lines


def describe_judges(claims: Iterable[Claim], target: Target) -> str:
    """Return how many of the proven claims a run judges from this machine, and for how many it asks its vantage."""
    features = target.features or frozenset()
    judged = [claim for claim in claims if claim.unproven is None and features.issuperset(claim.features)]
    inside = sum(not INSIDE.isdisjoint(claim.features) for claim in judged)
    return f"claims judged from here: {len(judged) - inside}, with the vantage: {inside}"


def _list(counts: Counter[str]) -> str:
    return ", ".join(f"{name} ({count})" for name, count in counts.most_common())


def _option(feature: str, target: Target) -> str | None:
    """Return the option that gives the target a feature; None if none does."""
    if feature in target.on_request and feature not in _OPTIONS:
        return f"--enable {feature}"
    return _OPTIONS.get(feature)
