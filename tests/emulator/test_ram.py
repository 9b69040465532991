"""Sharing namespaces, through real sockets: shares, invitations, and what ends them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.session import Session

from surveyor.layout import find_layout
from surveyor.targets import load_target
from surveyor.targets.control import Control
from surveyor.targets.process import start

OWNER, CONSUMER, THIRD = "111122223333", "444455556666", "777788889999"
PLAIN = Config(retries={"total_max_attempts": 1}, inject_host_prefix=False, parameter_validation=False)
SESSION = Session()


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """An embedded target whose clock stands still."""
    how = load_target("embedded", find_layout().targets).start
    assert how is not None
    started = start("embedded", how, seed=7)
    yield started.endpoint
    started.stop()


def client(endpoint: str, service: str, account: str = OWNER) -> Any:
    """A client of an account's owner."""
    return SESSION.create_client(
        service, region_name="us-east-1", endpoint_url=endpoint, config=PLAIN, aws_access_key_id=account,
        aws_secret_access_key="surveyor",
    )  # fmt: skip


def refusal(call: Any, **params: Any) -> str:
    """The code with which a call is refused."""
    with pytest.raises(ClientError) as refused:
        call(**params)
    return str(refused.value.response["Error"]["Code"])


@pytest.fixture
def namespace(endpoint: str, request: pytest.FixtureRequest) -> str:
    """The ARN of a new namespace of the owner's."""
    cloudmap = client(endpoint, "servicediscovery")
    started = cloudmap.create_http_namespace(Name=request.node.name[:60])["OperationId"]
    control = Control(endpoint)
    control.advance(10)
    control.close()
    made = cloudmap.get_operation(OperationId=started)["Operation"]["Targets"]["NAMESPACE"]
    return str(cloudmap.get_namespace(Id=made)["Namespace"]["Arn"])


@pytest.fixture
def share(endpoint: str, namespace: str) -> str:
    """The ARN of a share of it with the consumer, who has not answered."""
    answer = client(endpoint, "ram").create_resource_share(
        name="share", resourceArns=[namespace], principals=[CONSUMER], allowExternalPrincipals=True
    )
    return str(answer["resourceShare"]["resourceShareArn"])


def invitation(endpoint: str, share: str, account: str = CONSUMER) -> dict[str, Any]:
    """An account's invitation to it."""
    [one] = client(endpoint, "ram", account).get_resource_share_invitations(resourceShareArns=[share])[
        "resourceShareInvitations"
    ]
    return dict(one)


def seen(endpoint: str, account: str = CONSUMER) -> list[str]:
    """The ARNs of the namespaces that an account lists."""
    return [one["Arn"] for one in client(endpoint, "servicediscovery", account).list_namespaces()["Namespaces"]]


def test_who_accepts_gets_in_and_who_is_not_invited_does_not(endpoint: str, namespace: str, share: str) -> None:
    """Before it accepts the consumer sees nothing; afterwards it lists and reads the namespace; a third never does."""
    cloudmap = client(endpoint, "servicediscovery", CONSUMER)
    assert namespace not in seen(endpoint)
    assert refusal(cloudmap.get_namespace, Id=namespace) == "NamespaceNotFound"
    found = invitation(endpoint, share)
    assert (found["status"], found["senderAccountId"], found["receiverAccountId"]) == ("PENDING", OWNER, CONSUMER)
    ram = client(endpoint, "ram", CONSUMER)
    ram.accept_resource_share_invitation(resourceShareInvitationArn=found["resourceShareInvitationArn"])
    described = cloudmap.get_namespace(Id=namespace)["Namespace"]
    assert (described["Arn"], described["ResourceOwner"]) == (namespace, OWNER)
    assert namespace in seen(endpoint)
    owners = [{"Name": "RESOURCE_OWNER", "Values": ["SELF"]}]
    assert cloudmap.list_namespaces(Filters=owners)["Namespaces"] == []
    again = {"resourceShareInvitationArn": found["resourceShareInvitationArn"]}
    code = refusal(ram.accept_resource_share_invitation, **again)
    assert code == "ResourceShareInvitationAlreadyAcceptedException"
    assert refusal(client(endpoint, "servicediscovery", THIRD).get_namespace, Id=namespace) == "NamespaceNotFound"
    [listed] = [one for one in ram.get_resource_shares(resourceOwner="OTHER-ACCOUNTS")["resourceShares"]
                if one["resourceShareArn"] == share]  # fmt: skip
    assert listed["owningAccountId"] == OWNER


@pytest.mark.parametrize("how", ["reject", "resource", "principal", "delete"])
def test_what_ends_it(endpoint: str, namespace: str, share: str, how: str) -> None:
    """A rejected invitation, and a share without the namespace, without the account, or deleted, lets nobody in."""
    theirs, ours = client(endpoint, "ram", CONSUMER), client(endpoint, "ram")
    found = {"resourceShareInvitationArn": invitation(endpoint, share)["resourceShareInvitationArn"]}
    if how == "reject":
        theirs.reject_resource_share_invitation(**found)
    else:
        theirs.accept_resource_share_invitation(**found)
        assert namespace in seen(endpoint)
    if how == "resource":
        ours.disassociate_resource_share(resourceShareArn=share, resourceArns=[namespace])
    if how == "principal":
        ours.disassociate_resource_share(resourceShareArn=share, principals=[CONSUMER])
    if how == "delete":
        assert ours.delete_resource_share(resourceShareArn=share)["returnValue"]
    assert namespace not in seen(endpoint)


def test_what_a_consumer_makes_is_its_own_in_the_owners_namespace(endpoint: str, namespace: str, share: str) -> None:
    """Services and instances tell who made them; operations are listed to who began them."""
    found = invitation(endpoint, share)["resourceShareInvitationArn"]
    client(endpoint, "ram", CONSUMER).accept_resource_share_invitation(resourceShareInvitationArn=found)
    cloudmap = client(endpoint, "servicediscovery", CONSUMER)
    service = cloudmap.create_service(Name="theirs", NamespaceId=namespace)["Service"]
    assert (service["CreatedByAccount"], service["ResourceOwner"]) == (CONSUMER, OWNER)
    started = cloudmap.register_instance(ServiceId=service["Arn"], InstanceId="i", Attributes={"a": "b"})
    control = Control(endpoint)
    control.advance(30)
    control.close()
    assert cloudmap.get_operation(OperationId=started["OperationId"])["Operation"]["Status"] == "SUCCESS"
    [instance] = client(endpoint, "servicediscovery").list_instances(ServiceId=service["Id"])["Instances"]
    assert instance["CreatedByAccount"] == CONSUMER
    code = refusal(client(endpoint, "servicediscovery").get_operation, OperationId=started["OperationId"])
    assert code == "OperationNotFound"


def test_what_cannot_be_shared(endpoint: str, namespace: str) -> None:
    """Another's namespace, one that is not there, what is no namespace, and with whom is no account."""
    ram, asked = client(endpoint, "ram"), {"name": "share", "principals": [CONSUMER]}
    create = ram.create_resource_share
    assert refusal(create, **asked, resourceArns=[namespace.replace(OWNER, THIRD)]) == "OperationNotPermittedException"
    assert refusal(create, **asked, resourceArns=[f"{namespace}x"]) == "UnknownResourceException"
    assert refusal(create, **asked, resourceArns=["arn:aws:s3:::bucket"]) == "MalformedArnException"
    everybody = {"name": "share", "principals": ["arn:aws:organizations::1:organization/o-a"]}
    assert refusal(create, **everybody, resourceArns=[namespace]) == "InvalidParameterException"
    assert refusal(ram.delete_resource_share, resourceShareArn="arn:none") == "UnknownResourceException"
    assert refusal(ram.list_permissions) == "NotImplemented"
