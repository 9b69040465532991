"""Identities and permissions are enforced over real sockets, with the documented errors."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.session import Session

from surveyor.layout import find_layout
from surveyor.targets import load_target
from surveyor.targets.control import Control
from surveyor.targets.process import start
from surveyor_emulator.aws.iam import moto_store
from surveyor_emulator.aws.iam.authorise import authorise
from surveyor_emulator.aws.iam.permission_request import PermissionRequest
from surveyor_emulator.core.caller import Caller
from surveyor_emulator.core.clock import Clock
from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.settings import Settings
from surveyor_emulator.core.world import Call, World
from surveyor_policies.model import Principal

ACCOUNT, OTHER = "111122223333", "444455556666"
UNKNOWN_ROLE = f"arn:aws:iam::{ACCOUNT}:role/none"
PLAIN = Config(retries={"total_max_attempts": 1}, inject_host_prefix=False)
SESSION = Session()


def policy(*statements: dict[str, Any]) -> str:
    """Return a document with these statements."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(*actions: str, **more: Any) -> dict[str, Any]:
    """Return a statement that allows these actions."""
    return {"Effect": "Allow", "Action": list(actions), "Resource": "*", **more}


@dataclass
class EmulatorClient:
    """A running embedded target, with ways to create clients and identities."""

    endpoint: str
    token: str

    def client(self, service: str, key: str = ACCOUNT, secret: str = "surveyor", token: str | None = None) -> Any:
        """Return a client with these credentials; by default those of ACCOUNT's root user."""
        return SESSION.create_client(
            service, region_name="us-east-1", endpoint_url=self.endpoint, config=PLAIN, aws_access_key_id=key,
            aws_secret_access_key=secret, aws_session_token=token,
        )  # fmt: skip

    def advance(self, seconds: float) -> None:
        """Advance service time."""
        control = Control(self.endpoint, self.token)
        control.advance(seconds)
        control.close()

    def user(self, name: str, *statements: dict[str, Any]) -> tuple[str, str]:
        """Create a user with an inline policy; return access key and secret."""
        iam = self.client("iam")
        iam.create_user(UserName=name)
        if statements:
            iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=policy(*statements))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return key["AccessKeyId"], key["SecretAccessKey"]

    def role(self, name: str, *statements: dict[str, Any], **trust: Any) -> str:
        """Create a role that users of ACCOUNT may assume, under ``trust``'s Condition; return its ARN."""
        iam = self.client("iam")
        statement = {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
            "Action": "sts:AssumeRole",
        }
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(statement | trust))["Role"]["Arn"]
        iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=policy(*statements))
        return str(arn)


@pytest.fixture(scope="module")
def emulator() -> Iterator[EmulatorClient]:
    """Run one target for all tests of this module; its clock only advances."""
    start_options = load_target("embedded", find_layout().targets).start
    assert start_options is not None
    started = start("embedded", replace(start_options), seed=7)
    yield EmulatorClient(started.endpoint, started.token)
    started.stop()


def error_of(call: Any, **params: Any) -> tuple[str, str]:
    """Return code and message of the error with which a call is rejected."""
    with pytest.raises(ClientError) as raised:
        call(**params)
    error = raised.value.response["Error"]
    return str(error["Code"]), str(error["Message"])


def test_a_user_is_allowed_what_its_policies_allow(emulator: EmulatorClient) -> None:
    """Without a policy nothing is allowed; a policy applies at once; the denial names user, action and reason."""
    key, secret = emulator.user("reader")
    cloudmap = emulator.client("servicediscovery", key, secret)
    code, message = error_of(cloudmap.list_namespaces)
    assert code == "AccessDeniedException"
    assert message == (
        f"User: arn:aws:iam::{ACCOUNT}:user/reader is not authorized to perform: servicediscovery:ListNamespaces "
        "on resource: * because no identity-based policy allows the servicediscovery:ListNamespaces action"
    )
    iam = emulator.client("iam")
    iam.put_user_policy(
        UserName="reader", PolicyName="own", PolicyDocument=policy(allow("servicediscovery:ListNamespaces"))
    )
    assert cloudmap.list_namespaces()["Namespaces"] == []
    assert error_of(cloudmap.list_services)[0] == "AccessDeniedException"
    iam.delete_user_policy(UserName="reader", PolicyName="own")
    assert error_of(cloudmap.list_namespaces)[0] == "AccessDeniedException"


def test_groups_and_managed_policies_count(emulator: EmulatorClient) -> None:
    """A group's policy and a managed policy allow like the user's own."""
    key, secret = emulator.user("member")
    iam, cloudmap = emulator.client("iam"), emulator.client("servicediscovery", key, secret)
    iam.create_group(GroupName="readers")
    services = policy(allow("servicediscovery:ListServices"))
    iam.put_group_policy(GroupName="readers", PolicyName="own", PolicyDocument=services)
    iam.add_user_to_group(GroupName="readers", UserName="member")
    cloudmap.list_services()
    assert error_of(cloudmap.list_namespaces)[0] == "AccessDeniedException"
    iam.attach_user_policy(UserName="member", PolicyArn="arn:aws:iam::aws:policy/AWSCloudMapReadOnlyAccess")
    cloudmap.list_namespaces()


def test_a_boundary_limits_what_policies_allow(emulator: EmulatorClient) -> None:
    """A role is allowed only what its policies and its permissions boundary both allow."""
    iam = emulator.client("iam")
    bound = iam.create_policy(PolicyName="bound", PolicyDocument=policy(allow("servicediscovery:ListServices")))
    arn = emulator.role("bounded", allow("servicediscovery:*"))
    iam.put_role_permissions_boundary(RoleName="bounded", PermissionsBoundary=bound["Policy"]["Arn"])
    sts = emulator.client("sts", *emulator.user("other", allow("sts:AssumeRole")))
    credentials = sts.assume_role(RoleArn=arn, RoleSessionName="night")["Credentials"]
    session = (credentials["AccessKeyId"], credentials["SecretAccessKey"], credentials["SessionToken"])
    cloudmap = emulator.client("servicediscovery", *session)
    cloudmap.list_services()
    assert "permissions boundary" in error_of(cloudmap.list_namespaces)[1]


def test_an_operation_that_iam_lacks_is_rejected(emulator: EmulatorClient) -> None:
    """An operation that moto's IAM does not have is not implemented."""
    assert error_of(emulator.client("iam").get_organizations_access_report, JobId="a" * 36)[0] == "NotImplemented"


@pytest.mark.parametrize(
    ("service", "operation", "params", "code"),
    [
        ("servicediscovery", "list_namespaces", {}, "AccessDeniedException"),
        ("route53", "list_hosted_zones", {}, "AccessDenied"),
        ("ec2", "describe_vpcs", {}, "UnauthorizedOperation"),
        ("iam", "list_users", {}, "AccessDenied"),
        ("sts", "assume_role", {"RoleArn": UNKNOWN_ROLE, "RoleSessionName": "se"}, "AccessDenied"),
    ],
)  # fmt: skip
def test_each_service_denies_with_its_error_code(
    emulator: EmulatorClient, service: str, operation: str, params: dict[str, Any], code: str
) -> None:
    """The error code is that of the service; GetCallerIdentity is allowed without any policy."""
    key, secret = emulator.user(f"powerless-{service}")
    assert error_of(getattr(emulator.client(service, key, secret), operation), **params)[0] == code
    assert emulator.client("sts", key, secret).get_caller_identity()["Arn"].endswith(f"user/powerless-{service}")


def test_only_valid_credentials_are_accepted(emulator: EmulatorClient) -> None:
    """Wrong secrets, unknown keys, inactive keys and other dates each have the documented code."""
    key, secret = emulator.user("alice", allow("*"))
    assert error_of(emulator.client("sts", key, "wrong").get_caller_identity)[0] == "SignatureDoesNotMatch"
    assert error_of(emulator.client("servicediscovery", key, "x").list_services)[0] == "InvalidSignatureException"
    assert (
        error_of(emulator.client("sts", "AKIAIOSFODNN7EXAMPLE", "x").get_caller_identity)[0] == "InvalidClientTokenId"
    )
    for skew in (timedelta(hours=1), timedelta(hours=-1)):
        at = datetime.now(UTC).replace(tzinfo=None) + skew
        with mock.patch("botocore.auth.get_current_datetime", return_value=at):
            assert error_of(emulator.client("sts", key, secret).get_caller_identity)[0] == "SignatureDoesNotMatch"
    emulator.client("iam").update_access_key(UserName="alice", AccessKeyId=key, Status="Inactive")
    assert error_of(emulator.client("sts", key, secret).get_caller_identity)[0] == "InvalidClientTokenId"


def test_sessions_of_roles(emulator: EmulatorClient) -> None:
    """A session is allowed what role and session policy both allow, has its own identity, and ends in service time."""
    key, secret = emulator.user("assumer", allow("sts:AssumeRole"))
    arn = emulator.role("worker", allow("servicediscovery:*"))
    sts = emulator.client("sts", key, secret)
    limits = policy(allow("servicediscovery:ListNamespaces", "route53:*"))
    assumed = sts.assume_role(RoleArn=arn, RoleSessionName="night", Policy=limits, DurationSeconds=900)
    credentials = assumed["Credentials"]
    session = (credentials["AccessKeyId"], credentials["SecretAccessKey"], credentials["SessionToken"])
    identity = emulator.client("sts", *session).get_caller_identity()
    assert identity["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/worker/night"
    assert identity["UserId"] == assumed["AssumedRoleUser"]["AssumedRoleId"]
    cloudmap = emulator.client("servicediscovery", *session)
    cloudmap.list_namespaces()
    assert "session policy" in error_of(cloudmap.list_services)[1]
    assert error_of(emulator.client("route53", *session).list_hosted_zones)[0] == "AccessDenied"
    assert error_of(emulator.client("sts", *session).get_session_token)[0] == "AccessDenied"
    assert (
        error_of(emulator.client("servicediscovery", *session[:2]).list_namespaces)[0] == "UnrecognizedClientException"
    )
    emulator.advance(901)
    assert error_of(cloudmap.list_namespaces)[0] == "ExpiredTokenException"


def test_assuming_a_role(emulator: EmulatorClient) -> None:
    """Trust policy with external id and identity policy must allow; root users and longer sessions are rejected."""
    arn = emulator.role("guarded", allow("*"), Condition={"StringEquals": {"sts:ExternalId": "abc"}})
    request = {"RoleArn": arn, "RoleSessionName": "night"}
    assert error_of(emulator.client("sts").assume_role, **request)[0] == "AccessDenied"
    sts = emulator.client("sts", *emulator.user("trusted", allow("sts:AssumeRole")))
    assert error_of(sts.assume_role, **request)[0] == "AccessDenied"
    assert sts.assume_role(**request, ExternalId="abc")["Credentials"]
    assert error_of(sts.assume_role, **request, ExternalId="abc", DurationSeconds=7200)[0] == "ValidationError"
    bad = {"PolicyArns": [{"arn": "arn:aws:iam::aws:policy/NoSuchPolicy"}]}
    assert error_of(sts.assume_role, **request, ExternalId="abc", **bad)[0] == "MalformedPolicyDocument"
    assert error_of(sts.assume_role, **request, ExternalId="abc", Policy="{")[0] == "MalformedPolicyDocument"
    not_allowed = emulator.client("sts", *emulator.user("untrusted", allow("servicediscovery:*")))
    assert error_of(not_allowed.assume_role, **request, ExternalId="abc")[0] == "AccessDenied"


TAGGING = {"Action": ["sts:AssumeRole", "sts:TagSession"]}
"""What the trust policy of a role allows that is assumed with tags."""


@pytest.mark.parametrize(
    "arn",
    [
        "nothing-valid-in-here",
        "arn::b:::something/test-role",
        "arn:a::::something/test-role",
        "arn:a:::something/test-role",
        "arn:a:a::aaaaaaaaaa:",
        "iam:aws:iam::111122223333:role/r",
    ],
)
def test_malformed_role_arns(emulator: EmulatorClient, arn: str) -> None:
    """A text that is no ARN is ValidationError for every caller, also one who may not assume roles."""
    expected = ("ValidationError", f"{arn} is invalid")
    assert error_of(emulator.client("sts").assume_role, RoleArn=arn, RoleSessionName="night") == expected


def test_invalid_session_names(emulator: EmulatorClient) -> None:
    """A session name with another character is ValidationError with AWS's words; one of 65 characters is refused."""
    sts = emulator.client("sts")
    code, text = error_of(sts.assume_role, RoleArn=UNKNOWN_ROLE, RoleSessionName="Session1:2")
    assert code == "ValidationError"
    assert text == (
        "1 validation error detected: Value 'Session1:2' at 'roleSessionName' failed to satisfy constraint: Member "
        r"must satisfy regular expression pattern: [\w+=,.@-]*"
    )
    assert error_of(sts.assume_role, RoleArn=UNKNOWN_ROLE, RoleSessionName="s" * 65)[0] == "ValidationError"


def test_packed_policy_size(emulator: EmulatorClient) -> None:
    """The size is there only if the session has policies or tags."""
    arn = emulator.role("packed", allow("*"), **TAGGING)
    sts = emulator.client("sts", *emulator.user("packer", allow("sts:*")))
    request = {"RoleArn": arn, "RoleSessionName": "night"}
    assert "PackedPolicySize" not in sts.assume_role(**request)
    assert "PackedPolicySize" in sts.assume_role(**request, Policy=policy(allow("sts:*")))
    assert "PackedPolicySize" in sts.assume_role(
        **request, PolicyArns=[{"arn": "arn:aws:iam::aws:policy/AWSCloudMapReadOnlyAccess"}]
    )
    assert "PackedPolicySize" in sts.assume_role(**request, Tags=[{"Key": "team", "Value": "red"}])


def test_invalid_session_tags(emulator: EmulatorClient) -> None:
    """Keys that differ in case alone are equal; a transitive key needs a tag, and cannot be set again in a chain."""
    first, second = emulator.role("first", allow("sts:*"), **TAGGING), emulator.role("second", allow("*"), **TAGGING)
    sts = emulator.client("sts", *emulator.user("tagger", allow("sts:*")))
    red, blue = {"Key": "team", "Value": "red"}, {"Key": "TEAM", "Value": "blue"}
    request = {"RoleArn": first, "RoleSessionName": "night"}
    assert error_of(sts.assume_role, **request, Tags=[red, blue])[0] == "InvalidParameterValue"
    assert error_of(sts.assume_role, **request, Tags=[red, red])[0] == "InvalidParameterValue"
    assert error_of(sts.assume_role, **request, TransitiveTagKeys=["team"])[0] == "InvalidParameterValue"
    assert error_of(sts.assume_role, **request, Tags=[red], TransitiveTagKeys=["city"])[0] == "InvalidParameterValue"
    credentials = sts.assume_role(**request, Tags=[red], TransitiveTagKeys=["Team"])["Credentials"]
    chained = emulator.client(
        "sts", credentials["AccessKeyId"], credentials["SecretAccessKey"], credentials["SessionToken"]
    )
    request["RoleArn"] = second
    for tag in (red, blue):
        code, text = error_of(chained.assume_role, **request, Tags=[tag])
        assert code == "InvalidParameterValue"
        assert "conflicts with a transitive tag key from the calling session" in text
    assert chained.assume_role(**request, Tags=[{"Key": "city", "Value": "ulm"}])["Credentials"]


def test_transitive_tags_pass_on(emulator: EmulatorClient) -> None:
    """A transitive tag is a principal tag of the second session in a chain, above the role's own; another is not."""
    own = {"Key": "team", "Value": "of-the-role"}
    first = emulator.role("chain-first", allow("sts:*"), **TAGGING)
    tagged = {"StringEquals": {"aws:PrincipalTag/team": "red"}, "Null": {"aws:PrincipalTag/city": "true"}}
    second = emulator.role("chain-second", allow("servicediscovery:ListNamespaces", Condition=tagged))
    emulator.client("iam").tag_role(RoleName="chain-second", Tags=[own])
    sts = emulator.client("sts", *emulator.user("chainer", allow("sts:*")))
    tags = [{"Key": "team", "Value": "red"}, {"Key": "city", "Value": "ulm"}]
    request = {"RoleArn": first, "RoleSessionName": "night"}
    for transitive, is_allowed in ((["team"], True), ([], False)):
        found = sts.assume_role(**request, Tags=tags, TransitiveTagKeys=transitive)["Credentials"]
        chained = emulator.client("sts", found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"])
        last = chained.assume_role(RoleArn=second, RoleSessionName="late")["Credentials"]
        session = (last["AccessKeyId"], last["SecretAccessKey"], last["SessionToken"])
        cloudmap = emulator.client("servicediscovery", *session)
        if is_allowed:
            assert "Namespaces" in cloudmap.list_namespaces()
        else:
            assert error_of(cloudmap.list_namespaces)[0] == "AccessDeniedException"


@pytest.mark.parametrize(
    ("service", "name"),
    [
        ("ecs", "AWSServiceRoleForECS"),
        ("elasticloadbalancing", "AWSServiceRoleForElasticLoadBalancing"),
        ("ram", "AWSServiceRoleForResourceAccessManager"),
    ],
)
def test_names_of_service_linked_roles(emulator: EmulatorClient, service: str, name: str) -> None:
    """The name has the service as AWS writes it, below a path of its principal; sessions last an hour."""
    iam = emulator.client("iam")
    role = iam.create_service_linked_role(AWSServiceName=f"{service}.amazonaws.com")["Role"]
    assert (role["RoleName"], role["Path"]) == (name, f"/aws-service-role/{service}.amazonaws.com/")
    assert iam.get_role(RoleName=name)["Role"]["MaxSessionDuration"] == 3_600
    if service == "ecs":
        [attached] = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
        assert attached["PolicyArn"] == "arn:aws:iam::aws:policy/aws-service-role/AmazonECSServiceRolePolicy"


def test_unreadable_policies_deny(monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception on the way to a decision is a denial."""

    def fail(*_: object) -> None:
        raise KeyError("policy")

    monkeypatch.setattr(moto_store, "policies_of_caller", fail)
    caller = Caller(Principal(f"arn:aws:iam::{ACCOUNT}:user/a", ACCOUNT, "user"), ("user", "a"), "AIDA")
    world = World(Settings(), Clock(start=1.0, scale=None))
    call = Call(world, ACCOUNT, "us-east-1", caller.principal.arn, "servicediscovery", "ListNamespaces", caller)
    with pytest.raises(ServiceError, match=r"AccessDeniedException.*policies could not be read"):
        authorise(call, {}, [PermissionRequest("*", {})])


def test_accounts_are_separate(emulator: EmulatorClient) -> None:
    """A user reaches only its own account, and its identities are unknown to another account."""
    key, secret = emulator.user("local", allow("*"))
    emulator.client("servicediscovery", OTHER).create_http_namespace(Name="theirs")
    emulator.advance(60)
    assert emulator.client("servicediscovery", OTHER).list_namespaces()["Namespaces"]
    assert "theirs" not in str(emulator.client("servicediscovery", key, secret).list_namespaces())
    assert "local" not in str(emulator.client("iam", OTHER).list_users())
