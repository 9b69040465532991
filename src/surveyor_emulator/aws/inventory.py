"""The inventory of an account: everything that exists in it, read from the states of the services and not by the API.

Tests compare it before and after a run. What AWS makes by itself and no call deletes is left out: the default
security group and the main route table of a VPC, the event bus of an account, AWS's managed policies.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from surveyor_emulator.core.world import World

from .autoscaling.state import AutoscalingState
from .cloudmap.state import CloudMapState
from .ec2.state import Ec2State
from .ecs.state.account import EcsState
from .elb.state import ElbState
from .functions.state import FunctionState
from .resolver.state import ResolverState
from .resource_shares import ram_state
from .route53.state import Route53State

__all__ = ["Resource", "list_resources"]


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource. `id` is unique among those of its kind, account and Region ("" for services without Regions).

    `settings` are values that a run may change without making or deleting anything.
    """

    kind: str
    id: str
    account: str
    region: str
    name: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, object] = field(default_factory=dict)


def list_resources(world: World, account: str | None = None) -> list[Resource]:
    """Return all resources of an account, or of all accounts, ordered by account, Region, kind and id."""
    found = [
        *_cloud_map(world),
        *_route53(world),
        *_ec2(world),
        *_ecs(world),
        *_load_balancing(world),
        *_autoscaling(world),
        *_functions(world),
        *_resolver(world),
        *_shares(world),
        *_moto(),
    ]
    chosen = (resource for resource in found if account in (None, resource.account))
    return sorted(chosen, key=lambda resource: (resource.account, resource.region, resource.kind, resource.id))


def _cloud_map(world: World) -> Iterator[Resource]:
    for account, region, state in world.everywhere(CloudMapState):
        place = (account, region)
        for namespace in state.namespaces.values():
            tags = state.tags.get(namespace.arn, {})
            settings: dict[str, object] = {"description": namespace.description, "soa_ttl": namespace.soa_ttl}
            yield Resource("cloudmap:namespace", namespace.id, *place, namespace.name, tags, settings)
        for service in state.services.values():
            tags = state.tags.get(service.arn, {})
            dns = service.dns.ttls if service.dns else None
            settings = {"description": service.description, "ttls": dns, "attributes": dict(service.attributes)}
            yield Resource("cloudmap:service", service.id, *place, service.name, tags, settings)
            for instance in service.instances.values():
                settings = {"attributes": dict(instance.attributes)}
                yield Resource("cloudmap:instance", f"{service.id}/{instance.id}", *place, settings=settings)


def _route53(world: World) -> Iterator[Resource]:
    for account, _, state in world.everywhere(Route53State):
        for zone in state.zones.values():
            tags = state.tags.get(("hostedzone", zone.id), {})
            settings: dict[str, object] = {"comment": zone.comment, "vpcs": [vpc.id for vpc in zone.vpcs]}
            yield Resource("route53:zone", zone.id, account, "", zone.name, tags, settings)
        for check in state.health_checks.values():
            if not check.being_deleted:
                tags = state.tags.get(("healthcheck", check.id), {})
                settings = {"version": check.version}
                yield Resource("route53:health-check", check.id, account, "", check.caller_reference, tags, settings)


def _ec2(world: World) -> Iterator[Resource]:
    for account, region, state in world.everywhere(Ec2State):
        place = (account, region)
        main_routes = {table.vpc: table.routes for table in state.route_tables.values() if table.main is not None}
        for vpc in state.vpcs.values():
            settings: dict[str, object] = {
                "dns_support": vpc.dns_support,
                "dns_hostnames": vpc.dns_hostnames,
                "routes": dict(main_routes[vpc.id]),
            }
            yield Resource("ec2:vpc", vpc.id, *place, tags=state.tags.get(vpc.id, {}), settings=settings)
        for subnet in state.subnets.values():
            settings = {"map_public": subnet.map_public}
            yield Resource("ec2:subnet", subnet.id, *place, tags=state.tags.get(subnet.id, {}), settings=settings)
        for gateway in state.internet_gateways.values():
            tags, settings = state.tags.get(gateway.id, {}), {"vpc": gateway.vpc}
            yield Resource("ec2:internet-gateway", gateway.id, *place, tags=tags, settings=settings)
        for nat in state.nat_gateways.values():
            yield Resource("ec2:nat-gateway", nat.id, *place, tags=state.tags.get(nat.id, {}))
        for table in state.route_tables.values():
            if table.main is None:
                tags = state.tags.get(table.id, {})
                settings = {"routes": dict(table.routes), "subnets": sorted(table.associations.values())}
                yield Resource("ec2:route-table", table.id, *place, tags=tags, settings=settings)
        for group in state.groups.values():
            if group.name != "default":
                yield Resource("ec2:security-group", group.id, *place, group.name, state.tags.get(group.id, {}))
        for instance in state.instances.values():
            if instance.state != "terminated":
                yield Resource("ec2:instance", instance.id, *place, tags=state.tags.get(instance.id, {}))


def _ecs(world: World) -> Iterator[Resource]:
    for account, region, state in world.everywhere(EcsState):
        place = (account, region)
        for cluster in state.clusters.values():
            if cluster.status != "INACTIVE":
                settings: dict[str, object] = {
                    "settings": cluster.settings,
                    "capacity_providers": cluster.capacity_providers,
                    "namespace": cluster.connect_namespace,
                }
                tags = state.tags.get(cluster.arn, {})
                yield Resource("ecs:cluster", cluster.arn, *place, cluster.name, tags, settings)
        for service in state.services.values():
            if service.status != "INACTIVE":
                settings = {"desired_count": service.desired_count, "deployments": len(service.history)}
                tags = state.tags.get(service.arn, {})
                yield Resource("ecs:service", service.arn, *place, service.name, tags, settings)
        for revisions in state.families.values():
            for definition in revisions:
                if definition.status == "ACTIVE":
                    tags = state.tags.get(definition.arn, {})
                    yield Resource("ecs:task-definition", definition.arn, *place, definition.family, tags)
        for task in state.tasks.values():
            if task.status != "STOPPED":
                yield Resource("ecs:task", task.arn, *place, task.group, task.tags)
        for host in state.instances.values():
            yield Resource("ecs:container-instance", host.arn, *place)


def _load_balancing(world: World) -> Iterator[Resource]:
    for account, region, state in world.everywhere(ElbState):
        for balancer in state.load_balancers.values():
            yield Resource("elb:load-balancer", balancer.arn, account, region, balancer.name)
        for group in state.groups.values():
            yield Resource("elb:target-group", group.arn, account, region, group.name)


def _autoscaling(world: World) -> Iterator[Resource]:
    for account, region, state in world.everywhere(AutoscalingState):
        for target in state.targets.values():
            settings: dict[str, object] = {
                "bounds": [target.minimum, target.maximum],
                "actions": [action.name for action in target.actions.values()],
            }
            tags = state.tags.get(target.arn, {})
            yield Resource("autoscaling:target", target.arn, account, region, target.key.resource, tags, settings)


def _functions(world: World) -> Iterator[Resource]:
    for account, region, state in world.everywhere(FunctionState):
        for function in state.functions.values():
            yield Resource("lambda:function", function.arn, account, region, function.name)


def _resolver(world: World) -> Iterator[Resource]:
    for account, region, state in world.everywhere(ResolverState):
        place = (account, region)
        for endpoint in state.endpoints.values():
            tags = state.tags.get(endpoint.arn, {})
            settings: dict[str, object] = {"addresses": [address.ip for address in endpoint.addresses.values()]}
            yield Resource("resolver:endpoint", endpoint.id, *place, endpoint.name, tags, settings)
        for rule in state.rules.values():
            tags, settings = state.tags.get(rule.arn, {}), {"targets": [target.ip for target in rule.targets]}
            yield Resource("resolver:rule", rule.id, *place, rule.domain, tags, settings)
        for association in state.associations.values():
            yield Resource("resolver:association", association.id, *place, association.vpc)
        for domains in state.domain_lists.values():
            tags, settings = state.tags.get(domains.arn, {}), {"domains": list(domains.domains)}
            yield Resource("resolver:domain-list", domains.id, *place, domains.name, tags, settings)
        for group in state.groups.values():
            tags, settings = state.tags.get(group.arn, {}), {"rules": len(group.rules)}
            yield Resource("resolver:rule-group", group.id, *place, group.name, tags, settings)
        for firewall in state.firewalls.values():
            tags = state.tags.get(firewall.arn, {})
            yield Resource("resolver:firewall", firewall.id, *place, firewall.vpc, tags)
        for vpc, setting in state.fail_open.items():
            if setting != "DISABLED":
                yield Resource("resolver:firewall-config", vpc, *place, settings={"fail_open": setting})


def _shares(world: World) -> Iterator[Resource]:
    for share in ram_state(world).shares.values():
        if share.status == "ACTIVE":
            yield Resource("ram:share", share.arn, share.owner, share.arn.split(":")[3], share.name)


def _moto() -> Iterator[Resource]:
    """Yield what the services have that moto answers, as far as its modules are loaded."""
    for name, module, attribute, read in _MOTO:
        # A module is in sys.modules while a thread still executes it; nothing exists before its backends do.
        backends = getattr(sys.modules.get(f"moto.{module}.models"), attribute, {})
        for account, regions in dict(backends).items():
            for region, backend in dict(regions).items():
                for id_, label in read(backend):
                    yield Resource(name, id_, account, "" if region == "aws" else region, label)


def _rules(backend: Any) -> Iterator[tuple[str, str]]:
    for bus in backend.event_buses.values():
        yield from ((rule.arn, rule.name) for rule in bus.rules.values())


def _custom_policies(backend: Any) -> Iterator[tuple[str, str]]:
    for policy in backend.managed_policies.values():
        if ":iam::aws:" not in policy.arn:
            yield policy.arn, policy.name


_MOTO: tuple[tuple[str, str, str, Any], ...] = (
    ("iam:user", "iam", "iam_backends", lambda store: [(user.arn, user.name) for user in store.users.values()]),
    ("iam:role", "iam", "iam_backends", lambda store: [(role.arn, role.name) for role in store.roles.values()]),
    ("iam:group", "iam", "iam_backends", lambda store: [(group.arn, group.name) for group in store.groups.values()]),
    ("iam:policy", "iam", "iam_backends", _custom_policies),
    ("events:rule", "events", "events_backends", _rules),
    ("s3:bucket", "s3", "s3_backends", lambda store: [(name, name) for name in store.buckets]),
    ("sqs:queue", "sqs", "sqs_backends", lambda store: [(name, name) for name in store.queues]),
    ("cloudwatch:alarm", "cloudwatch", "cloudwatch_backends", lambda store: [(name, name) for name in store.alarms]),
    ("logs:group", "logs", "logs_backends", lambda store: [(name, name) for name in store.groups]),
    (
        "acm-pca:authority",
        "acmpca",
        "acmpca_backends",
        lambda store: [(arn, "") for arn, found in store.certificate_authorities.items() if found.status != "DELETED"],
    ),
)
"""Kind, package of moto, its table of backends, and how a backend is read: (id, name) of each resource."""
