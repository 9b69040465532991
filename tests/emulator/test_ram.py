"""Namespaces are shared over real sockets: shares, invitations, and how access ends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.session import Session

from surveyor.layout import find_layout
from surveyor.targets import load_target
from surveyor.targets.control import Control
from surveyor.targets.process import StartedProcess, start

OWNER, CONSUMER, THIRD = "111122223333", "444455556666", "777788889999"
PLAIN = Config(retries={"total_max_attempts": 1}, inject_host_prefix=False, parameter_validation=False)
SESSION = Session()


@pytest.fixture(scope="module")
def target() -> Iterator[StartedProcess]:
    """Run an embedded target whose clock only advances."""
    start_options = load_target("embedded", find_layout().targets).start
    assert start_options is not None
    started = start("embedded", start_options, seed=7)
    yield started
    started.stop()


@pytest.fixture(scope="module")
def endpoint(target: StartedProcess) -> str:
    """Return the endpoint of the target."""
    return target.endpoint


def advance(target: StartedProcess, seconds: float) -> None:
    """Advance the clock of the target."""
    control = Control(target.endpoint, target.token)
    control.advance(seconds)
    control.close()


@lru_cache
def client(endpoint: str, service: str, account: str = OWNER) -> Any:
    """Return a client with the credentials of an account's root user."""
    return SESSION.create_client(
        service, region_name="us-east-1", endpoint_url=endpoint, config=PLAIN, aws_access_key_id=account,
        aws_secret_access_key="surveyor",
    )  # fmt: skip


def error_code(call: Any, **params: Any) -> str:
    """Return the code of the error with which a call is rejected."""
    with pytest.raises(ClientError) as raised:
        call(**params)
    return str(raised.value.response["Error"]["Code"])


@pytest.fixture
def namespace(target: StartedProcess, endpoint: str, request: pytest.FixtureRequest) -> str:
    """Create a namespace of the owner; return its ARN."""
    cloudmap = client(endpoint, "servicediscovery")
    started = cloudmap.create_http_namespace(Name=request.node.name[:60])["OperationId"]
    advance(target, 10)
    namespace_id = cloudmap.get_operation(OperationId=started)["Operation"]["Targets"]["NAMESPACE"]
    return str(cloudmap.get_namespace(Id=namespace_id)["Namespace"]["Arn"])


@pytest.fixture
def share(endpoint: str, namespace: str) -> str:
    """Create a share of the namespace with the consumer, which has not answered; return its ARN."""
    answer = client(endpoint, "ram").create_resource_share(
        name="share", resourceArns=[namespace], principals=[CONSUMER], allowExternalPrincipals=True
    )
    return str(answer["resourceShare"]["resourceShareArn"])


def invitation(endpoint: str, share: str, account: str = CONSUMER) -> dict[str, Any]:
    """Return an account's invitation to the share."""
    [found] = client(endpoint, "ram", account).get_resource_share_invitations(resourceShareArns=[share])[
        "resourceShareInvitations"
    ]
    return dict(found)


def listed_namespaces(endpoint: str, account: str = CONSUMER) -> list[str]:
    """Return the ARNs of the namespaces that an account lists."""
    namespaces = client(endpoint, "servicediscovery", account).list_namespaces()["Namespaces"]
    return [namespace["Arn"] for namespace in namespaces]


def test_only_an_account_that_accepts_has_access(endpoint: str, namespace: str, share: str) -> None:
    """The consumer reads the namespace only after it accepts; an account that is not invited never does."""
    cloudmap = client(endpoint, "servicediscovery", CONSUMER)
    assert namespace not in listed_namespaces(endpoint)
    assert error_code(cloudmap.get_namespace, Id=namespace) == "NamespaceNotFound"
    found = invitation(endpoint, share)
    assert (found["status"], found["senderAccountId"], found["receiverAccountId"]) == ("PENDING", OWNER, CONSUMER)
    ram = client(endpoint, "ram", CONSUMER)
    ram.accept_resource_share_invitation(resourceShareInvitationArn=found["resourceShareInvitationArn"])
    described = cloudmap.get_namespace(Id=namespace)["Namespace"]
    assert (described["Arn"], described["ResourceOwner"]) == (namespace, OWNER)
    assert namespace in listed_namespaces(endpoint)
    owners = [{"Name": "RESOURCE_OWNER", "Values": ["SELF"]}]
    assert cloudmap.list_namespaces(Filters=owners)["Namespaces"] == []
    again = {"resourceShareInvitationArn": found["resourceShareInvitationArn"]}
    code = error_code(ram.accept_resource_share_invitation, **again)
    assert code == "ResourceShareInvitationAlreadyAcceptedException"
    assert error_code(client(endpoint, "servicediscovery", THIRD).get_namespace, Id=namespace) == "NamespaceNotFound"
    [listed] = [shared for shared in ram.get_resource_shares(resourceOwner="OTHER-ACCOUNTS")["resourceShares"]
                if shared["resourceShareArn"] == share]  # fmt: skip
    assert listed["owningAccountId"] == OWNER


@pytest.mark.parametrize("end", ["reject", "resource", "principal", "delete"])
def test_access_ends(endpoint: str, namespace: str, share: str, end: str) -> None:
    """A rejected invitation, and a share without the namespace or the account, or deleted, gives no access."""
    theirs, ours = client(endpoint, "ram", CONSUMER), client(endpoint, "ram")
    found = {"resourceShareInvitationArn": invitation(endpoint, share)["resourceShareInvitationArn"]}
    if end == "reject":
        theirs.reject_resource_share_invitation(**found)
    else:
        theirs.accept_resource_share_invitation(**found)
        assert namespace in listed_namespaces(endpoint)
    if end == "resource":
        ours.disassociate_resource_share(resourceShareArn=share, resourceArns=[namespace])
    if end == "principal":
        ours.disassociate_resource_share(resourceShareArn=share, principals=[CONSUMER])
    if end == "delete":
        assert ours.delete_resource_share(resourceShareArn=share)["returnValue"]
    assert namespace not in listed_namespaces(endpoint)


def test_a_consumer_creates_its_own_services_in_the_namespace(
    target: StartedProcess, endpoint: str, namespace: str, share: str
) -> None:
    """Services and instances name their creator; operations are visible to the account that started them."""
    found = invitation(endpoint, share)["resourceShareInvitationArn"]
    client(endpoint, "ram", CONSUMER).accept_resource_share_invitation(resourceShareInvitationArn=found)
    cloudmap = client(endpoint, "servicediscovery", CONSUMER)
    service = cloudmap.create_service(Name="theirs", NamespaceId=namespace)["Service"]
    assert (service["CreatedByAccount"], service["ResourceOwner"]) == (CONSUMER, OWNER)
    started = cloudmap.register_instance(ServiceId=service["Arn"], InstanceId="i", Attributes={"a": "b"})
    advance(target, 30)
    found = cloudmap.get_operation(OperationId=started["OperationId"], OwnerAccount=OWNER)["Operation"]
    assert (found["Status"], found["OwnerAccount"]) == ("SUCCESS", OWNER)
    assert error_code(cloudmap.get_operation, OperationId=started["OperationId"]) == "OperationNotFound"
    [instance] = client(endpoint, "servicediscovery").list_instances(ServiceId=service["Id"])["Instances"]
    assert instance["CreatedByAccount"] == CONSUMER
    code = error_code(client(endpoint, "servicediscovery").get_operation, OperationId=started["OperationId"])
    assert code == "OperationNotFound"


def test_rejects_invalid_shares(endpoint: str, namespace: str) -> None:
    """Another account's namespace, an unknown one, another resource, and a principal without account are errors."""
    ram, share = client(endpoint, "ram"), {"name": "share", "principals": [CONSUMER]}
    create = ram.create_resource_share
    for arn in (namespace.replace(OWNER, THIRD), f"{namespace}x", "arn:aws:s3:::bucket"):
        assert error_code(create, **share, resourceArns=[arn]) == "UnknownResourceException"
    organization = {"name": "share", "principals": ["arn:aws:organizations::1:organization/o-a"]}
    assert error_code(create, **organization, resourceArns=[namespace]) == "InvalidParameterException"
    assert error_code(ram.delete_resource_share, resourceShareArn="arn:none") == "UnknownResourceException"
    assert error_code(ram.list_permissions) == "NotImplemented"


def user_of(endpoint: str, account: str, name: str, *statements: dict[str, Any]) -> Any:
    """Create a user with these statements, and return what creates its clients."""
    iam = client(endpoint, "iam", account)
    iam.create_user(UserName=name)
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=document)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return lambda service: SESSION.create_client(
        service, region_name="us-east-1", endpoint_url=endpoint, config=PLAIN,
        aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"],
    )  # fmt: skip


def test_a_user_of_the_consumer_needs_the_share_and_a_policy(endpoint: str, namespace: str, share: str) -> None:
    """Neither is enough: without the share the namespace is not found, without the policy the call is denied."""
    allowed = user_of(endpoint, CONSUMER, f"all-{share[-6:]}", {"Effect": "Allow", "Action": "*", "Resource": "*"})
    named = {"StringLike": {"ram:ResourceShareName": "another-*"}}
    limited = user_of(
        endpoint, CONSUMER, f"few-{share[-6:]}",
        {"Effect": "Allow", "Action": "ram:*", "Resource": "*", "Condition": named},
    )  # fmt: skip
    invited = invitation(endpoint, share)["resourceShareInvitationArn"]
    create = allowed("servicediscovery").create_service
    assert error_code(create, Name="early", NamespaceId=namespace) == "NamespaceNotFound"
    answer = limited("ram").accept_resource_share_invitation
    assert error_code(answer, resourceShareInvitationArn=invited).startswith("AccessDenied")
    allowed("ram").accept_resource_share_invitation(resourceShareInvitationArn=invited)
    assert create(Name="web", NamespaceId=namespace)["Service"]["Name"] == "web"
    denied = limited("servicediscovery").create_service
    assert error_code(denied, Name="other", NamespaceId=namespace) == "AccessDeniedException"
    third = user_of(endpoint, THIRD, f"all-{share[-6:]}", {"Effect": "Allow", "Action": "*", "Resource": "*"})
    create = third("servicediscovery").create_service
    assert error_code(create, Name="third", NamespaceId=namespace) == "NamespaceNotFound"
