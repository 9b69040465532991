"""Capacity provider strategies: which of its providers runs the next task.

ecs CapacityProviderStrategyItem: first the base of the one provider that has one, then each provider its share by
weight; a provider whose weight is 0 runs no tasks beside others. Errors are InvalidParameterException.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from surveyor_emulator.aws.ecs.lookup import invalid_parameter

__all__ = ["FARGATE_PROVIDERS", "check_exist", "choose_provider", "parse_default_strategy", "parse_strategy"]

FARGATE_PROVIDERS = ("FARGATE", "FARGATE_SPOT")
"""Available to all accounts; those of Auto Scaling groups are not offered."""
MAX_PROVIDERS = 20

Strategy = tuple[Mapping[str, object], ...]


def check_exist(providers: Iterable[str]) -> None:
    """Refuse a capacity provider that does not exist."""
    for provider in providers:
        if provider not in FARGATE_PROVIDERS:
            raise invalid_parameter(f"The specified capacity provider '{provider}' was not found.")


def parse_default_strategy(entries: Iterable[Mapping[str, Any]], associated: Collection[str]) -> Strategy:
    """Return a strategy with all members; its providers must be associated with the cluster."""
    strategy: Strategy = tuple(
        {
            "capacityProvider": entry["capacityProvider"],
            "weight": entry.get("weight") or 0,
            "base": entry.get("base") or 0,
        }
        for entry in entries
    )
    if any(entry["capacityProvider"] not in associated for entry in strategy):
        raise invalid_parameter(
            "The specified capacity provider strategy cannot contain a capacity provider that is not associated with "
            "the cluster. Associate the capacity provider with the cluster and try again."
        )
    if len(strategy) > MAX_PROVIDERS:
        raise invalid_parameter(f"A capacity provider strategy has at most {MAX_PROVIDERS} capacity providers.")
    if len({str(entry["capacityProvider"]) for entry in strategy}) < len(strategy):
        raise invalid_parameter("A capacity provider strategy names each capacity provider once.")
    if sum(bool(entry["base"]) for entry in strategy) > 1:
        raise invalid_parameter("Only one capacity provider in a capacity provider strategy can have a base.")
    return strategy


def parse_strategy(entries: Iterable[Mapping[str, Any]], associated: Collection[str]) -> Strategy:
    """Return a strategy that tasks are launched with: of several providers one must have a weight."""
    strategy = parse_default_strategy(entries, associated)
    if len(strategy) > 1 and not any(entry["weight"] for entry in strategy):
        raise invalid_parameter("At least one capacity provider must have a weight greater than zero.")
    return strategy


def choose_provider(strategy: Strategy, running: Sequence[str | None]) -> str | None:
    """Return the provider of the next task, beside the providers of those that run; None without a strategy."""
    counts = Counter(running)
    for entry in strategy:
        if counts[str(entry["capacityProvider"])] < int(str(entry["base"])):
            return str(entry["capacityProvider"])

    def share_after(entry: Mapping[str, object]) -> float:
        beyond_base = counts[str(entry["capacityProvider"])] - int(str(entry["base"]))
        return (beyond_base + 1) / int(str(entry["weight"]))

    weighted = [entry for entry in strategy if entry["weight"]] if len(strategy) > 1 else []
    chosen = min(weighted, key=share_after, default=strategy[0] if strategy else None)
    return str(chosen["capacityProvider"]) if chosen is not None else None
