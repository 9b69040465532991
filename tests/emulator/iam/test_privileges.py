"""Resources in policies count for every service; rights end with the user or role."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor.targets.control import Control
from surveyor.targets.running import RunningTarget
from surveyor_emulator.aws.iam.permission_request import tags_of_request
from tests.emulator.iam.users import ACCOUNT, ALL, HERE, TRUST, Request, Users, code, is_denied, policy


def _cluster(owner: Callable[[str], Any]) -> tuple[Request, str]:
    arn = owner("ecs").create_cluster(clusterName="shop")["cluster"]["clusterArn"]
    return ("ecs", "delete_cluster", {"cluster": "shop"}), arn


def _namespace(owner: Callable[[str], Any]) -> tuple[Request, str]:
    [found] = owner("servicediscovery").list_namespaces()["Namespaces"]
    return ("servicediscovery", "delete_namespace", {"Id": found["Id"]}), found["Arn"]


def _zone(owner: Callable[[str], Any]) -> tuple[Request, str]:
    zone = owner("route53").create_hosted_zone(Name="shop.test", CallerReference="1")["HostedZone"]["Id"]
    return ("route53", "delete_hosted_zone", {"Id": zone}), f"arn:aws:route53::{zone.replace('/', ':', 1)}"


def _vpc(owner: Callable[[str], Any]) -> tuple[Request, str]:
    vpc = owner("ec2").create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    return ("ec2", "delete_vpc", {"VpcId": vpc}), f"arn:aws:ec2:{HERE}:vpc/{vpc}"


def _target_group(owner: Callable[[str], Any]) -> tuple[Request, str]:
    vpc = owner("ec2").describe_vpcs()["Vpcs"][0]["VpcId"]
    [group] = owner("elbv2").create_target_group(
        Name="shop", Protocol="HTTP", Port=80, VpcId=vpc, TargetType="ip"
    )["TargetGroups"]  # fmt: skip
    arn = group["TargetGroupArn"]
    return ("elbv2", "delete_target_group", {"TargetGroupArn": arn}), arn


def _share(owner: Callable[[str], Any]) -> tuple[Request, str]:
    arn = owner("ram").create_resource_share(name="shop")["resourceShare"]["resourceShareArn"]
    return ("ram", "delete_resource_share", {"resourceShareArn": arn}), arn


def _user(owner: Callable[[str], Any]) -> tuple[Request, str]:
    arn = owner("iam").create_user(UserName="victim", Path="/team/")["User"]["Arn"]
    return ("iam", "create_access_key", {"UserName": "victim"}), arn


def _role(owner: Callable[[str], Any]) -> tuple[Request, str]:
    arn = owner("iam").create_role(RoleName="power", AssumeRolePolicyDocument=policy(TRUST))["Role"]["Arn"]
    return ("sts", "assume_role", {"RoleArn": arn, "RoleSessionName": "night"}), arn


def _authority(owner: Callable[[str], Any]) -> tuple[Request, str]:
    arn = owner("acm-pca").create_certificate_authority(
        CertificateAuthorityType="ROOT",
        CertificateAuthorityConfiguration={
            "KeyAlgorithm": "EC_prime256v1", "SigningAlgorithm": "SHA256WITHECDSA", "Subject": {"CommonName": "x"},
        },
    )["CertificateAuthorityArn"]  # fmt: skip
    return ("acm-pca", "tag_certificate_authority", {"CertificateAuthorityArn": arn, "Tags": [{"Key": "a"}]}), arn


def _rule(owner: Callable[[str], Any]) -> tuple[Request, str]:
    arn = owner("events").put_rule(Name="nightly", ScheduleExpression="rate(1 day)")["RuleArn"]
    return ("events", "delete_rule", {"Name": "nightly"}), arn


def _log_group(owner: Callable[[str], Any]) -> tuple[Request, str]:
    owner("logs").create_log_group(logGroupName="/shop/web")
    return ("logs", "delete_log_group", {"logGroupName": "/shop/web"}), f"arn:aws:logs:{HERE}:log-group:/shop/web"


def _log_group_with_streams(owner: Callable[[str], Any]) -> tuple[Request, str]:
    owner("logs").create_log_group(logGroupName="/shop/api")
    return ("logs", "delete_log_group", {"logGroupName": "/shop/api"}), f"arn:aws:logs:{HERE}:log-group:/shop/api:*"


def _alarm(owner: Callable[[str], Any]) -> tuple[Request, str]:
    owner("cloudwatch").put_metric_alarm(
        AlarmName="cpu", ComparisonOperator="GreaterThanThreshold", EvaluationPeriods=1, MetricName="m", Namespace="N",
        Period=60, Statistic="Sum", Threshold=1.0,
    )  # fmt: skip
    return ("cloudwatch", "delete_alarms", {"AlarmNames": ["cpu"]}), f"arn:aws:cloudwatch:{HERE}:alarm:cpu"


def _queue(owner: Callable[[str], Any]) -> tuple[Request, str]:
    url = owner("sqs").create_queue(QueueName="orders")["QueueUrl"]
    return ("sqs", "delete_queue", {"QueueUrl": url}), f"arn:aws:sqs:{HERE}:orders"


@pytest.mark.parametrize(
    "prepare",
    [
        _alarm, _authority, _cluster, _log_group, _log_group_with_streams, _namespace, _queue, _role, _rule, _share,
        _target_group, _user, _vpc, _zone,
    ],
)  # fmt: skip
def test_a_deny_of_a_resource_holds(
    owner: Callable[[str], Any], users: Users, prepare: Callable[..., tuple[Request, str]]
) -> None:
    """A deny of the resource holds against an allow of everything; an allow of the resource alone is enough."""
    (service, operation, params), arn = prepare(owner)
    prefix = "sts" if service == "sts" else arn.split(":")[2]
    denied = users(ALL, {"Effect": "Deny", "Action": f"{prefix}:*", "Resource": arn})
    assert is_denied(getattr(denied(service), operation), **params)
    assert is_denied(getattr(users({**ALL, "Resource": f"{arn}x"})(service), operation), **params)
    assert not is_denied(getattr(users({**ALL, "Resource": arn})(service), operation), **params)


def test_a_user_manages_itself(users: Users) -> None:
    """A user that a request does not name is the caller: an allow of the own ARN covers it, one of another does not."""
    own = {"Effect": "Allow", "Action": "iam:*", "Resource": f"arn:aws:iam::{ACCOUNT}:user/${{aws:username}}"}
    iam = users(own)("iam")
    name = iam.get_user()["User"]["UserName"]
    assert {key["UserName"] for key in iam.list_access_keys()["AccessKeyMetadata"]} == {name}
    assert not is_denied(iam.create_access_key)
    other = users(own)("iam").get_user()["User"]["UserName"]
    assert is_denied(iam.create_access_key, UserName=other)


def test_batches_need_the_permission_of_each(owner: Callable[[str], Any], users: Users) -> None:
    """Sending a batch of messages is sqs:SendMessage: there is no action for batches."""
    url = owner("sqs").create_queue(QueueName="batches")["QueueUrl"]
    entries = [{"Id": "1", "MessageBody": "x"}]
    denied = users(ALL, {**ALL, "Effect": "Deny", "Action": "sqs:SendMessage"})("sqs")
    assert is_denied(denied.send_message_batch, QueueUrl=url, Entries=entries)
    allowed = users({**ALL, "Action": "sqs:SendMessage"})("sqs")
    assert not code(allowed.send_message_batch, QueueUrl=url, Entries=entries)


def test_a_queue_is_that_of_its_name_whatever_its_url(owner: Callable[[str], Any], users: Users) -> None:
    """Host and account in a queue's URL decide nothing: moto takes the last part for the name."""
    owner("sqs").create_queue(QueueName="target")
    sqs = users(ALL, {**ALL, "Effect": "Deny", "Resource": f"arn:aws:sqs:{HERE}:target"})("sqs")
    for url in ("target", "http://elsewhere/1/target", f"https://sqs.us-east-1.amazonaws.com/{ACCOUNT}/target"):
        assert is_denied(sqs.delete_queue, QueueUrl=url)


def test_tags_of_requests_and_resources_count(owner: Callable[[str], Any], users: Users) -> None:
    """aws:RequestTag and aws:ResourceTag hold for services that moto answers, and ec2:CreateTags is needed for tags."""
    tagged = {"StringEquals": {"aws:RequestTag/team": "red"}}
    sqs = users({**ALL, "Condition": tagged})("sqs")
    assert not code(sqs.create_queue, QueueName="red", tags={"team": "red"})
    assert is_denied(sqs.create_queue, QueueName="blue", tags={"team": "blue"})
    kept = {**ALL, "Effect": "Deny", "Condition": {"StringEquals": {"aws:ResourceTag/team": "red"}}}
    assert is_denied(users(ALL, kept)("sqs").delete_queue, QueueUrl="red")
    owner("iam").create_user(UserName="tagged", Tags=[{"Key": "team", "Value": "red"}])
    assert is_denied(users(ALL, kept)("iam").delete_user, UserName="tagged")
    ec2 = users({**ALL, "Action": "ec2:CreateVpc"})("ec2")
    specification = [{"ResourceType": "vpc", "Tags": [{"Key": "team", "Value": "red"}]}]
    assert is_denied(ec2.create_vpc, CidrBlock="10.8.0.0/16", TagSpecifications=specification)
    assert not is_denied(ec2.create_vpc, CidrBlock="10.8.0.0/16")


def test_a_tag_without_a_key_is_refused(users: Users) -> None:
    """Its caller gets the error of the service, not one of the emulator."""
    check = {"ResourceType": "healthcheck", "ResourceId": "00000000-0000-4000-8000-000000000000"}
    assert code(users(ALL)("route53").change_tags_for_resource, AddTags=[{"Value": "1"}], **check) == "InvalidInput"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["Key", "Value", "Tags", "a"]), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["Tags", "tags", "TagSpecifications", "TagKeys", "tagKeys", "AddTags"]), JSON))
def test_tags_of_any_shape_are_read(params: dict[str, Any]) -> None:
    """Permissions are decided before the service checks the shape of a request."""
    keys = tags_of_request(params)
    assert all(isinstance(value, str) for values in keys.values() for value in values)


def test_a_boundary_that_must_be_given(users: Users) -> None:
    """iam:PermissionsBoundary and iam:PolicyARN restrict what an administrator of users may do."""
    boundary = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    iam = users({**ALL, "Condition": {"StringEquals": {"iam:PermissionsBoundary": boundary}}})("iam")
    assert is_denied(iam.create_user, UserName="unbounded")
    assert not is_denied(iam.create_user, UserName="bounded", PermissionsBoundary=boundary)
    attach = users(ALL, {**ALL, "Effect": "Deny", "Condition": {"ArnEquals": {"iam:PolicyARN": boundary}}})("iam")
    assert is_denied(attach.attach_user_policy, UserName="bounded", PolicyArn=boundary)


def test_sessions_end_with_their_role(owner: Callable[[str], Any], users: Users) -> None:
    """A role created again under its name has another unique id: sessions of the former have none of its rights."""
    iam, trust = owner("iam"), policy(TRUST)

    def create() -> str:
        arn = iam.create_role(RoleName="again", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        iam.put_role_policy(RoleName="again", PolicyName="own", PolicyDocument=policy(ALL))
        return str(arn)

    caller = users(ALL)
    session = users.assume(caller, create())
    assert not code(session("sqs").list_queues)
    iam.delete_role_policy(RoleName="again", PolicyName="own")
    iam.delete_role(RoleName="again")
    assert is_denied(session("sqs").list_queues)
    assert code(session("sts").get_caller_identity) == "InvalidClientTokenId"
    arn = create()
    assert is_denied(session("sqs").list_queues)
    assert is_denied(session("sts").assume_role, RoleArn=arn, RoleSessionName="late")
    assert not code(users.assume(caller, arn)("sqs").list_queues)


def test_sessions_end_with_their_user(owner: Callable[[str], Any], users: Users) -> None:
    """The same holds for users: their temporary credentials, and trust policies that name them."""
    iam = owner("iam")

    def create() -> tuple[str, str]:
        iam.create_user(UserName="again")
        iam.put_user_policy(UserName="again", PolicyName="own", PolicyDocument=policy(ALL))
        key = iam.create_access_key(UserName="again")["AccessKey"]
        return key["AccessKeyId"], key["SecretAccessKey"]

    first = create()
    trust = {**TRUST, "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/again"}}
    arn = iam.create_role(RoleName="of-one-user", AssumeRolePolicyDocument=policy(trust))["Role"]["Arn"]
    found = users.session(*first)("sts").get_session_token()["Credentials"]
    session = users.session(found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"])
    assert not code(session("sqs").list_queues)
    assert not code(users.session(*first)("sts").assume_role, RoleArn=arn, RoleSessionName="night")
    iam.delete_access_key(UserName="again", AccessKeyId=first[0])
    iam.delete_user_policy(UserName="again", PolicyName="own")
    iam.delete_user(UserName="again")
    second = users.session(*create())
    assert is_denied(session("sqs").list_queues)
    assert not code(second("sqs").list_queues)
    assert is_denied(second("sts").assume_role, RoleArn=arn, RoleSessionName="night")
    iam.update_assume_role_policy(RoleName="of-one-user", PolicyDocument=policy(trust))
    assert not code(second("sts").assume_role, RoleArn=arn, RoleSessionName="night")


def test_a_wrong_allow_is_forgotten(running: RunningTarget, users: Users) -> None:
    """What a mutation allowed is denied again when it is taken away, on a clock that stands still."""
    assert running.control is not None
    sqs = users(ALL, {**ALL, "Effect": "Deny", "Action": "sqs:ListQueues"})("sqs")
    for changes, expected in (([], True), (["mutation=ignores-deny"], False), ([], True)):
        _change(running.control, changes)
        assert is_denied(sqs.list_queues) is expected


def _change(control: Control, changes: list[str]) -> None:
    control._request("POST", "/_surveyor/settings", {"set": changes})


def test_a_session_of_a_role_names_users(owner: Callable[[str], Any], users: Users) -> None:
    """A session of a role is no user: what it asks about users without a name is refused."""
    arn = owner("iam").create_role(RoleName="nameless", AssumeRolePolicyDocument=policy(TRUST))["Role"]["Arn"]
    owner("iam").put_role_policy(RoleName="nameless", PolicyName="own", PolicyDocument=policy(ALL))
    assert code(users.assume(users(ALL), arn)("iam").get_user) == "ValidationError"
