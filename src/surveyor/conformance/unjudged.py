"""Which claims a run will not judge, and which option changes that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from surveyor.claims import Claim
from surveyor.targets.model import Target

__all__ = ["describe_unjudged"]

_OPTIONS = {"iam": "--role ARN", "accounts": "--consumer-profile NAME", "sharing": "--consumer-profile NAME"}
"""Options that give an account a feature; `--enable` gives the others that it can have."""


def describe_unjudged(claims: Iterable[Claim], target: Target) -> list[str]:
    """Return lines about the claims that are not judged for want of a feature; [] if all are, or it is not known."""
    if target.features is None:
        return []
    by_options: Counter[tuple[str, ...]] = Counter()
    impossible: Counter[str] = Counter()
    for claim in claims:
        lacking = set(claim.features) - target.features
        if claim.unproven is not None or not lacking:
            continue
        options = {feature: _option(feature, target) for feature in lacking}
        if None in options.values():
            impossible.update([min(feature for feature, option in options.items() if option is None)])
        else:
            by_options[tuple(sorted({option for option in options.values() if option}))] += 1
    parts = [f"{count} without {' and '.join(options)}" for options, count in by_options.most_common()]
    lines = [f"not judged: {', '.join(parts)}"] if parts else []
    if impossible:
        names = ", ".join(f"{name} {count}" for name, count in impossible.most_common())
        lines.append(f"not judged on {target.name}: {impossible.total()}, which need what it does not have ({names})")
    if target.dns.kind == "zones" and not target.dns.address:
        lines.append("names of private namespaces are not resolved without --vpc and --dns, from inside their VPC")
    return lines


def _option(feature: str, target: Target) -> str | None:
    """Return the option that gives the target a feature; None if none does."""
    if feature in target.on_request:
        return f"--enable {feature}"
    return _OPTIONS.get(feature)
