"""Status of operations, from submission to success or failure."""

import itertools

from surveyor.testing import Inconclusive, dns_config, for_each, proves, raises, timeouts

ORDER = ["SUBMITTED", "PENDING", "SUCCESS"]
ERROR_CODES = {
    "ACCESS_DENIED",
    "CANNOT_CREATE_HOSTED_ZONE",
    "EXPIRED_TOKEN",
    "HOSTED_ZONE_NOT_FOUND",
    "INTERNAL_FAILURE",
    "INVALID_CHANGE_BATCH",
    "THROTTLED_REQUEST",
}


@proves("operations.status-moves-forward")
@for_each("kind", ["http", "private_dns", "public_dns", "instance", "service"])
def test_status_moves_forward_and_stays_at_its_end(
    cloudmap, eventually, always, unique_name, vpc, make_service, private_namespace, kind
):
    """SUBMITTED, PENDING, SUCCESS: steps may be missed, the status never moves back, UpdateDate moves with it."""
    # servicediscovery/Operation.UpdateDate: "The date and time that the value of Status changed to the current value"
    if kind in ("instance", "service"):
        config = dns_config("A")
        service = make_service(private_namespace, DnsConfig=config)["Id"]
        if kind == "service":
            started = cloudmap.update_service(Id=service, Service={"DnsConfig": {"DnsRecords": config["DnsRecords"]}})
        else:
            attributes = {"AWS_INSTANCE_IPV4": "192.0.2.1"}
            started = cloudmap.register_instance(ServiceId=service, InstanceId="i-1", Attributes=attributes)
    else:
        params = {"Name": f"{unique_name('ns')}.surveyor.test"} | ({"Vpc": vpc} if kind == "private_dns" else {})
        started = getattr(cloudmap, f"create_{kind}_namespace")(**params)
    identifier, seen = started["OperationId"], []

    def ended():
        seen.append(dict(cloudmap.get_operation(OperationId=identifier)["Operation"]))
        return seen[-1]["Status"] in ("SUCCESS", "FAIL")

    eventually(ended, within=timeouts.OPERATION)
    steps = [ORDER.index(operation["Status"]) for operation in seen]
    assert steps == sorted(steps)
    for earlier, later in itertools.pairwise(seen):
        moved = earlier["Status"] != later["Status"]
        assert (later["UpdateDate"] > earlier["UpdateDate"]) is moved
        assert moved or later["UpdateDate"] == earlier["UpdateDate"]
    assert {operation["CreateDate"] for operation in seen} == {seen[0]["CreateDate"]}
    assert seen[0]["UpdateDate"] >= seen[0]["CreateDate"]
    assert seen[-1]["UpdateDate"] >= seen[-1]["CreateDate"]  # equal if the first poll finds it ended
    assert not {"ErrorCode", "ErrorMessage"} & seen[-1].keys()
    always(lambda: cloudmap.get_operation(OperationId=identifier)["Operation"] == seen[-1], during=5)


@proves("operations.failure-carries-documented-code")
def test_failed_operation_has_a_documented_code(cloudmap, route53, wait_for_operation, always, unique_name, vpc):
    """A private namespace with the name of another zone in the VPC fails with one of the seven error codes."""
    name = f"{unique_name('ns')}.surveyor.test"
    association = {"VPCRegion": cloudmap.meta.region_name, "VPCId": vpc}
    created = route53.create_hosted_zone(Name=name, CallerReference=unique_name("reference"), VPC=association)
    try:
        operation = wait_for_operation(cloudmap.create_private_dns_namespace(Name=name, Vpc=vpc))
    except (cloudmap.exceptions.NamespaceAlreadyExists, cloudmap.exceptions.InvalidInput):
        raise Inconclusive("the call was refused at once, so there is no operation that could fail") from None
    finally:
        route53.delete_hosted_zone(Id=created["HostedZone"]["Id"])
    assert operation["Status"] == "FAIL"
    assert operation["ErrorCode"] in ERROR_CODES
    assert operation["ErrorMessage"]
    assert operation["Type"] == "CREATE_NAMESPACE"
    failed = {"Name": "STATUS", "Values": ["FAIL"]}
    pages = cloudmap.get_paginator("list_operations").paginate(Filters=[failed])
    listed = {entry["Id"]: entry["Status"] for page in pages for entry in page["Operations"]}
    assert listed[operation["Id"]] == "FAIL"
    assert set(listed.values()) == {"FAIL"}
    always(lambda: cloudmap.get_operation(OperationId=operation["Id"])["Operation"] == operation, during=5)
    with raises("NamespaceNotFound"):
        cloudmap.get_namespace(Id=operation["Targets"]["NAMESPACE"])


@proves("operations.unknown-id-is-refused")
def test_unknown_operation_is_not_found(cloudmap, wait_for_success, unique_name):
    """GetOperation with the well-formed id of no operation raises OperationNotFound, also if one is similar."""
    known = wait_for_success(cloudmap.create_http_namespace(Name=unique_name("ns")))["Id"]
    assert cloudmap.get_operation(OperationId=known)["Operation"]["Id"] == known
    head, tail = known[:-1], known[-1]
    for unknown in (f"{'a' * 32}-{'a' * 8}", head + ("b" if tail == "a" else "a"), head):
        with raises("OperationNotFound"):
            cloudmap.get_operation(OperationId=unknown)
