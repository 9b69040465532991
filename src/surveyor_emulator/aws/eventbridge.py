"""Events that services of this target send to their account's default bus (EventBridge User Guide, Events from AWS).

Rules and their targets are moto's. As long as nobody has asked for EventBridge there are none, and nothing is loaded.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Mapping, Sequence

from surveyor_emulator.core.world import World

__all__ = ["publish"]

log = logging.getLogger(__name__)


def publish(
    world: World,
    account: str,
    region: str,
    source: str,
    detail_type: str,
    detail: Mapping[str, object],
    resources: Sequence[str],
) -> None:
    """Put an event on the bus, at this service second; rules that match it deliver it at once."""
    if "moto.events.models" not in sys.modules:
        return
    from moto.events.models import events_backends

    bus = events_backends[account][region].describe_event_bus("default")
    bits = f"{world.chance.getrandbits(128):032x}"
    for rule in list(bus.rules.values()):
        if rule.state != "ENABLED":
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
        # moto's own form of an event lacks members that AWS's has, so it is used where it must be only.
        transformed = any("InputTransformer" in one for one in rule.targets)
        if transformed:
            event["ingestion-time"] = event["time"]
        try:
            rule.send_to_targets(event, transformed)  # type: ignore[arg-type]  # moto wants its own class of the same members
        except Exception:  # a queue that is gone may not stop ECS
            log.exception("the rule %s did not deliver", rule.name)
