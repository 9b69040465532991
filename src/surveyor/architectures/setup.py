"""Create the four architectures in one account: a backend of three tasks each, and what routes calls to it."""

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

__all__ = ["ACCOUNT", "ComparisonSetup", "create_setup"]

ACCOUNT = "000000000000"
TASKS = 3
PORT = workload.PORT
NAMESPACE, CLUSTER, ALIAS = "comparison.test", "comparison", "backend"
READY_TIMEOUT = 120.0  # wall seconds
POLL_EVERY = 0.2


@dataclass(frozen=True)
class ComparisonSetup:
    """The names of the ECS services by architecture, and what callers need to resolve them."""

    cluster: str
    services: dict[str, str]
    vpc: str
    load_balancer: str
    record: str
    discovery: tuple[str, str]
    client: str


def create_setup(running: RunningTarget, ttl: int, print_line: Callable[[str], object]) -> ComparisonSetup:
    """Create all architectures; return when every task is running and the load balancer's targets are healthy."""
    return _Builder(running, ttl, print_line).build()


class _Builder:
    def __init__(self, running: RunningTarget, ttl: int, print_line: Callable[[str], object]) -> None:
        self.running, self.ttl, self.print_line = running, ttl, print_line
        self.ecs: ECSClient = self._client("ecs")
        self.ec2: EC2Client = self._client("ec2")
        self.cloudmap: ServiceDiscoveryClient = self._client("servicediscovery")
        self.elb: ElasticLoadBalancingv2Client = self._client("elbv2")
        subnets = self.ec2.describe_subnets()["Subnets"]
        self.vpc = subnets[0]["VpcId"]
        self.subnets = [subnet["SubnetId"] for subnet in subnets if subnet["VpcId"] == self.vpc]

    def _client(self, service: str) -> Any:
        return self.running.clients.client(service, ACCOUNT)

    def build(self) -> ComparisonSetup:
        self.ecs.create_cluster(clusterName=CLUSTER)
        namespace = self._namespace()
        by_dns, by_api = self._registry(namespace, "by-dns"), self._registry(namespace, "by-api")
        balancer, group = self._load_balancer()
        self.print_line(f"starting {4 * TASKS} tasks behind a load balancer, DNS, the API and Service Connect")
        self._service("front", loadBalancers=[{"targetGroupArn": group, "containerName": "app", "containerPort": PORT}])
        self._service("by-dns", serviceRegistries=[{"registryArn": by_dns}])
        self._service("by-api", serviceRegistries=[{"registryArn": by_api}])
        endpoint: Any = {"portName": "web", "discoveryName": ALIAS, "clientAliases": [{"port": PORT, "dnsName": ALIAS}]}
        connect: Any = {"enabled": True, "namespace": NAMESPACE, "services": [endpoint]}
        self._service("connected", serviceConnectConfiguration=connect)
        self._service("client", 1, serviceConnectConfiguration={"enabled": True, "namespace": NAMESPACE})
        services = {"load balancer": "front", "DNS": "by-dns", "API": "by-api", "Service Connect": "connected"}
        for name in (*services.values(), "client"):
            self._until(partial(self._is_running, name), f"the tasks of {name}")
        self._until(lambda: self._is_healthy(group), "the load balancer's targets")
        return ComparisonSetup(
            CLUSTER, services, self.vpc, balancer, f"by-dns.{NAMESPACE}", (NAMESPACE, "by-api"), self._client_task()
        )

    def _namespace(self) -> str:
        response = self.cloudmap.create_private_dns_namespace(Name=NAMESPACE, Vpc=self.vpc)
        operation_id = response["OperationId"]

        def created() -> str:
            operation = self.cloudmap.get_operation(OperationId=operation_id)["Operation"]
            return operation["Targets"]["NAMESPACE"] if operation["Status"] == "SUCCESS" else ""

        return str(self._until(created, "the namespace"))

    def _registry(self, namespace: str, name: str) -> str:
        records: Any = {"RoutingPolicy": "MULTIVALUE", "DnsRecords": [{"Type": "A", "TTL": self.ttl}]}
        response = self.cloudmap.create_service(Name=name, NamespaceId=namespace, DnsConfig=records)
        return response["Service"]["Arn"]

    def _load_balancer(self) -> tuple[str, str]:
        response = self.elb.create_load_balancer(Name="front", Subnets=self.subnets, Scheme="internal")
        balancer = response["LoadBalancers"][0]
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
            LoadBalancerArn=balancer["LoadBalancerArn"], Protocol="HTTP", Port=80, DefaultActions=forward
        )
        return balancer["DNSName"], group

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

    def _is_running(self, name: str) -> bool:
        [service] = self.ecs.describe_services(cluster=CLUSTER, services=[name])["services"]
        return service["runningCount"] == service["desiredCount"]

    def _is_healthy(self, group: str) -> bool:
        targets = self.elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
        return [target["TargetHealth"]["State"] for target in targets] == ["healthy"] * TASKS

    def _client_task(self) -> str:
        [arn] = self.ecs.list_tasks(cluster=CLUSTER, serviceName="client")["taskArns"]
        return address_of(dict(self.ecs.describe_tasks(cluster=CLUSTER, tasks=[arn])["tasks"][0]))

    def _until(self, condition: Callable[[], Any], expected: str) -> Any:
        end = time.monotonic() + READY_TIMEOUT
        while not (result := condition()):
            if time.monotonic() > end:
                raise SurveyorError(f"expected {expected} within {READY_TIMEOUT:g} s; not ready")
            self.running.clock.wait(POLL_EVERY)
        return result
