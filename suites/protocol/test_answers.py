"""Answers of nearly every operation, compared with the model that documents them by botocore's own validator."""

from surveyor.testing import proves, timeouts


def contains(answer, expected):
    """Return whether an answer has the expected members with their values; lists must have the same length."""
    if isinstance(expected, dict):
        return isinstance(answer, dict) and all(contains(answer.get(name), value) for name, value in expected.items())
    if isinstance(expected, list):
        return isinstance(answer, list) and list(map(contains, answer, expected)) == [True] * len(expected)
    return answer == expected


def listed_by(client, operation, member, **params):
    """Return the entries on all pages of a list."""
    return [entry for page in client.get_paginator(operation).paginate(**params) for entry in page[member]]


@proves("protocol.cloud-map-answers-fit-the-model")
def test_answers_of_cloud_map(
    cloudmap,
    check_shapes,
    make_namespace,
    make_service,
    register,
    deregister,
    delete_emptied_namespace,
    wait_for_success,
    eventually,
):
    """Each answer has the documented types, and describes a resource by what it was created and updated with."""
    seen = check_shapes(cloudmap)
    namespace = make_namespace("http", Description="a namespace", Tags=[{"Key": "team", "Value": "red"}])
    described = {"Id": namespace["Id"], "Arn": namespace["Arn"], "Type": "HTTP", "Description": "a namespace"}
    described["Properties"] = {"HttpProperties": {"HttpName": namespace["Name"]}}
    filters = [{"Name": "NAME", "Values": [namespace["Name"]]}]
    (listed,) = listed_by(cloudmap, "list_namespaces", "Namespaces", Filters=filters)
    assert contains(listed, {**described, "Name": namespace["Name"], "CreateDate": namespace["CreateDate"]})
    assert contains(namespace, described)
    assert cloudmap.list_tags_for_resource(ResourceARN=namespace["Arn"])["Tags"] == [{"Key": "team", "Value": "red"}]
    cloudmap.tag_resource(ResourceARN=namespace["Arn"], Tags=[{"Key": "team", "Value": "blue"}])
    cloudmap.untag_resource(ResourceARN=namespace["Arn"], TagKeys=["team"])

    wait_for_success(cloudmap.update_http_namespace(Id=namespace["Id"], Namespace={"Description": "another"}))
    assert cloudmap.get_namespace(Id=namespace["Id"])["Namespace"]["Description"] == "another"

    request = {"Description": "a service", "HealthCheckCustomConfig": {"FailureThreshold": 1}}
    service = make_service(namespace, **request, CreatorRequestId="once", Tags=[{"Key": "team", "Value": "red"}])
    request |= {"Name": service["Name"], "NamespaceId": namespace["Id"], "CreatorRequestId": "once"}
    assert contains(service, request)
    assert contains(cloudmap.get_service(Id=service["Id"])["Service"], {**request, "Arn": service["Arn"]})
    owned = [{"Name": "NAMESPACE_ID", "Values": [namespace["Id"]]}]
    (listed,) = listed_by(cloudmap, "list_services", "Services", Filters=owned)
    wanted = {name: service[name] for name in ("Id", "Arn", "Name", "Description", "CreateDate")}
    assert contains(listed, wanted)
    cloudmap.update_service_attributes(ServiceId=service["Id"], Attributes={"owner": "red"})
    attributes = cloudmap.get_service_attributes(ServiceId=service["Id"])["ServiceAttributes"]
    assert contains(attributes, {"ServiceArn": service["Arn"], "Attributes": {"owner": "red"}})
    cloudmap.delete_service_attributes(ServiceId=service["Id"], Attributes=["owner"])

    values = {"AWS_INSTANCE_IPV4": "192.0.2.1", "AWS_INSTANCE_PORT": "80", "colour": "red"}
    operation = register(service, "i-1", values)
    assert contains(operation, {"Type": "REGISTER_INSTANCE", "Status": "SUCCESS"})
    targets = [{"Name": "SERVICE_ID", "Values": [service["Id"]]}]
    (listed,) = listed_by(cloudmap, "list_operations", "Operations", Filters=targets)
    assert listed == {"Id": operation["Id"], "Status": "SUCCESS"}
    found = cloudmap.get_instance(ServiceId=service["Id"], InstanceId="i-1")["Instance"]
    assert contains(found, {"Id": "i-1", "Attributes": values})
    (listed,) = cloudmap.list_instances(ServiceId=service["Id"])["Instances"]
    assert contains(listed, {"Id": "i-1", "Attributes": values})
    cloudmap.update_instance_custom_health_status(ServiceId=service["Id"], InstanceId="i-1", Status="UNHEALTHY")
    names = {"NamespaceName": namespace["Name"], "ServiceName": service["Name"]}
    wanted = {"InstanceId": "i-1", "HealthStatus": "UNHEALTHY", "Attributes": values}
    wanted |= {"NamespaceName": namespace["Name"], "ServiceName": service["Name"]}

    def discovered():
        return cloudmap.discover_instances(**names, HealthStatus="ALL")

    eventually(lambda: contains(discovered()["Instances"], [wanted]), within=timeouts.CUSTOM_HEALTH)
    revision = discovered()["InstancesRevision"]
    assert cloudmap.discover_instances_revision(**names)["InstancesRevision"] == revision
    assert cloudmap.get_instances_health_status(ServiceId=service["Id"])["Status"] == {"i-1": "UNHEALTHY"}
    deregister(service, "i-1")
    cloudmap.delete_service(Id=service["Id"])

    delete_emptied_namespace(namespace)
    assert len(seen) >= 24


@proves("protocol.route53-answers-fit-the-model")
def test_answers_of_route_53(route53, check_shapes, unique_name, vpc, second_vpc, client):
    """Each answer has the documented types and required members, and describes zones, records and checks as created."""
    seen, region = check_shapes(route53), client("ec2").meta.region_name
    first, second = ({"VPCRegion": region, "VPCId": vpc}, {"VPCRegion": region, "VPCId": second_vpc})
    zone = {"Name": f"{unique_name()}.test.", "CallerReference": unique_name()}
    config = {"Comment": "a zone", "PrivateZone": True}
    created = route53.create_hosted_zone(**zone, VPC=first, HostedZoneConfig={"Comment": "a zone"})
    described = {**zone, "Id": created["HostedZone"]["Id"], "Config": config, "ResourceRecordSetCount": 2}
    assert contains(created, {"HostedZone": described, "VPC": first, "ChangeInfo": {"Status": "PENDING"}})
    key = described["Id"].removeprefix("/hostedzone/")
    assert created["Location"].endswith(described["Id"])
    assert contains(route53.get_hosted_zone(Id=key), {"HostedZone": described, "VPCs": [first]})
    change = route53.associate_vpc_with_hosted_zone(HostedZoneId=key, VPC=second, Comment="a second")["ChangeInfo"]
    assert contains(change, {"Status": "PENDING", "Comment": "a second"})
    listed = route53.list_hosted_zones_by_vpc(VPCId=second_vpc, VPCRegion=region)["HostedZoneSummaries"]
    assert [entry["Name"] for entry in listed if entry["HostedZoneId"] == key] == [zone["Name"]]
    assert all(entry["Owner"] for entry in listed)
    named = route53.list_hosted_zones_by_name(DNSName=zone["Name"], MaxItems="1")
    assert contains(named, {"DNSName": zone["Name"], "HostedZones": [described], "MaxItems": "1"})
    route53.disassociate_vpc_from_hosted_zone(HostedZoneId=key, VPC=second)
    assert route53.get_hosted_zone_count()["HostedZoneCount"] >= 1
    assert "HostedZones" in route53.list_hosted_zones(MaxItems="1")

    record = {"Name": f"www.{zone['Name']}", "Type": "A", "TTL": 15, "ResourceRecords": [{"Value": "192.0.2.1"}]}
    batch = {"Comment": "a record", "Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
    change = route53.change_resource_record_sets(HostedZoneId=key, ChangeBatch=batch)["ChangeInfo"]
    assert contains(change, {"Status": "PENDING", "Comment": "a record"})
    assert contains(route53.get_change(Id=change["Id"])["ChangeInfo"], {"Id": change["Id"], "Comment": "a record"})
    first_page = route53.list_resource_record_sets(HostedZoneId=key, MaxItems="2")
    following = {"NextRecordName": record["Name"], "NextRecordType": "A"}
    assert contains(first_page, {"IsTruncated": True, "MaxItems": "2", **following})
    second_page = route53.list_resource_record_sets(HostedZoneId=key, StartRecordName=record["Name"])
    assert contains(second_page, {"ResourceRecordSets": [record], "IsTruncated": False})

    check = {
        "Type": "HTTP",
        "FullyQualifiedDomainName": "www.example.com",
        "Port": 80,
        "ResourcePath": "/up",
        "RequestInterval": 30,
    }
    check |= {"FailureThreshold": 3, "MeasureLatency": False, "Inverted": False, "Disabled": False}
    reference = unique_name()
    found = route53.create_health_check(CallerReference=reference, HealthCheckConfig=check)["HealthCheck"]
    wanted = {"CallerReference": reference, "HealthCheckConfig": check, "HealthCheckVersion": 1}
    assert contains(found, wanted)
    assert contains(route53.get_health_check(HealthCheckId=found["Id"])["HealthCheck"], {**wanted, "Id": found["Id"]})
    changed = route53.update_health_check(HealthCheckId=found["Id"], FailureThreshold=5)["HealthCheck"]
    wanted = {**wanted, "HealthCheckVersion": 2, "HealthCheckConfig": {**check, "FailureThreshold": 5}}
    assert contains(changed, wanted)
    assert "IsTruncated" in route53.list_health_checks(MaxItems="1")
    assert route53.get_health_check_count()["HealthCheckCount"] >= 1
    tags = [{"Key": "team", "Value": "red"}]
    route53.change_tags_for_resource(ResourceType="healthcheck", ResourceId=found["Id"], AddTags=tags)
    answer = route53.list_tags_for_resource(ResourceType="healthcheck", ResourceId=found["Id"])["ResourceTagSet"]
    assert contains(answer, {"ResourceType": "healthcheck", "ResourceId": found["Id"], "Tags": tags})
    route53.delete_health_check(HealthCheckId=found["Id"])
    batch = {"Changes": [{"Action": "DELETE", "ResourceRecordSet": record}]}
    route53.change_resource_record_sets(HostedZoneId=key, ChangeBatch=batch)
    assert contains(route53.delete_hosted_zone(Id=key), {"ChangeInfo": {"Status": "PENDING"}})
    assert len(seen) >= 20


@proves("protocol.ecs-answers-fit-the-model")
def test_answers_of_ecs(
    ecs, check_shapes, make_service, make_task_definition, make_ecs_service, wait_until_steady, read_until,
    http_namespace, cluster,
):  # fmt: skip
    """Each answer has the documented types."""
    seen = check_shapes(ecs)
    service = make_ecs_service(make_task_definition(), make_service(http_namespace))
    name, arn = service["serviceName"], service["serviceArn"]
    wait_until_steady(service)
    ecs.describe_clusters(clusters=[cluster], include=["STATISTICS", "SETTINGS", "TAGS"])
    ecs.list_clusters(maxResults=1)
    ecs.list_services(cluster=cluster)
    ecs.describe_task_definition(taskDefinition=service["taskDefinition"], include=["TAGS"])
    ecs.list_task_definitions(maxResults=1)
    tasks = ecs.list_tasks(cluster=cluster, serviceName=name)["taskArns"]
    ecs.describe_tasks(cluster=cluster, tasks=tasks, include=["TAGS"])
    ecs.tag_resource(resourceArn=arn, tags=[{"key": "team", "value": "red"}])
    ecs.list_tags_for_resource(resourceArn=arn)
    ecs.untag_resource(resourceArn=arn, tagKeys=["team"])
    deployments = read_until(
        lambda: ecs.list_service_deployments(service=name, cluster=cluster)["serviceDeployments"], bool
    )
    ecs.describe_service_deployments(serviceDeploymentArns=[deployments[0]["serviceDeploymentArn"]])
    ecs.update_service(cluster=cluster, service=name, desiredCount=0)
    ecs.stop_task(cluster=cluster, task=tasks[0], reason="done")
    ecs.delete_service(cluster=cluster, service=name, force=True)
    assert len(seen) >= 17
