"""An account of a user's: a cluster with services, a registry, a load balancer, and networks with a Resolver."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from surveyor.clock import WallClock
from surveyor.conformance.least_privilege import PolicyAccount

__all__ = ["BAD", "GOOD", "Shop", "with_balancer", "with_networks"]

BAD = "raise SystemExit(1)"
GOOD = "import time; time.sleep(9e9)"


@dataclass
class Shop:
    """An account with a cluster `store` and services in it."""

    account: PolicyAccount
    clock: WallClock

    def client(self, service: str) -> Any:
        """Return a client of the owner."""
        return self.account.client(service)

    def define(self, program: str) -> str:
        """Register a task definition, and return its ARN."""
        app = {"name": "app", "image": "python", "command": ["python", "-c", program]}
        answer = self.client("ecs").register_task_definition(
            family="web", networkMode="awsvpc", requiresCompatibilities=["FARGATE"], cpu="256", memory="512",
            containerDefinitions=[app],
        )  # fmt: skip
        return str(answer["taskDefinition"]["taskDefinitionArn"])

    def serve(self, name: str, **more: Any) -> None:
        """Create a service of one task, and wait until it is steady."""
        ecs, ec2 = self.client("ecs"), self.client("ec2")
        subnets = ec2.describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"]
        network = {"subnets": [subnets[0]["SubnetId"]], "assignPublicIp": "ENABLED"}
        ecs.create_service(
            cluster="store", serviceName=name, taskDefinition=self.define(GOOD), desiredCount=1, launchType="FARGATE",
            networkConfiguration={"awsvpcConfiguration": network}, **more,
        )  # fmt: skip
        self.clock.eventually(lambda: self.deployments(name, "SUCCESSFUL"), within=600)

    def deploy(self, name: str, **more: Any) -> None:
        """Begin a deployment whose tasks end at once, so that it lasts."""
        self.client("ecs").update_service(cluster="store", service=name, taskDefinition=self.define(BAD), **more)
        self.clock.eventually(lambda: self.deployments(name, "IN_PROGRESS"), within=600)

    def deployments(self, name: str, status: str) -> list[Any]:
        """Return the deployments of a service that have a status."""
        answer = self.client("ecs").list_service_deployments(cluster="store", service=name, status=[status])
        return list(answer["serviceDeployments"])

    def status(self, arn: str) -> str:
        """Return the status of a deployment."""
        answer = self.client("ecs").describe_service_deployments(serviceDeploymentArns=[arn])
        return str(answer["serviceDeployments"][0]["status"])

    def registry(self) -> str:
        """Create a Cloud Map service in a private namespace, and return its ARN."""
        cloudmap, ec2 = self.client("servicediscovery"), self.client("ec2")
        vpc = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]["VpcId"]
        operation = cloudmap.create_private_dns_namespace(Name="store.test", Vpc=vpc)["OperationId"]

        def made() -> str:
            found = cloudmap.get_operation(OperationId=operation)["Operation"]
            return str(found["Targets"]["NAMESPACE"]) if found["Status"] == "SUCCESS" else ""

        namespace = self.clock.eventually(made, within=600)
        dns = {"RoutingPolicy": "MULTIVALUE", "DnsRecords": [{"Type": "A", "TTL": 10}]}
        return str(cloudmap.create_service(Name="web", NamespaceId=namespace, DnsConfig=dns)["Service"]["Arn"])


def with_balancer(shop: Shop, name: str) -> None:
    """Create a service behind a load balancer; it is not awaited."""
    ec2, elb, ecs = shop.client("ec2"), shop.client("elbv2"), shop.client("ecs")
    vpc = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]["VpcId"]
    subnets = _default_subnets(ec2)
    balancer = elb.create_load_balancer(Name="store", Subnets=subnets[:2])["LoadBalancers"][0]["LoadBalancerArn"]
    group = elb.create_target_group(Name="store", Protocol="HTTP", Port=8080, VpcId=vpc, TargetType="ip")
    arn = group["TargetGroups"][0]["TargetGroupArn"]
    forward = [{"Type": "forward", "TargetGroupArn": arn}]
    elb.create_listener(LoadBalancerArn=balancer, Protocol="HTTP", Port=80, DefaultActions=forward)
    app = {
        "name": "app", "image": "python", "command": ["python", "-m", "http.server", "8080"],
        "portMappings": [{"containerPort": 8080}],
    }  # fmt: skip
    made = ecs.register_task_definition(
        family=name, networkMode="awsvpc", requiresCompatibilities=["FARGATE"], cpu="256", memory="512",
        containerDefinitions=[app],
    )  # fmt: skip
    network = {"subnets": subnets[:1], "assignPublicIp": "ENABLED"}
    ecs.create_service(
        cluster="store", serviceName=name, taskDefinition=made["taskDefinition"]["taskDefinitionArn"], desiredCount=1,
        launchType="FARGATE", networkConfiguration={"awsvpcConfiguration": network},
        loadBalancers=[{"targetGroupArn": arn, "containerName": "app", "containerPort": 8080}],
    )  # fmt: skip


def with_networks(shop: Shop) -> str:
    """Give the default VPC a rule and a DNS Firewall of Resolver, and return the id of another VPC."""
    ec2, resolver = shop.client("ec2"), shop.client("route53resolver")
    vpc, other = (
        ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": [value]}])["Vpcs"][0]["VpcId"]
        for value in ("true", "false")
    )
    named = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "group-name", "Values": ["default"]}]
    group = ec2.describe_security_groups(Filters=named)["SecurityGroups"][0]["GroupId"]
    name: dict[str, Any] = {"CreatorRequestId": "store", "Name": "store"}
    addresses = [{"SubnetId": subnet} for subnet in _default_subnets(ec2)[:2]]
    made = resolver.create_resolver_endpoint(
        **name, Direction="OUTBOUND", SecurityGroupIds=[group], IpAddresses=addresses
    )
    endpoint = made["ResolverEndpoint"]["Id"]

    def status() -> str:
        return str(resolver.get_resolver_endpoint(ResolverEndpointId=endpoint)["ResolverEndpoint"]["Status"])

    shop.clock.eventually(lambda: status() == "OPERATIONAL", within=900)
    target = {"ResolverEndpointId": endpoint, "TargetIps": [{"Ip": "10.9.9.9"}]}
    rule = resolver.create_resolver_rule(**name, RuleType="FORWARD", DomainName="store.test", **target)
    resolver.associate_resolver_rule(ResolverRuleId=rule["ResolverRule"]["Id"], VPCId=vpc)
    rules = resolver.create_firewall_rule_group(**name)["FirewallRuleGroup"]["Id"]
    domains = resolver.create_firewall_domain_list(**name)["FirewallDomainList"]["Id"]
    resolver.update_firewall_domains(FirewallDomainListId=domains, Operation="ADD", Domains=["bad.example."])
    resolver.create_firewall_rule(
        **name, FirewallRuleGroupId=rules, FirewallDomainListId=domains, Priority=1, Action="ALERT"
    )
    resolver.associate_firewall_rule_group(**name, FirewallRuleGroupId=rules, VpcId=vpc, Priority=200)
    return str(other)


def _default_subnets(ec2: Any) -> list[str]:
    filters = [{"Name": "default-for-az", "Values": ["true"]}]
    return [subnet["SubnetId"] for subnet in ec2.describe_subnets(Filters=filters)["Subnets"]]
