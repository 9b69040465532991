"""Views of a service: what ListInstances, DiscoverInstances and a DNS server answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from surveyor.callers import ViewContents
from surveyor.callers import discover_instances as ask_registry
from surveyor.history import View, ViewMember
from surveyor.observers.service_under_test import ServiceUnderTest

__all__ = ["discover_instances", "list_instances", "views_of"]


def views_of(service: ServiceUnderTest) -> dict[str, View]:
    """Return the views of a service, as the header of a history describes them."""
    views = {"list": View(), "discover": View(), "healthy": View(healthy=True)} if service.registry else {}
    if service.connect is not None and service.connect.registry:
        views["connect"] = View("addresses")
    if service.alias:
        # At most eight addresses, and only healthy ones if any is healthy (servicediscovery/DnsConfig.RoutingPolicy).
        views["names"] = View("addresses", healthy=service.health, max_members=8)
    return views


def list_instances(cloudmap: Any, service: ServiceUnderTest) -> ViewContents:
    """Return all pages of ListInstances."""
    pages = cloudmap.get_paginator("list_instances").paginate(ServiceId=service.registry)
    instances = [instance for page in pages for instance in page["Instances"]]
    return ViewContents({instance["Id"]: ViewMember(_address(instance)) for instance in instances})


def discover_instances(cloudmap: Any, service: ServiceUnderTest, health: str = "ALL") -> ViewContents:
    """Return the response of DiscoverInstances with that HealthStatus."""
    return ask_registry(cloudmap, service.namespace, service.name, health, service.owner)


def _address(instance: Mapping[str, Any]) -> str:
    return str((instance.get("Attributes") or {}).get("AWS_INSTANCE_IPV4") or "")
