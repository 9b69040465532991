"""Identities and enforcement through real sockets: who is let in, what they may do, and how they are told no."""

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
from surveyor_emulator.aws.iam.caller import Caller
from surveyor_emulator.core.clock import Clock
from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.settings import Settings
from surveyor_emulator.core.world import Call, World
from surveyor_policies.model import Principal

ACCOUNT, OTHER = "111122223333", "444455556666"
NOBODY = f"arn:aws:iam::{ACCOUNT}:role/none"
PLAIN = Config(retries={"total_max_attempts": 1}, inject_host_prefix=False)
SESSION = Session()


def policy(*statements: dict[str, Any]) -> str:
    """A document of these statements."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(*actions: str, **more: Any) -> dict[str, Any]:
    """A statement that allows these."""
    return {"Effect": "Allow", "Action": list(actions), "Resource": "*", **more}


@dataclass
class Place:
    """An embedded target, and clients of it."""

    endpoint: str

    def client(self, service: str, key: str = ACCOUNT, secret: str = "surveyor", token: str | None = None) -> Any:
        """A client that signs so; the owner of ACCOUNT unless told otherwise."""
        return SESSION.create_client(
            service, region_name="us-east-1", endpoint_url=self.endpoint, config=PLAIN, aws_access_key_id=key,
            aws_secret_access_key=secret, aws_session_token=token,
        )  # fmt: skip

    def advance(self, seconds: float) -> None:
        """Let service time pass."""
        control = Control(self.endpoint)
        control.advance(seconds)
        control.close()

    def user(self, name: str, *statements: dict[str, Any]) -> tuple[str, str]:
        """A new user with an inline policy; access key and secret."""
        iam = self.client("iam")
        iam.create_user(UserName=name)
        if statements:
            iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=policy(*statements))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return key["AccessKeyId"], key["SecretAccessKey"]

    def role(self, name: str, *statements: dict[str, Any], **trust: Any) -> str:
        """A new role that users of ACCOUNT may assume, under the condition given as `Condition`; its ARN."""
        iam = self.client("iam")
        who = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(who | trust))["Role"]["Arn"]
        iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=policy(*statements))
        return str(arn)


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    """One for all of these tests; its clock stands still."""
    how = load_target("embedded", find_layout().targets).start
    assert how is not None
    started = start("embedded", replace(how), seed=7)
    yield Place(started.endpoint)
    started.stop()


def refusal(call: Any, **params: Any) -> tuple[str, str]:
    """Code and message with which a call is refused."""
    with pytest.raises(ClientError) as refused:
        call(**params)
    error = refused.value.response["Error"]
    return str(error["Code"]), str(error["Message"])


def test_a_user_may_do_what_its_policies_allow(place: Place) -> None:
    """Without a policy nothing; with one what it allows, at once; the refusal names who, what and why."""
    key, secret = place.user("reader")
    cloudmap = place.client("servicediscovery", key, secret)
    code, message = refusal(cloudmap.list_namespaces)
    assert code == "AccessDeniedException"
    assert message == (
        f"User: arn:aws:iam::{ACCOUNT}:user/reader is not authorized to perform: servicediscovery:ListNamespaces "
        "because no identity-based policy allows the servicediscovery:ListNamespaces action"
    )
    iam = place.client("iam")
    iam.put_user_policy(
        UserName="reader", PolicyName="own", PolicyDocument=policy(allow("servicediscovery:ListNamespaces"))
    )
    assert cloudmap.list_namespaces()["Namespaces"] == []
    assert refusal(cloudmap.list_services)[0] == "AccessDeniedException"
    iam.delete_user_policy(UserName="reader", PolicyName="own")
    assert refusal(cloudmap.list_namespaces)[0] == "AccessDeniedException"


def test_groups_and_managed_policies_count(place: Place) -> None:
    """A group's policy and a managed one allow as the user's own does."""
    key, secret = place.user("member")
    iam, cloudmap = place.client("iam"), place.client("servicediscovery", key, secret)
    iam.create_group(GroupName="readers")
    services = policy(allow("servicediscovery:ListServices"))
    iam.put_group_policy(GroupName="readers", PolicyName="own", PolicyDocument=services)
    iam.add_user_to_group(GroupName="readers", UserName="member")
    cloudmap.list_services()
    assert refusal(cloudmap.list_namespaces)[0] == "AccessDeniedException"
    iam.attach_user_policy(UserName="member", PolicyArn="arn:aws:iam::aws:policy/AWSCloudMapReadOnlyAccess")
    cloudmap.list_namespaces()


def test_a_boundary_limits_what_policies_allow(place: Place) -> None:
    """A role may do what its policies and its permissions boundary both allow."""
    iam = place.client("iam")
    bound = iam.create_policy(PolicyName="bound", PolicyDocument=policy(allow("servicediscovery:ListServices")))
    arn = place.role("bounded", allow("servicediscovery:*"))
    iam.put_role_permissions_boundary(RoleName="bounded", PermissionsBoundary=bound["Policy"]["Arn"])
    sts = place.client("sts", *place.user("other", allow("sts:AssumeRole")))
    given = sts.assume_role(RoleArn=arn, RoleSessionName="night")["Credentials"]
    session = (given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
    cloudmap = place.client("servicediscovery", *session)
    cloudmap.list_services()
    assert "permissions boundary" in refusal(cloudmap.list_namespaces)[1]


def test_what_iam_lacks_is_told(place: Place) -> None:
    """An operation that moto's IAM does not have is refused as not implemented."""
    assert refusal(place.client("iam").get_organizations_access_report, JobId="a" * 36)[0] == "NotImplemented"


@pytest.mark.parametrize(
    ("service", "operation", "params", "code"),
    [
        ("servicediscovery", "list_namespaces", {}, "AccessDeniedException"),
        ("route53", "list_hosted_zones", {}, "AccessDenied"),
        ("ec2", "describe_vpcs", {}, "UnauthorizedOperation"),
        ("iam", "list_users", {}, "AccessDenied"),
        ("sts", "assume_role", {"RoleArn": NOBODY, "RoleSessionName": "se"}, "AccessDenied"),
    ],
)  # fmt: skip
def test_each_service_says_no_in_its_way(
    place: Place, service: str, operation: str, params: dict[str, Any], code: str
) -> None:
    """The error code is that of the service; who may do nothing may still ask who they are."""
    key, secret = place.user(f"nobody-{service}")
    assert refusal(getattr(place.client(service, key, secret), operation), **params)[0] == code
    assert place.client("sts", key, secret).get_caller_identity()["Arn"].endswith(f"user/nobody-{service}")


def test_only_those_who_are_somebody_get_in(place: Place) -> None:
    """Wrong secrets, unknown and inactive keys, other days: each with its documented code."""
    key, secret = place.user("somebody", allow("*"))
    assert refusal(place.client("sts", key, "wrong").get_caller_identity)[0] == "SignatureDoesNotMatch"
    assert refusal(place.client("servicediscovery", key, "x").list_services)[0] == "InvalidSignatureException"
    assert refusal(place.client("sts", "AKIAIOSFODNN7EXAMPLE", "x").get_caller_identity)[0] == "InvalidClientTokenId"
    for skew in (timedelta(hours=1), timedelta(hours=-1)):
        at = datetime.now(UTC).replace(tzinfo=None) + skew
        with mock.patch("botocore.auth.get_current_datetime", return_value=at):
            assert refusal(place.client("sts", key, secret).get_caller_identity)[0] == "SignatureDoesNotMatch"
    place.client("iam").update_access_key(UserName="somebody", AccessKeyId=key, Status="Inactive")
    assert refusal(place.client("sts", key, secret).get_caller_identity)[0] == "InvalidClientTokenId"


def test_sessions_of_roles(place: Place) -> None:
    """A session may do what role and session policy both allow, is told apart, and ends in service time."""
    key, secret = place.user("assumer", allow("sts:AssumeRole"))
    arn = place.role("worker", allow("servicediscovery:*"))
    sts = place.client("sts", key, secret)
    limits = policy(allow("servicediscovery:ListNamespaces", "route53:*"))
    made = sts.assume_role(RoleArn=arn, RoleSessionName="night", Policy=limits, DurationSeconds=900)
    given = made["Credentials"]
    session = (given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
    who = place.client("sts", *session).get_caller_identity()
    assert who["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/worker/night"
    assert who["UserId"] == made["AssumedRoleUser"]["AssumedRoleId"]
    cloudmap = place.client("servicediscovery", *session)
    cloudmap.list_namespaces()
    assert "session policy" in refusal(cloudmap.list_services)[1]
    assert refusal(place.client("route53", *session).list_hosted_zones)[0] == "AccessDenied"
    assert refusal(place.client("sts", *session).get_session_token)[0] == "AccessDenied"
    assert refusal(place.client("servicediscovery", *session[:2]).list_namespaces)[0] == "UnrecognizedClientException"
    place.advance(901)
    assert refusal(cloudmap.list_namespaces)[0] == "ExpiredTokenException"


def test_who_may_assume_a_role(place: Place) -> None:
    """Owners may not; others by the trust policy, with its external id, and by their own; sessions not for longer."""
    arn = place.role("guarded", allow("*"), Condition={"StringEquals": {"sts:ExternalId": "abc"}})
    asked = {"RoleArn": arn, "RoleSessionName": "night"}
    assert refusal(place.client("sts").assume_role, **asked)[0] == "AccessDenied"
    sts = place.client("sts", *place.user("trusted", allow("sts:AssumeRole")))
    assert refusal(sts.assume_role, **asked)[0] == "AccessDenied"
    assert sts.assume_role(**asked, ExternalId="abc")["Credentials"]
    assert refusal(sts.assume_role, **asked, ExternalId="abc", DurationSeconds=7200)[0] == "ValidationError"
    bad = {"PolicyArns": [{"arn": "arn:aws:iam::aws:policy/NoSuchPolicy"}]}
    assert refusal(sts.assume_role, **asked, ExternalId="abc", **bad)[0] == "MalformedPolicyDocument"
    assert refusal(sts.assume_role, **asked, ExternalId="abc", Policy="{")[0] == "MalformedPolicyDocument"
    not_allowed = place.client("sts", *place.user("untrusted", allow("servicediscovery:*")))
    assert refusal(not_allowed.assume_role, **asked, ExternalId="abc")[0] == "AccessDenied"


def test_policies_that_cannot_be_had_let_nobody_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever goes wrong on the way to a decision is a denial."""

    def gone(*_: object) -> None:
        raise KeyError("policy")

    monkeypatch.setattr(moto_store, "policies_of", gone)
    caller = Caller(Principal(f"arn:aws:iam::{ACCOUNT}:user/a", ACCOUNT, "user"), ("user", "a"), "AIDA")
    world = World(Settings(), Clock(start=1.0, scale=None))
    call = Call(world, ACCOUNT, "us-east-1", caller.principal.arn, "servicediscovery", "ListNamespaces", caller)
    with pytest.raises(ServiceError, match=r"AccessDeniedException.*policies could not be read"):
        authorise(call, caller, {})


def test_accounts_are_apart(place: Place) -> None:
    """A user reaches its own account only; an owner of another knows nothing of it."""
    key, secret = place.user("local", allow("*"))
    place.client("servicediscovery", OTHER).create_http_namespace(Name="theirs")
    place.advance(60)
    assert place.client("servicediscovery", OTHER).list_namespaces()["Namespaces"]
    assert "theirs" not in str(place.client("servicediscovery", key, secret).list_namespaces())
    assert "local" not in str(place.client("iam", OTHER).list_users())
