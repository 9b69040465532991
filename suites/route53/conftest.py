"""What the tests of Route 53's API share."""

import pytest


@pytest.fixture
def make_zone(route53, unique_name):
    """Create a hosted zone, public by default and with a new name, and return CreateHostedZone's answer."""

    def create(name=None, **params):
        name = name or f"{unique_name('zone')}.surveyor.test"
        return route53.create_hosted_zone(**{"Name": name, "CallerReference": unique_name("reference"), **params})

    return create


@pytest.fixture
def zone(make_zone):
    """Create a public hosted zone."""
    return dict(make_zone()["HostedZone"])


@pytest.fixture
def in_vpc(ec2, vpc):
    """Return the VPC of requests about private zones."""
    return {"VPCId": vpc, "VPCRegion": ec2.meta.region_name}


@pytest.fixture
def change(route53):
    """Change record sets of a zone in one batch of (action, record set), and return the ChangeInfo."""

    def apply(zone, *changes, **batch):
        batch["Changes"] = [{"Action": action, "ResourceRecordSet": record} for action, record in changes]
        return route53.change_resource_record_sets(HostedZoneId=zone["Id"], ChangeBatch=batch)["ChangeInfo"]

    return apply
