"""The four architectures, built in one account: a backend of three tasks each, and what leads to it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from surveyor.errors import SurveyorError
from surveyor.fixtures.tasks import address_of
from surveyor.targets.running import RunningTarget
from surveyor_agents import workload

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ecs import ECSClient
    from mypy_boto3_elbv2 import ElasticLoadBalancingv2Client
    from mypy_boto3_servicediscovery import ServiceDiscoveryClient

__all__ = ["ACCOUNT", "ComparisonSetup", "build"]

ACCOUNT = "000000000000"
TASKS = 3
PORT = workload.PORT
NAMESPACE, CLUSTER, ALIAS = "town.test", "town", "backend"
PATIENCE = 120.0  # wall seconds
LOOK = 0.2


@dataclass(frozen=True)
class ComparisonSetup:
    """What was built: names of ECS services by architecture, and what callers need to find them."""

    cluster: str
    services: dict[str, str]
    vpc: str
    balancer: str
    record: str
    discovery: tuple[str, str]
    client: str


def build(running: RunningTarget, ttl: int, tell: Callable[[str], object]) -> ComparisonSetup:
    """Build it, and return when every task is there and the load balancer finds its targets well."""
    return _Builder(running, ttl, tell).build()


class _Builder:
    def __init__(self, running: RunningTarget, ttl: int, tell: Callable[[str], object]) -> None:
        self.running, self.ttl, self.tell = running, ttl, tell
        self.ecs: ECSClient = self._client("ecs")
        self.ec2: EC2Client = self._client("ec2")
        self.cloudmap: ServiceDiscoveryClient = self._client("servicediscovery")
        self.elb: ElasticLoadBalancingv2Client = self._client("elbv2")
        subnets = self.ec2.describe_subnets()["Subnets"]
        self.vpc = subnets[0]["VpcId"]
        self.subnets = [one["SubnetId"] for one in subnets if one["VpcId"] == self.vpc]

    def _client(self, service: str) -> Any:
        return self.running.clients.client(service, ACCOUNT)

    def build(self) -> ComparisonSetup:
        self.ecs.create_cluster(clusterName=CLUSTER)
        namespace = self._namespace()
        by_dns, by_api = self._registry(namespace, "by-dns"), self._registry(namespace, "by-api")
        balancer, group = self._balancer()
        self.tell(f"starting {4 * TASKS} tasks behind a load balancer, DNS, the API and Service Connect")
        self._service("front", loadBalancers=[{"targetGroupArn": group, "containerName": "app", "containerPort": PORT}])
        self._service("by-dns", serviceRegistries=[{"registryArn": by_dns}])
        self._service("by-api", serviceRegistries=[{"registryArn": by_api}])
        endpoint: Any = {"portName": "web", "discoveryName": ALIAS, "clientAliases": [{"port": PORT, "dnsName": ALIAS}]}
        connect: Any = {"enabled": True, "namespace": NAMESPACE, "services": [endpoint]}
        self._service("connected", serviceConnectConfiguration=connect)
        self._service("client", 1, serviceConnectConfiguration={"enabled": True, "namespace": NAMESPACE})
        services = {"load balancer": "front", "DNS": "by-dns", "API": "by-api", "Service Connect": "connected"}
        for name in (*services.values(), "client"):
            self._until(partial(self._is_there, name), f"the tasks of {name}")
        self._until(lambda: self._is_healthy(group), "the load balancer's targets")
        return ComparisonSetup(
            CLUSTER, services, self.vpc, balancer, f"by-dns.{NAMESPACE}", (NAMESPACE, "by-api"), self._client_task()
        )

    def _namespace(self) -> str:
        answer = self.cloudmap.create_private_dns_namespace(Name=NAMESPACE, Vpc=self.vpc)
        operation = answer["OperationId"]

        def made() -> str:
            found = self.cloudmap.get_operation(OperationId=operation)["Operation"]
            return found["Targets"]["NAMESPACE"] if found["Status"] == "SUCCESS" else ""

        return str(self._until(made, "the namespace"))

    def _registry(self, namespace: str, name: str) -> str:
        records: Any = {"RoutingPolicy": "MULTIVALUE", "DnsRecords": [{"Type": "A", "TTL": self.ttl}]}
        made = self.cloudmap.create_service(Name=name, NamespaceId=namespace, DnsConfig=records)
        return made["Service"]["Arn"]

    def _balancer(self) -> tuple[str, str]:
        made = self.elb.create_load_balancer(Name="front", Subnets=self.subnets, Scheme="internal")["LoadBalancers"][0]
        group = self.elb.create_target_group(
            Name="front",
            Protocol="HTTP",
            Port=PORT,
            VpcId=self.vpc,
            TargetType="ip",
            HealthCheckPath="/health",
            HealthCheckIntervalSeconds=10,
            HealthyThresholdCount=2,
        )["TargetGroups"][0]["TargetGroupArn"]
        forward: Any = [{"Type": "forward", "TargetGroupArn": group}]
        self.elb.create_listener(
            LoadBalancerArn=made["LoadBalancerArn"], Protocol="HTTP", Port=80, DefaultActions=forward
        )
        return made["DNSName"], group

    def _service(self, name: str, count: int = TASKS, **params: Any) -> None:
        app: Any = {
            "name": "app",
            "image": "python",
            "command": workload.command("serve"),
            "portMappings": [{"containerPort": PORT, "name": "web", "appProtocol": "http"}],
        }
        self.ecs.register_task_definition(
            family=name,
            networkMode="awsvpc",
            requiresCompatibilities=["FARGATE"],
            cpu="256",
            memory="512",
            containerDefinitions=[app],
        )
        network: Any = {"awsvpcConfiguration": {"subnets": self.subnets, "securityGroups": []}}
        self.ecs.create_service(
            cluster=CLUSTER,
            serviceName=name,
            taskDefinition=name,
            desiredCount=count,
            launchType="FARGATE",
            networkConfiguration=network,
            **params,
        )

    def _is_there(self, name: str) -> bool:
        [found] = self.ecs.describe_services(cluster=CLUSTER, services=[name])["services"]
        return found["runningCount"] == found["desiredCount"]

    def _is_healthy(self, group: str) -> bool:
        told = self.elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
        return [one["TargetHealth"]["State"] for one in told] == ["healthy"] * TASKS

    def _client_task(self) -> str:
        [arn] = self.ecs.list_tasks(cluster=CLUSTER, serviceName="client")["taskArns"]
        return address_of(dict(self.ecs.describe_tasks(cluster=CLUSTER, tasks=[arn])["tasks"][0]))

    def _until(self, condition: Callable[[], Any], what: str) -> Any:
        end = time.monotonic() + PATIENCE
        while not (found := condition()):
            if time.monotonic() > end:
                raise SurveyorError(f"expected {what} within {PATIENCE:g} s; they did not come")
            self.running.clock.wait(LOOK)
        return found
