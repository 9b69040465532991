"""Services that are not Surveyor's, in an account in use: python -m http.server, found in three ways."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from surveyor import timeouts
from surveyor.clock import Clock

PORT = 8000
TTL = 15

SERVER = ["python", "-m", "http.server", "--bind", "0.0.0.0", str(PORT)]


class Shop:
    """The cluster `store` in an account, and services in it, each with two tasks. `client` returns clients of it."""

    def __init__(self, client: Callable[[str], Any], clock: Clock) -> None:
        self.client, self.clock = client, clock
        self.ecs, self.cloudmap = client("ecs"), client("servicediscovery")
        subnets = client("ec2").describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"]
        self.subnets = [subnet["SubnetId"] for subnet in subnets]
        self.vpc = subnets[0]["VpcId"]
        self.namespace = ""

    def open(self) -> None:
        """Create the cluster and the namespace."""
        self.ecs.create_cluster(clusterName="store")
        operation = self.cloudmap.create_private_dns_namespace(Name="store.internal", Vpc=self.vpc)["OperationId"]

        def made() -> str:
            found = self.cloudmap.get_operation(OperationId=operation)["Operation"]
            return str(found.get("Targets", {}).get("NAMESPACE", "")) if found["Status"] == "SUCCESS" else ""

        self.namespace = self.clock.eventually(made, within=timeouts.READS)

    def registered(self, name: str, **params: Any) -> None:
        """Create a service with a registry."""
        registry = self.cloudmap.create_service(
            Name=name,
            NamespaceId=self.namespace,
            DnsConfig={"RoutingPolicy": "MULTIVALUE", "DnsRecords": [{"Type": "A", "TTL": TTL}]},
            HealthCheckCustomConfig={},
        )["Service"]
        self.create(name, serviceRegistries=[{"registryArn": registry["Arn"]}], **params)

    def connected(self, name: str, **params: Any) -> None:
        """Create a service that offers an endpoint by Service Connect."""
        arn = self.cloudmap.get_namespace(Id=self.namespace)["Namespace"]["Arn"]
        alias = {"port": 80, "dnsName": name}
        offers = [{"portName": "http", "discoveryName": name, "clientAliases": [alias]}]
        configuration = {"enabled": True, "namespace": arn, "services": offers}
        self.create(name, serviceConnectConfiguration=configuration, **params)

    def balanced(self, name: str, **params: Any) -> None:
        """Create a service behind a load balancer."""
        elb = self.client("elbv2")
        balancer = elb.create_load_balancer(Name=name, Subnets=self.subnets, Scheme="internal")["LoadBalancers"][0]
        group = elb.create_target_group(
            Name=name, Protocol="HTTP", Port=PORT, VpcId=self.vpc, TargetType="ip", HealthCheckIntervalSeconds=5,
            HealthCheckTimeoutSeconds=2, HealthyThresholdCount=2, UnhealthyThresholdCount=2,
        )["TargetGroups"][0]["TargetGroupArn"]  # fmt: skip
        forward = [{"Type": "forward", "TargetGroupArn": group}]
        arn = balancer["LoadBalancerArn"]
        elb.create_listener(LoadBalancerArn=arn, Protocol="HTTP", Port=80, DefaultActions=forward)
        delay = [{"Key": "deregistration_delay.timeout_seconds", "Value": "10"}]
        elb.modify_target_group_attributes(TargetGroupArn=group, Attributes=delay)
        loaded = [{"targetGroupArn": group, "containerName": "web", "containerPort": PORT}]
        self.create(name, loadBalancers=loaded, **params)

    def create(
        self, name: str, *, command: list[str] | None = None, count: int = 2, waits: bool = True, **params: Any
    ) -> None:
        """Create a service of a new task definition, and return when its tasks run, or when reads show it."""
        self.define(name, command or SERVER)
        network = {"awsvpcConfiguration": {"subnets": self.subnets[:2], "assignPublicIp": "ENABLED"}}
        self.ecs.create_service(
            cluster="store", serviceName=name, taskDefinition=name, desiredCount=count, launchType="FARGATE",
            networkConfiguration=network, **params,
        )  # fmt: skip
        shown = self.is_steady if waits else self.is_visible
        self.clock.eventually(lambda: shown(name), within=600)

    def define(self, name: str, command: list[str]) -> None:
        """Register another revision of a task definition."""
        container = {
            "name": "web",
            "image": "public.ecr.aws/docker/library/python:3.13-alpine",
            "command": command,
            "portMappings": [{"containerPort": PORT, "name": "http", "appProtocol": "http"}],
        }
        self.ecs.register_task_definition(
            family=name, networkMode="awsvpc", requiresCompatibilities=["FARGATE"], cpu="256", memory="512",
            containerDefinitions=[container],
        )  # fmt: skip

    def is_visible(self, name: str) -> bool:
        """Return whether reads show the service and its task definition, which may be late."""
        try:
            self.ecs.describe_task_definition(taskDefinition=name)
        except self.ecs.exceptions.ClientException:
            return False
        return bool(self.ecs.describe_services(cluster="store", services=[name])["services"])

    def is_steady(self, name: str) -> bool:
        """Return whether all tasks run in a single deployment that is complete."""
        service: Mapping[str, Any] = self.ecs.describe_services(cluster="store", services=[name])["services"][0]
        deployments = service["deployments"]
        return service["runningCount"] == service["desiredCount"] and len(deployments) == 1
