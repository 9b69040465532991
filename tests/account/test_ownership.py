"""The guard: which calls are sent in an account that others use too, by service, and what answers teach it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.model import ServiceModel

from surveyor.account.ledger import Ledger, Owner, Shared
from surveyor.account.ownership import NotOwned, Ownership, is_read

RUN = "0123abcd"
MINE = f"surveyor-{RUN}-web"
ARN = "arn:aws:{}:us-east-1:444455556666:{}"
NS, SRV, ZONE = "ns-aaaaaaaaaaaaaaaa", "srv-bbbbbbbbbbbbbbbb", "Z0123456789ABCDEF"
VPC, SUBNET, GROUP, HOST = "vpc-0a1b2c3d4e5f60718", "subnet-0a1b2c3d", "sg-0a1b2c3d4e5f60718", "i-0a1b2c3d4e5f60718"
CHECK, TASK = "0123abcd-0123-4567-89ab-0123456789ab", "0123456789abcdef0123456789abcdef"
JOINED = "f" * 32
NS_ARN, SRV_ARN = ARN.format("servicediscovery", f"namespace/{NS}"), ARN.format("servicediscovery", f"service/{SRV}")
TARGETS = ARN.format("elasticloadbalancing", "targetgroup/shop/0a1b2c3d4e5f6071")
BALANCER = ARN.format("elasticloadbalancing", "loadbalancer/app/shop/0a")
ROLE = "arn:aws:iam::444455556666:role/limited"
POLICIES = "arn:aws:iam::444455556666:policy"

Call = tuple[str, str, Mapping[str, Any]]


@cache
def model_of(service: str) -> ServiceModel:
    """Return botocore's model of a service, which takes a while to read."""
    return botocore.session.get_session().get_service_model(service)


def send(owned: Ownership, call: Call) -> None:
    """Check a call as a client does, with the members of the operation."""
    service, operation, params = call
    shape = model_of(service).operation_model(operation).input_shape
    owned.check(service, operation, params, shape.members if shape else ())


def id_of(call: Call) -> str:
    """Return the id of a test: the call in words."""
    return f"{call[1]} {call[2]}"


def ecs_arn(kind: str, path: str) -> str:
    """Return an ARN of ECS."""
    return ARN.format("ecs", f"{kind}/{path}")


@pytest.fixture
def owned() -> Ownership:
    """Return what the run owns in an account with a cluster, a VPC and a role that the user named."""
    return Ownership(RUN, None, ["shop", "vpc-0000000000000000a"], [ROLE])


@pytest.fixture
def strangers(owned: Ownership) -> Ownership:
    """Return the same after answers that show what others have."""
    shown: list[tuple[str, str, dict[str, Any]]] = [
        ("servicediscovery", "ListNamespaces", {"Namespaces": [{"Id": NS, "Arn": NS_ARN, "Name": "shop"}]}),
        ("servicediscovery", "ListServices", {"Services": [{"Id": SRV, "Name": "web"}]}),
        ("route53", "ListHostedZones", {"HostedZones": [{"Id": f"/hostedzone/{ZONE}", "Name": "shop."}]}),
        ("route53", "ListHealthChecks", {"HealthChecks": [{"Id": CHECK, "CallerReference": f"x-{MINE}"}]}),
        ("ec2", "DescribeVpcs", {"Vpcs": [{"VpcId": VPC, "Tags": [{"Key": "surveyor:run", "Value": "ffffffff"}]}]}),
        ("ec2", "DescribeSubnets", {"Subnets": [{"SubnetId": SUBNET, "VpcId": VPC}]}),
        ("ec2", "DescribeSecurityGroups", {"SecurityGroups": [{"GroupId": GROUP, "VpcId": VPC}]}),
        ("ec2", "DescribeInstances", {"Reservations": [{"Instances": [{"InstanceId": HOST, "VpcId": VPC}]}]}),
        ("ecs", "ListTasks", {"taskArns": [ecs_arn("task", f"shop/{TASK}")]}),
        ("ecs", "ListContainerInstances", {"containerInstanceArns": [ecs_arn("container-instance", f"shop/{JOINED}")]}),
    ]  # fmt: skip
    for service, operation, answer in shown:
        owned.learn(service, operation, {}, answer)
    return owned


REFUSED: dict[str, list[Call]] = {
    "servicediscovery": [
        ("servicediscovery", "DeleteNamespace", {"Id": NS}),
        ("servicediscovery", "DeleteNamespace", {"Id": NS_ARN}),
        ("servicediscovery", "UpdateHttpNamespace", {"Id": NS, "Namespace": {"Description": "a"}}),
        ("servicediscovery", "CreateService", {"NamespaceId": NS, "Name": MINE}),
        ("servicediscovery", "DeleteService", {"Id": SRV}),
        ("servicediscovery", "RegisterInstance", {"ServiceId": SRV, "InstanceId": MINE, "Attributes": {}}),
        ("servicediscovery", "DeregisterInstance", {"ServiceId": SRV, "InstanceId": MINE}),
        ("servicediscovery", "UpdateInstanceCustomHealthStatus", {"ServiceId": SRV, "InstanceId": MINE}),
        ("servicediscovery", "UpdateServiceAttributes", {"ServiceId": SRV, "Attributes": {}}),
        ("servicediscovery", "TagResource", {"ResourceARN": SRV_ARN, "Tags": []}),
    ],
    "route53": [
        ("route53", "ChangeResourceRecordSets", {"HostedZoneId": ZONE, "ChangeBatch": {}}),
        ("route53", "ChangeResourceRecordSets", {"HostedZoneId": f"/hostedzone/{ZONE}", "ChangeBatch": {}}),
        ("route53", "DeleteHostedZone", {"Id": ZONE}),
        ("route53", "DeleteHostedZone", {"Id": f"{MINE}/{ZONE}"}),
        ("route53", "DeleteHostedZone", {"Id": f" {ZONE}"}),
        ("route53", "DeleteHealthCheck", {"HealthCheckId": CHECK}),
        ("route53", "UpdateHealthCheck", {"HealthCheckId": CHECK, "Disabled": True}),
        ("route53", "AssociateVPCWithHostedZone", {"HostedZoneId": ZONE, "VPC": {}}),
        ("route53", "CreateVPCAssociationAuthorization", {"HostedZoneId": ZONE, "VPC": {}}),
        ("route53", "ChangeTagsForResource", {"ResourceType": "hostedzone", "ResourceId": ZONE}),
    ],
    "ec2": [
        ("ec2", "DeleteVpc", {"VpcId": VPC}),
        ("ec2", "DeleteVpc", {"VpcId": "vpc-0000000000000000a"}),
        ("ec2", "ModifyVpcAttribute", {"VpcId": VPC, "EnableDnsHostnames": {"Value": False}}),
        ("ec2", "CreateSubnet", {"VpcId": VPC, "CidrBlock": "10.0.0.0/24"}),
        ("ec2", "DeleteSubnet", {"SubnetId": SUBNET}),
        ("ec2", "AuthorizeSecurityGroupEgress", {"GroupId": GROUP}),
        ("ec2", "TerminateInstances", {"InstanceIds": ["i-00000000000000000", HOST]}),
        ("ec2", "CreateTags", {"Resources": [VPC], "Tags": []}),
        ("ec2", "AttachInternetGateway", {"InternetGatewayId": "igw-00000000000000000", "VpcId": VPC}),
        ("ec2", "EnableEbsEncryptionByDefault", {}),
    ],
    "ecs": [
        ("ecs", "UpdateCluster", {"cluster": "shop", "serviceConnectDefaults": {"namespace": MINE}}),
        ("ecs", "DeleteCluster", {"cluster": ecs_arn("cluster", "shop")}),
        ("ecs", "CreateCluster", {}),
        ("ecs", "CreateCluster", {"clusterName": "shop"}),
        ("ecs", "PutClusterCapacityProviders", {"cluster": "shop", "capacityProviders": []}),
        ("ecs", "UpdateService", {"cluster": "shop", "service": "web", "desiredCount": 0}),
        ("ecs", "UpdateService", {"service": "web", "desiredCount": 0}),
        ("ecs", "UpdateService", {"cluster": MINE, "service": ecs_arn("service", "shop/web")}),
        ("ecs", "DeleteService", {"cluster": "shop", "service": ecs_arn("service", "web")}),
        ("ecs", "CreateService", {"cluster": "other", "serviceName": MINE}),
        ("ecs", "CreateService", {"cluster": "shop", "serviceName": "web"}),
        ("ecs", "RunTask", {"cluster": "other", "taskDefinition": MINE}),
        ("ecs", "RunTask", {"taskDefinition": MINE}),
        ("ecs", "StopTask", {"cluster": "shop", "task": TASK}),
        ("ecs", "StopTask", {"cluster": MINE, "task": ecs_arn("task", f"shop/{TASK}")}),
        ("ecs", "RegisterTaskDefinition", {"family": "web"}),
        ("ecs", "DeregisterTaskDefinition", {"taskDefinition": "web:1"}),
        ("ecs", "DeleteTaskDefinitions", {"taskDefinitions": [f"{MINE}:1", "web:1"]}),
        ("ecs", "DeregisterContainerInstance", {"cluster": "shop", "containerInstance": JOINED}),
        ("ecs", "UpdateContainerInstancesState", {"cluster": "shop", "containerInstances": [JOINED]}),
        ("ecs", "TagResource", {"resourceArn": ecs_arn("service", "shop/web"), "tags": []}),
        ("ecs", "UntagResource", {"resourceArn": ecs_arn("cluster", "shop"), "tagKeys": []}),
        ("ecs", "StopServiceDeployment", {"serviceDeploymentArn": ecs_arn("service-deployment", "shop/web/abc")}),
        ("ecs", "ContinueServiceDeployment", {"serviceDeploymentArn": ecs_arn("service-deployment", "shop/web/abc")}),
        ("ecs", "DeleteTaskSet", {"cluster": "shop", "service": "web", "taskSet": "ecs-svc/1"}),
        ("ecs", "UpdateService", {"cluster": MINE, "service": "web", "serviceRegistries": [{"registryArn": SRV_ARN}]}),
        ("ecs", "CreateService", {"cluster": MINE, "serviceName": "a", "loadBalancers": [{"targetGroupArn": TARGETS}]}),
        ("ecs", "UpdateService", {"cluster": MINE, "service": "a", "serviceConnectConfiguration": {"namespace": "a"}}),
        ("ecs", "UpdateCluster", {"cluster": MINE, "serviceConnectDefaults": {"namespace": NS_ARN}}),
        ("ecs", "StopTask", {"cluster": MINE, "task": f"shop/{TASK}"}),
        ("ecs", "DeleteCluster", {"cluster": "shop", "DryRun": True}),
        ("ecs", "PutAccountSetting", {"name": "containerInsights", "value": "enabled"}),
        ("ecs", "PutAccountSettingDefault", {"name": "containerInsights", "value": "enabled"}),
    ],
    "names": [
        ("iam", "DeleteRole", {"RoleName": "admin"}),
        ("iam", "PutUserPolicy", {"UserName": "alice", "PolicyName": MINE, "PolicyDocument": "{}"}),
        ("iam", "CreateAccessKey", {}),
        ("iam", "CreateAccessKey", {"UserName": "alice"}),
        ("iam", "AttachRolePolicy", {"RoleName": "admin", "PolicyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}),
        ("iam", "CreatePolicyVersion", {"PolicyArn": "arn:aws:iam::444455556666:policy/all", "PolicyDocument": "{}"}),
        ("iam", "UpdateAccountPasswordPolicy", {}),
        ("iam", "CreateUser", {"UserName": MINE}),
        ("iam", "CreateUser", {"UserName": MINE, "PermissionsBoundary": f"{POLICIES}/{MINE}"}),
        ("iam", "CreateRole", {"RoleName": MINE, "PermissionsBoundary": "arn:aws:iam::aws:policy/AdministratorAccess"}),
        ("iam", "PutUserPermissionsBoundary", {"UserName": MINE, "PermissionsBoundary": f"{POLICIES}/surveyor-limit"}),
        ("iam", "DeleteRolePermissionsBoundary", {"RoleName": MINE}),
        ("iam", "PutGroupPolicy", {"GroupName": MINE, "PolicyName": "own", "PolicyDocument": "{}"}),
        ("iam", "AttachGroupPolicy", {"GroupName": MINE, "PolicyArn": f"{POLICIES}/{MINE}"}),
        ("iam", "CreatePolicy", {"PolicyName": "everything", "PolicyDocument": "{}"}),
        ("iam", "CreatePolicyVersion", {"PolicyArn": f"{POLICIES}/surveyor-limit-wide", "PolicyDocument": "{}"}),
        ("iam", "AddUserToGroup", {"GroupName": MINE, "UserName": "alice"}),
        ("sts", "AssumeRole", {"RoleArn": "arn:aws:iam::444455556666:role/admin", "RoleSessionName": MINE}),
        ("logs", "DeleteLogGroup", {"logGroupName": "/shop/web"}),
        ("logs", "PutRetentionPolicy", {"logGroupName": "/shop/web", "retentionInDays": 1}),
        ("events", "PutRule", {"Name": "nightly", "State": "DISABLED"}),
        ("events", "PutTargets", {"Rule": "nightly", "Targets": []}),
        ("events", "PutTargets", {"Rule": MINE, "Targets": [{"Id": "1", "Arn": ARN.format("sqs", "orders")}]}),
        ("sqs", "DeleteMessage", {"QueueUrl": "https://sqs.us-east-1.amazonaws.com/444455556666/orders"}),
        ("sqs", "ReceiveMessage", {"QueueUrl": "https://sqs.us-east-1.amazonaws.com/444455556666/orders"}),
        ("elbv2", "DeleteLoadBalancer", {"LoadBalancerArn": BALANCER}),
        ("elbv2", "CreateListener", {"LoadBalancerArn": BALANCER}),
        ("ram", "CreateResourceShare", {"name": MINE, "resourceArns": [NS_ARN]}),
        ("ram", "EnableSharingWithAwsOrganization", {}),
        ("route53resolver", "AssociateResolverRule", {"ResolverRuleId": "rslvr-rr-madeup", "VPCId": VPC}),
        ("route53resolver", "AssociateFirewallRuleGroup", {"FirewallRuleGroupId": "rslvr-frg-x", "VpcId": VPC}),
        ("route53resolver", "UpdateFirewallConfig", {"ResourceId": VPC, "FirewallFailOpen": "ENABLED"}),
        ("s3", "DeleteBucket", {"Bucket": "shop"}),
        ("lambda", "DeleteFunction", {"FunctionName": "shop"}),
    ],
}  # fmt: skip


@pytest.mark.parametrize("call", [call for calls in REFUSED.values() for call in calls], ids=id_of)
def test_calls_for_what_is_of_others_are_refused(strangers: Ownership, call: Call) -> None:
    """A call that changes what others have is not sent, and the error names operation and value."""
    with pytest.raises(NotOwned, match=rf"^{call[0]}:{call[1]} is not sent: "):
        send(strangers, call)


SENT: list[Call] = [
    ("servicediscovery", "DeleteNamespace", {"Id": "ns-madeupmadeupmade"}),
    ("servicediscovery", "DeleteNamespace", {"Id": "of another form"}),
    ("servicediscovery", "DeleteNamespace", {}),
    ("servicediscovery", "DeleteNamespace", {"Id": 1}),
    ("servicediscovery", "CreatePrivateDnsNamespace", {"Name": MINE, "Vpc": VPC}),
    ("servicediscovery", "ListInstances", {"ServiceId": SRV}),
    ("servicediscovery", "DiscoverInstances", {"NamespaceName": "shop", "ServiceName": "web"}),
    ("route53", "CreateHostedZone", {"Name": MINE, "CallerReference": MINE}),
    ("route53", "TestDNSAnswer", {"HostedZoneId": ZONE}),
    ("route53resolver", "CreateResolverRule", {"CreatorRequestId": MINE, "RuleType": "SYSTEM", "DomainName": "a.test"}),
    ("route53resolver", "AssociateResolverRule", {"ResolverRuleId": "rslvr-rr-x", "VPCId": "vpc-0000000000000000a"}),
    ("ec2", "CreateVpc", {"CidrBlock": "10.0.0.0/16"}),
    ("ec2", "CreateSubnet", {"VpcId": "vpc-0000000000000000a", "CidrBlock": "10.0.0.0/24"}),
    ("ec2", "DeleteVpc", {"VpcId": "vpc-00000000000000000"}),
    ("ec2", "DeleteVpc", {"VpcId": VPC, "DryRun": True}),
    ("ec2", "RunInstances", {"SubnetId": SUBNET, "ImageId": "ami-0a1b2c3d", "SecurityGroupIds": [GROUP]}),
    ("ecs", "CreateCluster", {"clusterName": MINE}),
    ("ecs", "CreateService", {"cluster": "shop", "serviceName": MINE, "taskDefinition": "web"}),
    ("ecs", "CreateService", {"cluster": MINE, "serviceName": "web"}),
    ("ecs", "RunTask", {"cluster": ecs_arn("cluster", "shop"), "taskDefinition": MINE}),
    ("ecs", "UpdateService", {"cluster": "shop", "service": MINE}),
    ("ecs", "UpdateService", {"cluster": MINE, "service": "web"}),
    ("ecs", "DeleteService", {"service": ecs_arn("service", f"{MINE}/web")}),
    ("ecs", "UpdateTaskSet", {"cluster": MINE, "service": "web", "taskSet": "ecs-svc/1"}),
    ("ecs", "StopTask", {"cluster": "shop", "task": "0" * 32}),
    ("ecs", "TagResource", {"resourceArn": ecs_arn("task-definition", f"{MINE}:1"), "tags": []}),
    ("ecs", "StopServiceDeployment", {"serviceDeploymentArn": ecs_arn("service-deployment", f"shop/{MINE}/abc")}),
    ("ecs", "CreateCluster", {"clusterName": "no name!"}),
    ("iam", "CreateUser", {"UserName": MINE, "PermissionsBoundary": f"{POLICIES}/surveyor-limit-wide"}),
    (
        "iam",
        "PutRolePermissionsBoundary",
        {"RoleName": MINE, "PermissionsBoundary": f"{POLICIES}/surveyor-limit-narrow"},
    ),
    ("iam", "AttachGroupPolicy", {"GroupName": MINE, "PolicyArn": f"{POLICIES}/surveyor-limit-wide"}),
    ("iam", "CreatePolicy", {"PolicyName": MINE, "PolicyDocument": "{}"}),
    ("iam", "DeletePolicy", {"PolicyArn": f"{POLICIES}/{MINE}"}),
    ("events", "PutTargets", {"Rule": MINE, "Targets": [{"Id": "1", "Arn": ARN.format("sqs", MINE)}]}),
    ("ecs", "UpdateService", {"cluster": MINE, "service": "a", "serviceConnectConfiguration": {"namespace": MINE}}),
    ("iam", "AttachUserPolicy", {"UserName": MINE, "PolicyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}),
    ("sts", "AssumeRole", {"RoleArn": ROLE, "RoleSessionName": MINE}),
    ("sts", "AssumeRole", {"RoleArn": "arn:a:iam:::role/of-no-account", "RoleSessionName": MINE}),
    ("sts", "GetCallerIdentity", {}),
    ("logs", "CreateLogGroup", {"logGroupName": f"/aws/ecs/containerinsights/{MINE}/performance"}),
    ("sqs", "SetQueueAttributes", {"QueueUrl": f"https://sqs.us-east-1.amazonaws.com/444455556666/{MINE}"}),
]


@pytest.mark.parametrize("call", SENT, ids=id_of)
def test_calls_for_what_is_the_runs_or_nobodys_are_sent(strangers: Ownership, call: Call) -> None:
    """Reads, creations, names with the prefix, ids that no answer has shown and values that are refused anyway."""
    send(strangers, call)


LEARNT: dict[str, tuple[list[Call], Mapping[str, Any], Call]] = {
    "an operation of the run's": (
        [("servicediscovery", "GetOperation", {"OperationId": "op-1"})],
        {"Operation": {"Id": "op-1", "Targets": {"NAMESPACE": NS}}},
        ("servicediscovery", "DeleteNamespace", {"Id": NS}),
    ),
    "a namespace with the prefix": (
        [("servicediscovery", "ListNamespaces", {})],
        {"Namespaces": [{"Id": NS, "Name": f"{MINE}.test", "Properties": {"DnsProperties": {"HostedZoneId": ZONE}}}]},
        ("route53", "ChangeResourceRecordSets", {"HostedZoneId": ZONE}),
    ),
    "a zone with the prefix": (
        [("route53", "ListHostedZones", {})],
        {"HostedZones": [{"Id": f"/hostedzone/{ZONE}", "CallerReference": MINE}]},
        ("route53", "DeleteHostedZone", {"Id": ZONE}),
    ),
    "a VPC with the tag": (
        [("ec2", "DescribeVpcs", {})],
        {"Vpcs": [{"VpcId": VPC, "Tags": [{"Key": "surveyor:run", "Value": RUN}]}]},
        ("ec2", "DeleteVpc", {"VpcId": VPC}),
    ),
    "a registry of Service Connect": (
        [("ecs", "DescribeServices", {"cluster": "shop", "services": [MINE]})],
        {
            "services": [
                {
                    "serviceArn": ecs_arn("service", f"shop/{MINE}"),
                    "deployments": [{"serviceConnectResources": [{"discoveryName": "web", "discoveryArn": SRV_ARN}]}],
                }
            ]
        },
        ("servicediscovery", "DeregisterInstance", {"ServiceId": SRV, "InstanceId": "i-1"}),
    ),
    "a task of a service": (
        [("ecs", "DescribeTasks", {"cluster": "shop", "tasks": [TASK]})],
        {"tasks": [{"taskArn": ecs_arn("task", f"shop/{TASK}"), "group": f"service:{MINE}"}]},
        ("ecs", "StopTask", {"cluster": "shop", "task": TASK}),
    ),
    "a task of a family": (
        [("ecs", "ListTasks", {"cluster": "shop", "family": MINE})],
        {"taskArns": [ecs_arn("task", f"shop/{TASK}")]},
        ("ecs", "StopTask", {"cluster": "shop", "task": ecs_arn("task", f"shop/{TASK}")}),
    ),
    "a task whose definition is the run's": (
        [("ecs", "DescribeTasks", {"cluster": "shop", "tasks": [TASK]})],
        {
            "tasks": [
                {
                    "taskArn": ecs_arn("task", f"shop/{TASK}"),
                    "taskDefinitionArn": ecs_arn("task-definition", f"{MINE}:1"),
                }
            ]
        },
        ("ecs", "StopTask", {"cluster": "shop", "task": ecs_arn("task", f"shop/{TASK}")}),
    ),
    "a task that was started": (
        [("ecs", "RunTask", {"cluster": "shop", "taskDefinition": MINE})],
        {"tasks": [{"taskArn": ecs_arn("task", f"shop/{TASK}"), "group": "family:x"}]},
        ("ecs", "StopTask", {"cluster": "shop", "task": TASK}),
    ),
    "a VPC that was created": (
        [("ec2", "CreateVpc", {"CidrBlock": "10.0.0.0/16"})],
        {"Vpc": {"VpcId": VPC}},
        ("ec2", "ModifyVpcAttribute", {"VpcId": VPC}),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", list(LEARNT))
def test_answers_show_what_is_the_runs(strangers: Ownership, name: str) -> None:
    """What was taken for another's is sent once an answer shows that it is the run's."""
    [(service, operation, params)], answer, call = LEARNT[name]
    strangers.own(["op-1"])
    strangers.learn(service, operation, params, answer)
    send(strangers, call)


def test_what_an_own_instance_uses_is_not_owned(owned: Ownership) -> None:
    """The VPC, subnet and group in the answer of RunInstances are of the user, and only the instance is the run's."""
    instance = {"InstanceId": HOST, "VpcId": VPC, "SubnetId": SUBNET, "SecurityGroups": [{"GroupId": GROUP}]}
    owned.learn("ec2", "RunInstances", {"ImageId": "ami-1"}, {"Instances": [instance]})
    owned.learn("ec2", "DescribeInstances", {"InstanceIds": [HOST]}, {"Reservations": [{"Instances": [instance]}]})
    send(owned, ("ec2", "TerminateInstances", {"InstanceIds": [HOST]}))
    calls: list[Call] = [
        ("ec2", "DeleteVpc", {"VpcId": VPC}),
        ("ec2", "DeleteSubnet", {"SubnetId": SUBNET}),
        ("ec2", "DeleteSecurityGroup", {"GroupId": GROUP}),
    ]
    for call in calls:
        with pytest.raises(NotOwned):
            send(owned, call)


def test_what_is_in_an_own_vpc_is_owned(owned: Ownership) -> None:
    """The main route table and the default group of a VPC of the run may be changed."""
    owned.learn("ec2", "CreateVpc", {}, {"Vpc": {"VpcId": VPC}})
    owned.learn("ec2", "DescribeRouteTables", {}, {"RouteTables": [{"RouteTableId": "rtb-0a1b2c3d", "VpcId": VPC}]})
    send(owned, ("ec2", "CreateRoute", {"RouteTableId": "rtb-0a1b2c3d", "GatewayId": "igw-00000000000000000"}))


def test_ids_in_refusals_belong_to_others(owned: Ownership) -> None:
    """An id that a refusal names is another's, unless the request named it."""
    owned.learn("servicediscovery", "CreateHttpNamespace", {"Name": "shop"}, {"NamespaceId": NS}, refused=True)
    with pytest.raises(NotOwned):
        send(owned, ("servicediscovery", "DeleteNamespace", {"Id": NS}))
    message = {"Error": {"Message": f"there is no {SRV}"}}
    owned.learn("servicediscovery", "DeleteService", {"Id": SRV}, message, refused=True)
    send(owned, ("servicediscovery", "DeleteService", {"Id": SRV}))


def test_the_other_workers_of_the_run_own_for_it(tmp_path: Path) -> None:
    """What the ledger of another worker holds is the run's; the ledger of another folder counts for nothing."""
    ledger = Ledger(tmp_path / "ledger-gw1.jsonl", Owner(RUN, "aws", "444455556666", "us-east-1"))
    ledger.record_shared(Shared("namespace", NS, 0))
    ledger.close()
    answer = {"Namespaces": [{"Id": NS, "Name": "x"}]}
    of_run, of_another = Ownership(RUN, tmp_path), Ownership(RUN, tmp_path / "other")
    for ownership in (of_run, of_another):
        ownership.learn("servicediscovery", "ListNamespaces", {}, answer)
    send(of_run, ("servicediscovery", "DeleteNamespace", {"Id": NS}))
    with pytest.raises(NotOwned):
        send(of_another, ("servicediscovery", "DeleteNamespace", {"Id": NS}))


def test_what_is_in_a_vpc_of_another_worker_is_owned(tmp_path: Path) -> None:
    """Its main route table may be changed, also if an answer shows it before any that names the VPC as the run's."""
    ledger = Ledger(tmp_path / "ledger-gw1.jsonl", Owner(RUN, "aws", "444455556666", "us-east-1"))
    ledger.record_shared(Shared("VPC", VPC, 0))
    ledger.close()
    other = "vpc-00000000000000001"
    tables = [{"RouteTableId": "rtb-0a1b2c3d", "VpcId": VPC}, {"RouteTableId": "rtb-0000000d", "VpcId": other}]
    ownership = Ownership(RUN, tmp_path)
    ownership.learn("ec2", "DescribeRouteTables", {}, {"RouteTables": tables})
    send(ownership, ("ec2", "CreateRoute", {"RouteTableId": "rtb-0a1b2c3d", "GatewayId": "igw-00000000000000000"}))
    with pytest.raises(NotOwned):
        send(ownership, ("ec2", "CreateRoute", {"RouteTableId": "rtb-0000000d", "GatewayId": "igw-00000000000000000"}))


def test_a_permit_names_operation_and_resource(owned: Ownership) -> None:
    """What the user names for one operation is open to that operation alone, and only in its cluster."""
    owned.permit("ecs:UpdateService", "shop/web")
    send(owned, ("ecs", "UpdateService", {"cluster": "shop", "service": "web"}))
    calls: list[Call] = [
        ("ecs", "DeleteService", {"cluster": "shop", "service": "web"}),
        ("ecs", "UpdateService", {"cluster": "other", "service": "web"}),
        ("ecs", "UpdateService", {"cluster": "shop", "service": "api"}),
    ]
    for call in calls:
        with pytest.raises(NotOwned):
            send(owned, call)


def test_a_permit_of_stop_task_includes_the_tasks_of_the_service(strangers: Ownership) -> None:
    """A task of the service may be stopped once an answer shows that it is one; a task of another service never."""
    stop: Call = ("ecs", "StopTask", {"cluster": "shop", "task": ecs_arn("task", f"shop/{TASK}")})
    strangers.permit("ecs:StopTask", "shop/web")
    other = {"taskArn": ecs_arn("task", f"shop/{TASK}"), "group": "service:api"}
    strangers.learn("ecs", "DescribeTasks", {}, {"tasks": [other]})
    with pytest.raises(NotOwned):
        send(strangers, stop)
    strangers.learn("ecs", "DescribeTasks", {}, {"tasks": [{**other, "group": "service:web"}]})
    send(strangers, stop)
    send(strangers, ("ecs", "StopTask", {"cluster": "shop", "task": TASK}))


@pytest.mark.parametrize("action", ["StopServiceDeployment", "ContinueServiceDeployment"])
def test_a_permit_for_a_service_includes_its_deployments(owned: Ownership, action: str) -> None:
    """The gate acts on a deployment of the service that the user names, and on none of another service."""
    owned.permit(f"ecs:{action}", "shop/web")
    send(owned, ("ecs", action, {"serviceDeploymentArn": ecs_arn("service-deployment", "shop/web/abc")}))
    for path in ("shop/api/abc", "other/web/abc"):
        with pytest.raises(NotOwned):
            send(owned, ("ecs", action, {"serviceDeploymentArn": ecs_arn("service-deployment", path)}))


def test_raw_requests_are_checked_too(strangers: Ownership) -> None:
    """A request that no client wrote is sent if it names nothing, or no operation, and not if it names another's."""
    strangers.check("servicediscovery", "CreateNamespace", {"Name": MINE})
    strangers.check("servicediscovery", "DeleteNamespace", {})
    with pytest.raises(NotOwned):
        strangers.check("servicediscovery", "DeleteNamespace", {"Id": NS})


def test_without_a_run_nothing_is_owned() -> None:
    """A command without a run changes nothing that has a name, whatever run the name is of."""
    for name in (MINE, "surveyor-"):
        with pytest.raises(NotOwned):
            send(Ownership(), ("ecs", "DeleteCluster", {"cluster": name}))


@pytest.mark.parametrize("service", ["servicediscovery", "route53", "ecs", "ec2", "elbv2", "logs", "events", "iam"])
def test_no_operation_that_changes_counts_as_read(service: str) -> None:
    """The first word of a name decides, and no word of an operation that changes is among those of reads."""
    changing = ("Create", "Update", "Delete", "Put", "Modify", "Tag", "Untag", "Stop", "Run", "Register", "Deregister",
                "Associate", "Change", "Attach", "Detach", "Set", "Add", "Remove", "Start", "Terminate")  # fmt: skip
    names = model_of(service).operation_names
    assert not [name for name in names if is_read(name) and name.startswith(changing)]
    assert [is_read(name) for name in ("DescribeServices", "Getaway", "Testify")] == [True, False, False]
