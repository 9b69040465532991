"""Events that services of this target send to their account's default bus (EventBridge User Guide, Events from AWS).

Rules and their targets are moto's. Until EventBridge is called for the first time there are none, and moto's module is
not loaded.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from surveyor_emulator.core.world import Call, World

__all__ = ["CHANGES", "delay_rule", "publish"]

log = logging.getLogger(__name__)

CHANGES: Mapping[str, str] = {"PutRule": "Name", "PutTargets": "Rule", "EnableRule": "Name"}
"""Operations after which events "might not immediately start matching" (events/PutRule), and what names the rule."""


@dataclass(slots=True)
class _Changes:
    """By rule of the default bus: when its last change takes effect (service seconds)."""

    effective: dict[str, float] = field(default_factory=dict)


def delay_rule(call: Call, params: Mapping[str, Any]) -> None:
    """Let a rule that a call has changed match no events until the change takes effect, as the settings say."""
    lag = call.world.settings.rule_lag
    if lag.maximum:
        effective = call.world.clock.now() + call.world.random.uniform(lag.minimum, lag.maximum)
        changes = call.world.regional(_Changes, call.account, call.region)
        changes.effective[str(params[CHANGES[call.operation]])] = effective


def publish(
    world: World,
    account: str,
    region: str,
    source: str,
    detail_type: str,
    detail: Mapping[str, object],
    resources: Sequence[str],
) -> None:
    """Put an event on the bus, at this service second; matching rules that are in effect deliver it at once."""
    if "moto.events.models" not in sys.modules:
        return
    from moto.events.models import events_backends

    bus = events_backends[account][region].describe_event_bus("default")
    effective = world.peek(_Changes, account, region).effective
    bits = f"{world.random.getrandbits(128):032x}"
    for rule in list(bus.rules.values()):
        if rule.state != "ENABLED" or world.clock.now() < effective.get(rule.name, 0.0):
            continue
        event = {
            "version": "0",
            "id": f"{bits[:8]}-{bits[8:12]}-{bits[12:16]}-{bits[16:20]}-{bits[20:]}",
            "detail-type": detail_type,
            "source": source,
            "account": account,
            "time": world.clock.now(),
            "region": region,
            "resources": list(resources),
            "detail": json.loads(json.dumps(detail, default=str)),
        }
        # moto's form of an event lacks members that AWS's has, so it is used only where a transformer needs it.
        is_transformed = any("InputTransformer" in target for target in rule.targets)
        if is_transformed:
            event["ingestion-time"] = event["time"]
        try:
            rule.send_to_targets(event, is_transformed)  # type: ignore[arg-type]  # moto expects its own class with the same members
        except Exception:  # a deleted queue must not stop ECS
            log.exception("the rule %s did not deliver", rule.name)
