"""boto3 can call every Route 53 operation over HTTP, read its answer and distinguish its errors."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from surveyor_emulator.aws.route53.handlers import HANDLERS

REGION = "us-east-1"
CHECK = {"Type": "TCP", "IPAddress": "192.0.2.1", "Port": 80}
RECORD = {"Name": "a.example.net", "Type": "A", "TTL": 5, "ResourceRecords": [{"Value": "192.0.2.1"}]}


@pytest.fixture
def client() -> Iterator[Any]:
    """Yield a function that creates boto3 clients of a target in a separate process: ``client("route53")``."""
    process = subprocess.Popen(
        [sys.executable, "-m", "surveyor_emulator", "--clock", "advance"], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    ready = json.loads(process.stdout.readline())

    def make(service: str) -> Any:
        factory: Any = boto3.client
        return factory(
            service,
            endpoint_url=ready["endpoint"],
            region_name=REGION,
            aws_access_key_id="111111111111",
            aws_secret_access_key=ready["secret"],
            config=Config(proxies={}, retries={"max_attempts": 0}),
        )

    yield make
    process.terminate()
    process.wait()
    process.stdout.close()


def test_every_operation_over_http(client: Any) -> None:
    """Each operation succeeds, and the answers return what the requests set."""
    route53, done = client("route53"), set[str]()
    vpcs = [
        client("ec2").describe_vpcs()["Vpcs"][0]["VpcId"],
        client("ec2").create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"],
    ]
    first, second = ({"VPCRegion": REGION, "VPCId": vpc} for vpc in vpcs)

    def call(operation: str, **request: object) -> Any:
        done.add(route53.meta.method_to_api_mapping[operation])
        return getattr(route53, operation)(**request)

    zone = call("create_hosted_zone", Name="example.net", CallerReference="1")["HostedZone"]["Id"]
    private = call("create_hosted_zone", Name="example.internal", CallerReference="2", VPC=first)["HostedZone"]["Id"]
    change = call(
        "change_resource_record_sets",
        HostedZoneId=zone,
        ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": RECORD}]},
    )["ChangeInfo"]
    assert call("get_change", Id=change["Id"])["ChangeInfo"] == change
    listed = call("list_resource_record_sets", HostedZoneId=zone, StartRecordName="a.example.net", StartRecordType="A")
    assert listed["ResourceRecordSets"] == [RECORD | {"Name": "a.example.net."}]
    assert len(call("get_hosted_zone", Id=zone)["DelegationSet"]["NameServers"]) == 4
    assert {entry["Id"] for entry in call("list_hosted_zones")["HostedZones"]} == {zone, private}
    assert call("list_hosted_zones_by_name", DNSName="example.internal", MaxItems="1")["IsTruncated"] is True
    assert call("get_hosted_zone_count")["HostedZoneCount"] == 2
    assert call("update_hosted_zone_comment", Id=zone, Comment="c")["HostedZone"]["Config"]["Comment"] == "c"
    assert call("test_dns_answer", HostedZoneId=zone, RecordName="a.example.net", RecordType="A")["Protocol"] == "UDP"

    call("associate_vpc_with_hosted_zone", HostedZoneId=private, VPC=second)
    assert call("list_hosted_zones_by_vpc", VPCId=vpcs[1], VPCRegion=REGION)["HostedZoneSummaries"]
    call("disassociate_vpc_from_hosted_zone", HostedZoneId=private, VPC=second)
    call("create_vpc_association_authorization", HostedZoneId=private, VPC=second)
    assert call("list_vpc_association_authorizations", HostedZoneId=private)["VPCs"] == [second]
    call("delete_vpc_association_authorization", HostedZoneId=private, VPC=second)

    check = call("create_health_check", CallerReference="1", HealthCheckConfig=CHECK)["HealthCheck"]["Id"]
    assert call("get_health_check", HealthCheckId=check)["HealthCheck"]["HealthCheckConfig"]["Port"] == 80
    assert call("update_health_check", HealthCheckId=check, Port=81)["HealthCheck"]["HealthCheckVersion"] == 2
    assert [entry["Id"] for entry in call("list_health_checks")["HealthChecks"]] == [check]
    assert call("get_health_check_count")["HealthCheckCount"] == 1
    assert call("get_health_check_status", HealthCheckId=check)["HealthCheckObservations"] == []
    assert call("get_health_check_last_failure_reason", HealthCheckId=check)["HealthCheckObservations"] == []

    subnets = client("ec2").describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpcs[0]]}])["Subnets"]
    places = [
        {"SubnetId": one["SubnetId"], "AvailabilityZoneId": one["AvailabilityZoneId"], "SecurityGroupIdList": ["sg-1"]}
        for one in subnets[:2]
    ]
    settings = {"VpcId": vpcs[0], "SubnetConfigurationList": places}
    source = call("create_health_check_source", CallerReference="1", HealthCheckSourceConfig=settings)
    named = {"HealthCheckSourceId": source["HealthCheckSourceId"]}
    assert call("get_health_check_source", **named)["HealthCheckSource"]["HealthCheckSourceConfig"] == settings
    assert len(call("list_health_check_sources")["HealthCheckSources"]) == 1
    assert call("list_health_checks_by_source", **named)["HealthChecks"] == []
    with pytest.raises(ClientError, match="InvalidInput"):
        call("delete_health_check_source", **named)

    tags = {"ResourceType": "healthcheck", "ResourceId": check}
    call("change_tags_for_resource", **tags, AddTags=[{"Key": "k", "Value": "v"}])
    assert call("list_tags_for_resource", **tags)["ResourceTagSet"]["Tags"] == [{"Key": "k", "Value": "v"}]
    assert call("list_tags_for_resources", ResourceType="healthcheck", ResourceIds=[check])["ResourceTagSets"]
    assert call("get_account_limit", Type="MAX_HEALTH_CHECKS_BY_OWNER")["Count"] == 1
    assert call("get_hosted_zone_limit", HostedZoneId=zone, Type="MAX_RRSETS_BY_ZONE")["Count"] == 3
    call("update_hosted_zone_tier", HostedZoneId=zone, HostedZoneTier="ADVANCED")
    call("update_hosted_zone_features", HostedZoneId=zone, EnablePublicDNSFallback=False)
    call("delete_health_check", HealthCheckId=check)
    with pytest.raises(ClientError) as refused:
        call("delete_hosted_zone", Id=zone)
    assert refused.value.response["Error"]["Code"] == "HostedZoneNotEmpty"
    with pytest.raises(ClientError) as refused:
        call(
            "change_resource_record_sets",
            HostedZoneId=zone,
            ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": RECORD}]},
        )
    assert refused.value.response["Error"]["Code"] == "InvalidChangeBatch"
    assert done == set(HANDLERS)
