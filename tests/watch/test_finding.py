"""What is found of a service by itself, from answers of the APIs."""

from __future__ import annotations

from typing import Any

import pytest

from surveyor.errors import UsageError
from surveyor.observers.existing_service import find_service

ARN = "arn:aws:elasticloadbalancing:eu-west-1:111122223333"
GROUPS = [f"{ARN}:targetgroup/blue/1", f"{ARN}:targetgroup/green/2"]
LISTENERS = [f"{ARN}:listener/app/web/9/test", f"{ARN}:listener/app/web/9/main"]
NAMESPACE = "arn:aws:servicediscovery:eu-west-1:111122223333:namespace/ns-1"


class Account:
    """Clients of an account with one service; `service` and `container` change it, and `calls` are those made."""

    def __init__(self, service: dict[str, Any], container: dict[str, Any] | None = None) -> None:
        self.service = {
            "desiredCount": 2,
            "status": "ACTIVE",
            "taskDefinition": "arn:x/web:7",
            "deployments": [],
        } | service
        self.container = {"name": "web", "portMappings": [{"containerPort": 8080, "name": "http"}]} | (container or {})
        self.calls: list[str] = []

    def client(self, service: str) -> Any:
        """Return a client whose methods answer from `answers`."""
        answers = self.answers

        class Client:
            def __getattr__(_, name: str) -> Any:  # noqa: N805  # self is the account
                self.calls.append(f"{service}:{name}")
                return lambda **params: answers()[name]

        return Client()

    def answers(self) -> dict[str, Any]:
        """Return what each method answers."""
        definition = {"family": "web", "containerDefinitions": [{"name": "side"}, self.container]}
        forward = [
            [{"TargetGroupArn": "arn:other"}],
            [{"ForwardConfig": {"TargetGroups": [{"TargetGroupArn": GROUPS[0]}]}}],
        ]
        return {
            "describe_services": {"services": [self.service]},
            "describe_task_definition": {"taskDefinition": definition},
            "get_service": {"Service": {"Id": "srv-1", "Name": "web", "NamespaceId": "ns-1", **self.dns()}},
            "get_namespace": {"Namespace": {"Name": "shop.internal", "Type": "DNS_PRIVATE"}},
            "describe_subnets": {"Subnets": [{"VpcId": "vpc-1"}]},
            "describe_target_groups": {
                "TargetGroups": [
                    {"TargetGroupArn": arn, "TargetType": "ip", "LoadBalancerArns": ["arn:lb"]} for arn in GROUPS
                ]
            },
            "describe_target_group_attributes": {
                "Attributes": [{"Key": "deregistration_delay.timeout_seconds", "Value": "45"}]
            },
            "describe_load_balancers": {"LoadBalancers": [{"DNSName": "web.elb.example"}]},
            "describe_listeners": {
                "Listeners": [
                    {"ListenerArn": LISTENERS[0], "Port": 8443, "Protocol": "HTTPS", "DefaultActions": forward[0]},
                    {"ListenerArn": LISTENERS[1], "Port": 443, "Protocol": "HTTPS", "DefaultActions": forward[1]},
                ]
            },
        }

    def dns(self) -> dict[str, Any]:
        """Return the DnsConfig of the registry."""
        return {"DnsConfig": {"DnsRecords": [{"Type": "SRV", "TTL": 10}, {"Type": "A", "TTL": 60}]}}


def find(account: Account) -> Any:
    """Return what a watch finds."""
    return find_service(account.client, "111122223333", "eu-west-1", "shop/web", entry_points=True)


def test_a_registry_with_its_settings() -> None:
    """Name, TTL, port of the registered container, stop time, health check, and how it deploys."""
    account = Account(
        {
            "serviceRegistries": [
                {"registryArn": "arn:x:service/srv-1", "containerName": "web", "containerPort": 9000}
            ],
            "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-1"]}},
            "deploymentConfiguration": {"strategy": "BLUE_GREEN", "minimumHealthyPercent": 100, "maximumPercent": 200},
        },
        {"stopTimeout": 12, "healthCheck": {"interval": 7}},
    )
    found = find(account)
    assert (found.alias, found.ttl, found.port, found.vpc) == ("web.shop.internal", 60.0, 9000, "vpc-1")
    assert found.settings == {
        "service": "shop/web", "tasks": "2", "task definition": "web:7", "name": "web.shop.internal", "TTL": "60 s",
        "stopTimeout": "12 s", "container check": "each 7 s", "deployments": "blue/green, 100 to 200 %",
    }  # fmt: skip
    assert not [call for call in account.calls if call.startswith("elbv2")]


@pytest.mark.parametrize("rule", ["", LISTENERS[1].replace(":listener/", ":listener-rule/") + "/5"])
def test_the_listener_of_a_load_balancer(rule: str) -> None:
    """The listener of the production rule, or else the one that forwards to a group; both groups of a blue/green."""
    advanced = {"advancedConfiguration": {"alternateTargetGroupArn": GROUPS[1], "productionListenerRule": rule}}
    loaded = {"targetGroupArn": GROUPS[0], "containerName": "web", "containerPort": 8080, **advanced}
    found = find(Account({"loadBalancers": [loaded]}))
    assert (found.load_balancer, found.balancer_tls, found.groups) == (("web.elb.example", 443), True, tuple(GROUPS))
    assert found.settings["deregistration delay"] == "45 s"


def test_targets_that_are_instances_are_not_called() -> None:
    """Tasks on the network of an instance have no addresses: the load balancer alone is called."""

    class OnInstances(Account):
        def answers(self) -> dict[str, Any]:
            found = super().answers()
            for group in found["describe_target_groups"]["TargetGroups"]:
                group["TargetType"] = "instance"
            return found

    found = find(OnInstances({"loadBalancers": [{"targetGroupArn": GROUPS[0], "containerName": "web"}]}))
    assert (found.load_balancer, found.groups) == (("web.elb.example", 443), ())


@pytest.mark.parametrize(
    ("alias", "namespace", "name"),
    [
        ({"dnsName": "web", "port": 80}, NAMESPACE, "web"),
        ({"port": 80}, NAMESPACE, "shop-web.shop.internal"),
        ({"port": 80}, "shop.internal", "shop-web.shop.internal"),
    ],
)
def test_an_endpoint_of_service_connect(alias: dict[str, Any], namespace: str, name: str) -> None:
    """The alias for clients, by default discovery name and namespace; the port of the tasks by the port's name."""
    offered = {"portName": "http", "discoveryName": "shop-web", "clientAliases": [alias]}
    deployment = {
        "status": "PRIMARY",
        "serviceConnectConfiguration": {"enabled": True, "namespace": namespace, "services": [offered]},
        "serviceConnectResources": [{"discoveryName": "shop-web", "discoveryArn": "arn:x:service/srv-9"}],
    }
    found = find(Account({"deployments": [deployment]}))
    assert (found.connect.dns_name, found.connect.port, found.connect.registry) == (name, 80, "srv-9")
    assert (found.port, found.registry) == (8080, "")


def test_no_way_to_find_a_task() -> None:
    """A service without registry, load balancer and endpoint is refused; a client of Service Connect is one of them."""
    client_only = {"status": "PRIMARY", "serviceConnectConfiguration": {"enabled": True, "namespace": NAMESPACE}}
    for deployments in ([], [client_only]):
        with pytest.raises(UsageError, match="has no service registry, no load balancer and no Service"):
            find(Account({"deployments": deployments}))
