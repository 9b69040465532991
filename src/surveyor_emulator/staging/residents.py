"""What other teams have in the account: resources that are in every list and that no run may touch.

Some have tags, some none; some have names that begin like those of a run. They are made through the handlers of the
API, without delays, when an account is first called in a Region.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from random import Random
from typing import Any

from surveyor_emulator.aws import cloudmap, ecs
from surveyor_emulator.aws.cloudmap.lookup import cloudmap_state
from surveyor_emulator.aws.ec2.gateways import add_nat_gateway
from surveyor_emulator.aws.ec2.handlers import HANDLERS as EC2_HANDLERS
from surveyor_emulator.aws.ec2.state import ec2_state
from surveyor_emulator.aws.handler import Handler
from surveyor_emulator.aws.route53.handlers import HANDLERS as ROUTE53_HANDLERS
from surveyor_emulator.core.settings import Delay, Quotas
from surveyor_emulator.core.world import Call, World

__all__ = ["Residents"]

_HANDLERS: Mapping[str, Mapping[str, Handler]] = {
    "servicediscovery": cloudmap.HANDLERS,
    "ecs": ecs.HANDLERS,
    "ec2": EC2_HANDLERS,
    "route53": ROUTE53_HANDLERS,
}
_TEAM = "platform"
_VPCS = ("10.40.0.0/16", "10.41.0.0/16", "10.42.0.0/16")
"""With the default VPC four of the five that an account may have."""
_PUBLIC = "10.40.240.0/20"
"""The public subnet of the first of them."""


@dataclass(slots=True)
class _Settled:
    """Whether an account and Region have the resources of others."""

    done: bool = False


class Residents:
    """Makes the resources of others, once for each account and Region."""

    def __init__(self, world: World) -> None:
        self._world = world

    def settle(self, account: str, region: str) -> None:
        """Make the resources of others in this account and Region, unless they are there."""
        settled = self._world.regional(_Settled, account, region)
        if settled.done:
            return
        settled.done = True
        with self._prompt():
            home = _Home(self._world, account, region)
            vpc = home.make_networks()
            home.make_zones(vpc)
            home.make_clusters()
            home.make_namespaces(vpc, self._prompt)

    @contextlib.contextmanager
    def _prompt(self) -> Iterator[None]:
        """Let operations end at once, and fill no quota of the account meanwhile."""
        world, settings = self._world, self._world.settings
        delays = {field.name: Delay(0.0, 0.0) for field in fields(settings) if str(field.type) == "Delay"}
        world.settings = replace(settings, quotas=Quotas(), **delays)  # type: ignore[arg-type]  # they are delays
        try:
            yield
        finally:
            world.settings = settings


class _Home:
    """One account and Region, and its owner's calls."""

    def __init__(self, world: World, account: str, region: str) -> None:
        self._world, self._account, self._region = world, account, region

    def _call(self, service: str, operation: str, **params: Any) -> Any:
        call = Call(self._world, self._account, self._region, f"arn:aws:iam::{self._account}:root", service, operation)
        return _HANDLERS[service][operation](call, params)

    def make_networks(self) -> str:
        """Make VPCs with a subnet each; return the id of the first, whose subnet is behind a NAT gateway.

        The others have no way out, as networks have that other teams reach by peering or by endpoints.
        """
        ids = []
        for number, cidr in enumerate(_VPCS):
            tags = [{"ResourceType": "vpc", "Tags": [{"Key": "Name", "Value": f"net-{number}"}]}] if number else []
            ids.append(self._call("ec2", "CreateVpc", CidrBlock=cidr, TagSpecifications=tags)["Vpc"]["VpcId"])
            self._call("ec2", "CreateSubnet", VpcId=ids[-1], CidrBlock=cidr.replace("/16", "/20"))
        self._make_way_out(str(ids[0]))
        return str(ids[0])

    def _make_way_out(self, vpc: str) -> None:
        """Make a public subnet with a NAT gateway, to which the main route table of a VPC leads."""
        subnet = self._call("ec2", "CreateSubnet", VpcId=vpc, CidrBlock=_PUBLIC)["Subnet"]["SubnetId"]
        gateway = self._call("ec2", "CreateInternetGateway")["InternetGateway"]["InternetGatewayId"]
        self._call("ec2", "AttachInternetGateway", InternetGatewayId=gateway, VpcId=vpc)
        table = self._call("ec2", "CreateRouteTable", VpcId=vpc)["RouteTable"]["RouteTableId"]
        self._call("ec2", "AssociateRouteTable", RouteTableId=table, SubnetId=subnet)
        anywhere = {"DestinationCidrBlock": "0.0.0.0/0"}
        self._call("ec2", "CreateRoute", RouteTableId=table, GatewayId=gateway, **anywhere)
        state = ec2_state(self._world, self._account, self._region)
        now = self._world.clock.now()
        nat = add_nat_gateway(state, state.subnets[subnet], now, Random(f"{self._world.settings.seed}/{subnet}"))
        [main] = [table.id for table in state.route_tables.values() if table.vpc == vpc and table.main is not None]
        self._call("ec2", "CreateRoute", RouteTableId=main, NatGatewayId=nat.id, **anywhere)

    def make_zones(self, vpc: str) -> None:
        """Make a public and a private zone with records, and a health check."""
        for name, private in (("shop.example.net", False), ("corp.internal", True)):
            place = {"VPC": {"VPCRegion": self._region, "VPCId": vpc}} if private else {}
            reference = f"{_TEAM}-{name}-{self._region}"
            zone = self._call("route53", "CreateHostedZone", Name=name, CallerReference=reference, **place)
            record = {
                "Name": f"www.{name}", "Type": "A", "TTL": 300, "ResourceRecords": [{"Value": "192.0.2.80"}],
            }  # fmt: skip
            changes = [{"Action": "CREATE", "ResourceRecordSet": record}]
            zone_id = zone["HostedZone"]["Id"].rpartition("/")[2]
            self._call("route53", "ChangeResourceRecordSets", HostedZoneId=zone_id, ChangeBatch={"Changes": changes})
        self._call(
            "route53", "CreateHealthCheck", CallerReference=f"{_TEAM}-{self._region}",
            HealthCheckConfig={"Type": "TCP", "IPAddress": "192.0.2.80", "Port": 443},
        )  # fmt: skip

    def make_clusters(self) -> None:
        """Make clusters with a service each, none of which has tasks at the moment."""
        container = {"name": "app", "image": "example.com/shop:1", "essential": True}
        definition = self._call(
            "ecs", "RegisterTaskDefinition", family="shop", networkMode="awsvpc", cpu="256", memory="512",
            requiresCompatibilities=["FARGATE"], containerDefinitions=[container],
        )["taskDefinition"]["taskDefinitionArn"]  # fmt: skip
        [subnet, *_] = self._call("ec2", "DescribeSubnets")["Subnets"]
        for name, tags in (("shop", [{"key": "team", "value": _TEAM}]), ("surveyor-metrics", [])):
            self._call("ecs", "CreateCluster", clusterName=name, tags=tags)
            self._call(
                "ecs", "CreateService", cluster=name, serviceName="web", taskDefinition=definition, desiredCount=0,
                launchType="FARGATE", networkConfiguration={"awsvpcConfiguration": {"subnets": [subnet["SubnetId"]]}},
            )  # fmt: skip

    def make_namespaces(self, vpc: str, prompt: Callable[[], contextlib.AbstractContextManager[None]]) -> None:
        """Make namespaces of each kind; when they are there, a service with an instance in each."""
        tags = [{"Key": "team", "Value": _TEAM}]
        for operation, params in (
            ("CreateHttpNamespace", {"Name": "payments", "Tags": tags}),
            ("CreateHttpNamespace", {"Name": "surveyor-dashboards"}),
            ("CreatePrivateDnsNamespace", {"Name": "shop.internal", "Vpc": vpc, "Tags": tags}),
            ("CreatePublicDnsNamespace", {"Name": f"status-{self._region}.example.org"}),
        ):
            started = self._call("servicediscovery", operation, CreatorRequestId=f"{_TEAM}-{params['Name']}", **params)
            call = Call(self._world, self._account, self._region, "", "servicediscovery", operation)

            def furnish(ended: Any) -> None:
                with prompt():
                    self._make_service(ended.targets["NAMESPACE"])

            cloudmap_state(call).operations[started["OperationId"]].listeners.append(furnish)

    def _make_service(self, namespace: str) -> None:
        service = self._call("servicediscovery", "CreateService", Name="web", NamespaceId=namespace)["Service"]["Id"]
        self._call(
            "servicediscovery", "RegisterInstance", ServiceId=service, InstanceId="web-1",
            Attributes={"AWS_INSTANCE_IPV4": "10.40.0.10", "AWS_INSTANCE_PORT": "8080"},
        )  # fmt: skip
