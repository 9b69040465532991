"""VPCs of private hosted zones, in the zone's account and in another one."""

import pytest

from surveyor.testing import is_refused, proves, raises, record_values, timeouts

UNKNOWN = "vpc-0123456789abcdef0"


@pytest.fixture
def private_zone(make_zone, in_vpc):
    """Create a private hosted zone."""
    return dict(make_zone(VPC=in_vpc)["HostedZone"])


@proves("route53.vpcs.associated-and-disassociated")
def test_vpcs_of_a_zone_change(route53, query_dns, eventually, private_zone, change, in_vpc, second_vpc):
    """A second VPC is associated and disassociated: GetHostedZone shows it, and its resolver answers meanwhile."""
    other, zone = {**in_vpc, "VPCId": second_vpc}, {"HostedZoneId": private_zone["Id"]}
    name = f"www.{private_zone['Name']}"
    change(
        private_zone,
        ("CREATE", {"Name": name, "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}]}),
    )

    def answered(vpc):
        return record_values(query_dns(name, "A", vpc=vpc), name, "A") == ["192.0.2.1"]

    def vpcs():
        found = route53.get_hosted_zone(Id=private_zone["Id"])["VPCs"]
        return sorted(found, key=lambda vpc: vpc["VPCId"] != in_vpc["VPCId"])

    eventually(lambda: answered(in_vpc["VPCId"]), within=timeouts.DNS_CHANGE)
    associated = route53.associate_vpc_with_hosted_zone(**zone, VPC=other, Comment="both")["ChangeInfo"]
    assert vpcs() == [in_vpc, other]
    eventually(lambda: answered(second_vpc), within=timeouts.DNS_CHANGE)
    shown = route53.get_change(Id=associated["Id"])["ChangeInfo"]
    assert (shown["Comment"], shown["SubmittedAt"]) == ("both", associated["SubmittedAt"])
    disassociated = route53.disassociate_vpc_from_hosted_zone(**zone, VPC=other)["ChangeInfo"]
    assert vpcs() == [in_vpc]
    eventually(lambda: not answered(second_vpc), within=timeouts.DNS_CHANGE)
    assert route53.get_change(Id=disassociated["Id"])["ChangeInfo"]["Status"] == "INSYNC"
    assert answered(in_vpc["VPCId"])


@proves("route53.vpcs.associated-and-disassociated")
def test_invalid_changes_of_vpcs_are_refused(route53, private_zone, zone, in_vpc, second_vpc):
    """The last VPC, one that is not associated or does not exist, a public and an unknown zone are refused."""
    # DisassociateVPCFromHostedZone: "You can't disassociate the last Amazon VPC from a private hosted zone."
    private, other = {"HostedZoneId": private_zone["Id"]}, {**in_vpc, "VPCId": second_vpc}
    with raises("LastVPCAssociation"):
        route53.disassociate_vpc_from_hosted_zone(**private, VPC=in_vpc)
    with raises("VPCAssociationNotFound"):
        route53.disassociate_vpc_from_hosted_zone(**private, VPC=other)
    with raises("InvalidVPCId"):
        route53.associate_vpc_with_hosted_zone(**private, VPC={**in_vpc, "VPCId": UNKNOWN})
    with raises("PublicZoneVPCAssociation"):
        route53.associate_vpc_with_hosted_zone(HostedZoneId=zone["Id"], VPC=in_vpc)
    for call in (route53.associate_vpc_with_hosted_zone, route53.disassociate_vpc_from_hosted_zone):
        with raises("NoSuchHostedZone"):
            call(HostedZoneId="Z0123456789ABCDEFGHIJ", VPC=other)


@proves("route53.vpcs.limit-is-shown")
def test_limit_of_vpcs(route53, private_zone, zone, in_vpc, second_vpc, expect_quota):
    """MAX_VPCS_ASSOCIATED_BY_ZONE is 300 by default and counts the VPCs of a private zone; a public zone has none."""
    kind = {"Type": "MAX_VPCS_ASSOCIATED_BY_ZONE"}
    for count in (1, 2):
        answer = route53.get_hosted_zone_limit(HostedZoneId=private_zone["Id"], **kind)
        assert answer["Limit"]["Type"] == kind["Type"]
        assert answer["Count"] == count
        expect_quota(answer["Limit"]["Value"], 300)
        if count == 1:
            other = {**in_vpc, "VPCId": second_vpc}
            route53.associate_vpc_with_hosted_zone(HostedZoneId=private_zone["Id"], VPC=other)
    with raises("HostedZoneNotPrivate"):
        route53.get_hosted_zone_limit(HostedZoneId=zone["Id"], **kind)


@proves("route53.vpcs.zones-of-a-vpc-are-listed")
def test_zones_of_a_vpc_are_listed(route53, make_zone, account, in_vpc, second_vpc, undisturbed):
    """ListHostedZonesByVPC has each zone of the VPC with name and owner, in pages, and no zone of another VPC."""
    zones = [make_zone(VPC=in_vpc)["HostedZone"] for _ in range(2)]
    elsewhere = make_zone(VPC={**in_vpc, "VPCId": second_vpc})["HostedZone"]
    expected = [
        {"HostedZoneId": zone["Id"].rpartition("/")[2], "Name": zone["Name"], "Owner": {"OwningAccount": account}}
        for zone in zones
    ]

    def listed():
        return route53.list_hosted_zones_by_vpc(**in_vpc)["HostedZoneSummaries"]

    def check(before):  # other tests, and others in a shared VPC, have zones there too
        found = []
        token: dict[str, str] = {}
        for _ in range(1000):
            page = route53.list_hosted_zones_by_vpc(**in_vpc, MaxItems="1", **token)
            assert (len(page["HostedZoneSummaries"]), page["MaxItems"]) == (1, "1")
            found += page["HostedZoneSummaries"]
            if "NextToken" not in page:
                break
            token = {"NextToken": page["NextToken"]}
        for entries in (found, before):
            own = [entry for entry in entries if entry["Name"] in [zone["Name"] for zone in zones]]
            assert sorted(own, key=str) == sorted(expected, key=str)
            assert elsewhere["Name"] not in [entry["Name"] for entry in entries]

    undisturbed(listed, check)
    with raises("InvalidPaginationToken"):
        route53.list_hosted_zones_by_vpc(**in_vpc, NextToken="no token")
    with raises("InvalidInput"):
        route53.list_hosted_zones_by_vpc(**{**in_vpc, "VPCId": UNKNOWN})


@pytest.fixture
def consumer_vpcs(consumer_client):
    """Create two VPCs in the consumer's account."""
    ec2 = consumer_client("ec2")
    vpcs = [ec2.create_vpc(CidrBlock=f"10.{number}.0.0/16")["Vpc"]["VpcId"] for number in (5, 6)]
    return [{"VPCId": vpc, "VPCRegion": ec2.meta.region_name} for vpc in vpcs]


@proves("route53.vpcs.other-account-needs-authorization")
def test_vpc_of_another_account_needs_an_authorization(
    route53, consumer_client, consumer_vpcs, private_zone, in_vpc, account
):
    """Only the VPC that the owner authorized is associated by its account, which needs the authorization only then."""
    # DeleteVPCAssociationAuthorization: "If the VPC is already associated with the hosted zone,
    # DeleteVPCAssociationAuthorization won't disassociate the VPC from the hosted zone."
    consumer, zone, (vpc, other) = consumer_client("route53"), {"HostedZoneId": private_zone["Id"]}, consumer_vpcs
    assert is_refused(lambda: consumer.associate_vpc_with_hosted_zone(**zone, VPC=vpc))
    route53.create_vpc_association_authorization(**zone, VPC=vpc)
    with raises("NotAuthorizedException"):
        consumer.associate_vpc_with_hosted_zone(**zone, VPC=other)
    # The account of the zone cannot associate a VPC that is not its own.
    assert is_refused(lambda: route53.associate_vpc_with_hosted_zone(**zone, VPC=vpc))
    consumer.associate_vpc_with_hosted_zone(**zone, VPC=vpc)
    route53.delete_vpc_association_authorization(**zone, VPC=vpc)
    assert vpc in route53.get_hosted_zone(Id=private_zone["Id"])["VPCs"]
    [summary] = consumer.list_hosted_zones_by_vpc(**vpc)["HostedZoneSummaries"]
    assert (summary["Name"], summary["Owner"]) == (private_zone["Name"], {"OwningAccount": account})
    consumer.disassociate_vpc_from_hosted_zone(**zone, VPC=vpc)
    assert route53.get_hosted_zone(Id=private_zone["Id"])["VPCs"] == [in_vpc]
    assert is_refused(lambda: consumer.associate_vpc_with_hosted_zone(**zone, VPC=vpc))
    assert is_refused(lambda: consumer.disassociate_vpc_from_hosted_zone(**zone, VPC=in_vpc))


@proves("route53.vpcs.authorizations-are-listed")
def test_authorizations_are_listed(route53, consumer_vpcs, private_zone, zone, in_vpc):
    """Authorized VPCs are listed in pages until the authorization is deleted, which is possible once."""
    named, plain_id = {"HostedZoneId": private_zone["Id"]}, private_zone["Id"].rpartition("/")[2]

    def authorized():
        pages = route53.get_paginator("list_vpc_association_authorizations").paginate(**named, MaxResults="1")
        vpcs = []
        for page in pages:
            assert (page["HostedZoneId"], len(page["VPCs"])) == (plain_id, 1)
            vpcs += page["VPCs"]
        return sorted(vpcs, key=consumer_vpcs.index)

    for vpc in (*consumer_vpcs, consumer_vpcs[0]):
        assert route53.create_vpc_association_authorization(**named, VPC=vpc)["VPC"] == vpc
    assert authorized() == consumer_vpcs
    assert len(route53.list_vpc_association_authorizations(**named)["VPCs"]) == 2
    route53.delete_vpc_association_authorization(**named, VPC=consumer_vpcs[0])
    assert authorized() == consumer_vpcs[1:]
    with raises("VPCAssociationAuthorizationNotFound"):
        route53.delete_vpc_association_authorization(**named, VPC=consumer_vpcs[0])
    with raises("InvalidPaginationToken"):
        route53.list_vpc_association_authorizations(**named, NextToken="no token")
    with raises("InvalidVPCId"):
        route53.create_vpc_association_authorization(**named, VPC={**in_vpc, "VPCId": "vpc"})
    assert is_refused(lambda: route53.create_vpc_association_authorization(HostedZoneId=zone["Id"], VPC=in_vpc))
    with raises("NoSuchHostedZone"):
        route53.list_vpc_association_authorizations(HostedZoneId="Z0123456789ABCDEFGHIJ")
