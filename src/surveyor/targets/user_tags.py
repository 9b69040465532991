"""Tags that tests did not give: on zones and health checks, which have none in the calls that create them, and in
answers, where tests must find what they gave.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from surveyor.account.tags import without_tags
from surveyor.evidence import Evidence

__all__ = ["hide_tags"]

_PER_CALL = 10
"""Tags in one call of ChangeTagsForResource (Route 53 API Reference, AddTags)."""

_CREATED = {"CreateHostedZone": ("hostedzone", "HostedZone"), "CreateHealthCheck": ("healthcheck", "HealthCheck")}


def hide_tags(client: Any, tags: Mapping[str, str], evidence: Evidence) -> None:
    """Have a client tag hosted zones and health checks that it creates, and leave the tags out of its answers."""
    service = client.meta.service_model.service_name

    def answered(http_response: Any, parsed: dict[str, Any], model: Any, **_: object) -> None:
        if http_response.status_code >= 300:
            return
        if service == "route53" and model.name in _CREATED:
            latest = evidence.latest
            _tag_created(client, model.name, parsed, tags)
            evidence.latest = latest  # the call of the test, by which its failure is named
        parsed.update(without_tags(parsed, tags))

    client.meta.events.register("after-call", answered)


def _tag_created(client: Any, operation: str, answer: Mapping[str, Any], tags: Mapping[str, str]) -> None:
    kind, member = _CREATED[operation]
    resource = str(answer.get(member, {}).get("Id", "")).rpartition("/")[2]
    entries = [{"Key": key, "Value": value} for key, value in tags.items()]
    for begin in range(0, len(entries), _PER_CALL):
        part = entries[begin : begin + _PER_CALL]
        client.change_tags_for_resource(ResourceType=kind, ResourceId=resource, AddTags=part)
