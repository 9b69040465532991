"""AWS RAM: shares and their invitations, and how access to a namespace begins and ends."""

import json
from datetime import timedelta

import pytest

from surveyor.testing import for_each, is_refused, proves, raises, timeouts

RED = {"colour": "red"}


@pytest.fixture
def has_access(consumer_cloudmap, account):
    """Return whether the consumer can use a namespace, or else is refused everything there."""

    def check(namespace, service):
        names = {"NamespaceName": namespace["Name"], "ServiceName": service["Name"], "OwnerAccount": account}
        refusals = {
            is_refused(lambda: consumer_cloudmap.get_namespace(Id=namespace["Arn"])),
            is_refused(lambda: consumer_cloudmap.get_service(Id=service["Arn"])),
            is_refused(lambda: consumer_cloudmap.list_instances(ServiceId=service["Arn"])),
            is_refused(lambda: consumer_cloudmap.discover_instances(**names)),
            is_refused(lambda: consumer_cloudmap.discover_instances_revision(**names)),
            is_refused(lambda: consumer_cloudmap.update_service_attributes(ServiceId=service["Arn"], Attributes=RED)),
        }
        pages = consumer_cloudmap.get_paginator("list_namespaces").paginate()
        refusals.add(namespace["Arn"] not in [entry["Arn"] for page in pages for entry in page["Namespaces"]])
        assert len(refusals) == 1
        return not refusals.pop()

    return check


@proves("cross-account.invitation.must-be-accepted")
def test_access_begins_with_the_acceptance(
    make_namespace, make_service, invite, consumer_client, account, consumer_account, has_access, eventually, clock
):
    """Neither the share nor a PENDING invitation gives access; ACCEPTED, it does."""
    # RAM User Guide: "If you receive an invitation to join a resource share, you must accept it to access its shared
    # resources."
    namespace, other = make_namespace("http"), make_namespace("http")
    service, unshared = make_service(namespace), make_service(other)
    share, invitation = invite(namespace)
    assert invitation["status"] == "PENDING"
    assert invitation["resourceShareArn"] == share
    assert (invitation["senderAccountId"], invitation["receiverAccountId"]) == (account, consumer_account)
    clock.wait(30)
    assert not has_access(namespace, service)
    named = {"resourceShareInvitationArn": invitation["resourceShareInvitationArn"]}
    ram = consumer_client("ram")
    assert ram.accept_resource_share_invitation(**named)["resourceShareInvitation"]["status"] == "ACCEPTED"
    eventually(lambda: has_access(namespace, service), within=timeouts.SHARE)
    assert not has_access(other, unshared)


@proves("cross-account.invitation.rejected")
def test_a_rejected_invitation_gives_no_access(
    make_namespace, make_service, invite, consumer_client, has_access, clock
):
    """After RejectResourceShareInvitation there is no access, and accepting raises an error."""
    # RAM User Guide: "If you decline the invitation, you can't access the shared resources."
    namespace = make_namespace("http")
    _, invitation = invite(namespace)
    named, ram = {"resourceShareInvitationArn": invitation["resourceShareInvitationArn"]}, consumer_client("ram")
    assert ram.reject_resource_share_invitation(**named)["resourceShareInvitation"]["status"] == "REJECTED"
    with raises("ResourceShareInvitationAlreadyRejectedException"):
        ram.accept_resource_share_invitation(**named)
    clock.wait(30)
    assert not has_access(namespace, make_service(namespace))


@proves("cross-account.invitation.answered-once")
def test_an_invitation_is_answered_once(make_namespace, invite, client, consumer_client):
    """An accepted invitation is neither accepted nor rejected again; that of another account is not found."""
    (_, accepted), (_, pending) = (invite(make_namespace("http")) for _ in range(2))
    named, ram = {"resourceShareInvitationArn": accepted["resourceShareInvitationArn"]}, consumer_client("ram")
    with raises("ResourceShareInvitationArnNotFoundException"):
        client("ram").accept_resource_share_invitation(**named)
    ram.accept_resource_share_invitation(**named)
    for answer in (ram.accept_resource_share_invitation, ram.reject_resource_share_invitation):
        with raises("ResourceShareInvitationAlreadyAcceptedException"):
            answer(**named)
    for one, status in ((accepted, "ACCEPTED"), (pending, "PENDING")):
        arns = [one["resourceShareInvitationArn"]]
        [found] = ram.get_resource_share_invitations(resourceShareInvitationArns=arns)["resourceShareInvitations"]
        assert (found["resourceShareInvitationArn"], found["status"]) == (arns[0], status)
    unknown = {"resourceShareInvitationArn": f"{named['resourceShareInvitationArn'][:-4]}none"}
    for answer in (ram.accept_resource_share_invitation, ram.reject_resource_share_invitation):
        with raises("ResourceShareInvitationArnNotFoundException"):
            answer(**unknown)


@proves("cross-account.invitation.expires-after-twelve-hours")
def test_an_invitation_expires(
    make_namespace, make_service, invite, client, consumer_client, consumer_account, has_access, clock, eventually
):
    """Ten minutes before twelve hours have passed an invitation can be accepted; ten minutes later it is EXPIRED."""
    # RAM User Guide: "you have 12 hours to accept the invitation to join the resource share"
    early, late = make_namespace("http"), make_namespace("http")
    (_, accepted), (share, expired) = invite(early), invite(late)
    ram = consumer_client("ram")
    clock.wait(timedelta(hours=11, minutes=50).total_seconds())
    ram.accept_resource_share_invitation(resourceShareInvitationArn=accepted["resourceShareInvitationArn"])
    clock.wait(timedelta(minutes=20).total_seconds())
    for answer in (ram.accept_resource_share_invitation, ram.reject_resource_share_invitation):
        with raises("ResourceShareInvitationExpiredException"):
            answer(resourceShareInvitationArn=expired["resourceShareInvitationArn"])
    service = make_service(late)
    assert not has_access(late, service)
    assert has_access(early, make_service(early))
    added = client("ram").associate_resource_share(resourceShareArn=share, principals=[consumer_account])
    [association] = added["resourceShareAssociations"]
    assert (association["associatedEntity"], association["associationType"]) == (consumer_account, "PRINCIPAL")

    def pending():
        found = ram.get_resource_share_invitations(resourceShareArns=[share])["resourceShareInvitations"]
        return next((invitation for invitation in found if invitation["status"] == "PENDING"), None)

    again = eventually(pending, within=timeouts.SHARE)
    ram.accept_resource_share_invitation(resourceShareInvitationArn=again["resourceShareInvitationArn"])
    eventually(lambda: has_access(late, service), within=timeouts.SHARE)


@proves("cross-account.share.of-owner-and-consumer")
def test_shares_are_listed_by_owner(make_namespace, share_namespace, client, consumer_client, account):
    """GetResourceShares lists an ACTIVE share to its owner as SELF and to its consumer as OTHER-ACCOUNTS only."""
    arn, other = (share_namespace(make_namespace("http")) for _ in range(2))

    def listed(by, owner, *arns):
        params = {"resourceShareArns": arns} if arns else {}
        pages = by.get_paginator("get_resource_shares").paginate(resourceOwner=owner, **params)
        return {
            share["resourceShareArn"]: (share["owningAccountId"], share["status"], share["allowExternalPrincipals"])
            for page in pages
            for share in page["resourceShares"]
        }

    for by, seen, unseen in (
        (client("ram"), "SELF", "OTHER-ACCOUNTS"),
        (consumer_client("ram"), "OTHER-ACCOUNTS", "SELF"),
    ):
        assert listed(by, seen).keys() >= {arn, other}
        assert not listed(by, unseen).keys() & {arn, other}
        assert listed(by, seen, arn) == {arn: (account, "ACTIVE", True)}


@proves("cross-account.share.external-principals")
def test_shares_for_an_organization_exclude_other_accounts(client, make_namespace, consumer_account, unique_name):
    """A share without allowExternalPrincipals is refused for an account of no organization; the default is true."""
    # ram/CreateResourceShareRequest.allowExternalPrincipals: "The default value is true."
    ram, namespace = client("ram"), make_namespace("http")["Arn"]
    params = {"resourceArns": [namespace], "principals": [consumer_account]}
    assert is_refused(
        lambda: ram.create_resource_share(name=unique_name("share"), **params, allowExternalPrincipals=False)
    )
    share = ram.create_resource_share(name=unique_name("share"), **params)["resourceShare"]
    assert share["allowExternalPrincipals"]
    for wrong in ({"principals": ["12345"]}, {"resourceArns": [f"{namespace[:-4]}none"]}):
        assert is_refused(lambda: ram.create_resource_share(name=unique_name("share"), **{**params, **wrong}))  # noqa: B023 (called at once)


@proves("cross-account.share.added-namespaces")
def test_added_namespaces_are_accessible(make_namespace, make_service, share_namespace, client, has_access, eventually):
    """A namespace that is added to a share is accessible without a new invitation; one removed from it is not."""
    # ram/AssociateResourceShare: "immediately receive access to the added resources"
    first, second = make_namespace("http"), make_namespace("http")
    services = [make_service(namespace) for namespace in (first, second)]
    ram, share = client("ram"), share_namespace(first)
    assert not has_access(second, services[1])
    added = ram.associate_resource_share(resourceShareArn=share, resourceArns=[second["Arn"]])
    [association] = added["resourceShareAssociations"]
    assert (association["associatedEntity"], association["associationType"]) == (second["Arn"], "RESOURCE")
    assert association["resourceShareArn"] == share
    eventually(lambda: has_access(second, services[1]), within=timeouts.SHARE)
    assert has_access(first, services[0])
    ram.disassociate_resource_share(resourceShareArn=share, resourceArns=[first["Arn"]])
    eventually(lambda: not has_access(first, services[0]), within=timeouts.SHARE)
    assert has_access(second, services[1])


@proves("cross-account.share.each-gives-access")
def test_access_by_one_share_outlasts_another(
    make_namespace, make_service, share_namespace, client, has_access, eventually, clock
):
    """A namespace in two shares stays accessible when the first is deleted, and no longer when the second is."""
    # ram/DeleteResourceShare: "it only stops the sharing of those resources through this resource share"
    namespace = make_namespace("http")
    service = make_service(namespace)
    shares = [share_namespace(namespace) for _ in range(2)]
    client("ram").delete_resource_share(resourceShareArn=shares[0])
    clock.wait(timeouts.SHARE)
    assert has_access(namespace, service)
    client("ram").delete_resource_share(resourceShareArn=shares[1])
    eventually(lambda: not has_access(namespace, service), within=timeouts.SHARE)


@proves("cross-account.lost-access-loses-services")
@for_each("how", ["remove the namespace", "remove the account", "delete the share"])
@for_each("creator", ["consumer", "owner"])
def test_withdrawn_share_removes_access_to_services(
    make_namespace,
    make_service,
    share_namespace,
    client,
    consumer_cloudmap,
    consumer_waits,
    cloudmap,
    consumer_account,
    has_access,
    unique_name,
    eventually,
    how,
    creator,
):
    """However a share ends, the consumer is refused everything, and the owner still discovers; shared again, it may."""
    # Cloud Map Developer Guide: "the consumer accounts will also lose access to services that they created"
    namespace = make_namespace("http")
    share, ram = share_namespace(namespace), client("ram")
    if creator == "consumer":
        service = consumer_cloudmap.create_service(Name=unique_name("svc"), NamespaceId=namespace["Arn"])["Service"]
    else:
        service = make_service(namespace)
    instance = {"ServiceId": service["Arn"], "InstanceId": "i-1", "Attributes": RED}
    consumer_waits(consumer_cloudmap.register_instance(**instance))
    assert has_access(namespace, service)
    if how == "remove the namespace":
        ram.disassociate_resource_share(resourceShareArn=share, resourceArns=[namespace["Arn"]])
    elif how == "remove the account":
        ram.disassociate_resource_share(resourceShareArn=share, principals=[consumer_account])
    else:
        ram.delete_resource_share(resourceShareArn=share)
    eventually(lambda: not has_access(namespace, service), within=timeouts.SHARE)
    assert is_refused(lambda: consumer_cloudmap.register_instance(**instance))
    assert is_refused(lambda: consumer_cloudmap.delete_service(Id=service["Arn"]))
    names = {"NamespaceName": namespace["Name"], "ServiceName": service["Name"]}
    eventually(lambda: cloudmap.discover_instances(**names)["Instances"], within=timeouts.DISCOVERY)
    assert cloudmap.get_service(Id=service["Id"])["Service"]["Name"] == service["Name"]
    share_namespace(namespace)
    assert has_access(namespace, service)


@proves("cross-account.sharing-needs-permissions")
@for_each("missing", ["PutResourcePolicy", "GetResourcePolicy", "DeleteResourcePolicy"])
def test_sharing_needs_permission_on_the_namespace(
    client_limited_to, client, make_namespace, consumer_account, unique_name, missing
):
    """A role with all RAM permissions can share a namespace, but not if any of the three permissions is missing."""
    first, second = (make_namespace("http")["Arn"] for _ in range(2))
    everything = {"Effect": "Allow", "Action": ["ram:*", "servicediscovery:*"], "Resource": "*"}
    denied = {"Effect": "Deny", "Action": f"servicediscovery:{missing}", "Resource": "*"}
    existing = client("ram").create_resource_share(name=unique_name("share"))["resourceShare"]["resourceShareArn"]

    def create_share(ram):
        targets = {"resourceArns": [first], "principals": [consumer_account], "allowExternalPrincipals": True}
        return ram.create_resource_share(name=unique_name("share"), **targets)["resourceShare"]

    def add_to_share(ram):
        return ram.associate_resource_share(resourceShareArn=existing, resourceArns=[second])

    for share in (create_share, add_to_share):
        assert is_refused(lambda: share(client_limited_to(everything, denied)("ram"))), json.dumps(denied)  # noqa: B023 (called at once)
        assert share(client_limited_to(everything)("ram"))
