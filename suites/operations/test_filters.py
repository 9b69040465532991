"""Filters of ListOperations."""

import itertools

import pytest

from surveyor.testing import dns_config, for_each, proves, raises, timeouts

A = dns_config("A", policy=None)
# Those that the document of the filter lists; UPDATE_NAMESPACE is missing there. DELETE_NAMESPACE is apart: AWS was
# seen not to list the operations of a namespace that was deleted.
TYPES = ["CREATE_NAMESPACE", "UPDATE_SERVICE", "REGISTER_INSTANCE", "DEREGISTER_INSTANCE"]
DELETION = "DELETE_NAMESPACE"
STATUS_FILTERS = [
    *[((value,), condition) for value in ("SUBMITTED", "PENDING", "FAIL") for condition in ("EQ", None, "IN")],
    (("SUBMITTED", "PENDING"), "IN"),
    (("PENDING", "FAIL"), "IN"),
]
IDS = ["ns-aaaaaaaaaaaaaaaa", "ns-bbbbbbbbbbbbbbbb"]


@pytest.fixture
def list_operations(cloudmap):
    """List all pages of operations that match filters, each of them (name, values, condition or None)."""

    def list_all(*filters):
        requested = [
            {"Name": name, "Values": values} | ({"Condition": condition} if condition else {})
            for name, values, condition in filters
        ]
        pages = cloudmap.get_paginator("list_operations").paginate(Filters=requested)
        return {operation["Id"]: operation["Status"] for page in pages for operation in page["Operations"]}

    return list_all


@pytest.fixture
def operation(cloudmap, wait_for_success, unique_name):
    """Return a CREATE_NAMESPACE operation that has succeeded."""
    return wait_for_success(cloudmap.create_http_namespace(Name=unique_name("ns")))


@pytest.fixture
def operations_by_type(cloudmap, operation, make_service, register, deregister, wait_for_success, private_namespace):
    """Return an operation of each of TYPES."""
    service = make_service(private_namespace, DnsConfig=A)["Id"]
    operations = [
        operation,
        wait_for_success(cloudmap.update_service(Id=service, Service={"DnsConfig": A})),
        register(service, "i-1", {"AWS_INSTANCE_IPV4": "192.0.2.1"}),
        deregister(service, "i-1"),
    ]
    return {found["Type"]: found for found in operations}


@proves("operations.filter.success-selects-successful")
def test_success_selects_successful_operations(cloudmap, list_operations, operation, unique_name):
    """STATUS with SUCCESS lists a successful operation and none of another status; FAIL does not list it."""
    cloudmap.create_http_namespace(Name=unique_name("ns"))  # may still be in progress
    successful = list_operations(("STATUS", ["SUCCESS"], "EQ"))
    assert successful[operation["Id"]] == "SUCCESS"
    assert set(successful.values()) == {"SUCCESS"}
    assert operation["Id"] not in list_operations(("STATUS", ["FAIL"], "EQ"))


@proves("operations.filter.conditions")
def test_status_selects_the_status_of_the_moment(cloudmap, list_operations, eventually, unique_name):
    """SUBMITTED, PENDING and FAIL list an operation while it has that status and not while it has another."""
    started, seen = cloudmap.create_http_namespace(Name=unique_name("ns"))["OperationId"], []

    def status():
        return cloudmap.get_operation(OperationId=started)["Operation"]["Status"]

    def ended():
        before = status()
        lists = {
            (values, condition): started in list_operations(("STATUS", list(values), condition))
            for values, condition in STATUS_FILTERS
        }
        if status() == before:  # else it changed meanwhile
            seen.append((before, lists))
        return before in ("SUCCESS", "FAIL")

    eventually(ended, within=timeouts.OPERATION)
    latest = seen[0][0]
    for current, lists in seen:  # a list may lag behind by one poll
        assert lists in [{key: status in key[0] for key in lists} for status in (latest, current)]
        latest = current


@proves("operations.filter.conditions")
def test_namespace_id_selects_operations_of_a_namespace(
    cloudmap, list_operations, operation, wait_for_success, unique_name
):
    """NAMESPACE_ID lists the operations of that namespace and not those of another; EQ is the default."""
    other = wait_for_success(cloudmap.create_http_namespace(Name=unique_name("ns")))
    namespace = operation["Targets"]["NAMESPACE"]
    change = {"Description": "new"}
    updated = wait_for_success(cloudmap.update_http_namespace(Id=namespace, Namespace=change))
    for condition in ("EQ", None):
        found = list_operations(("NAMESPACE_ID", [namespace], condition))
        assert {operation["Id"], updated["Id"]} <= set(found)
        assert other["Id"] not in found


@proves("operations.filter.conditions")
def test_service_id_selects_operations_of_a_service(
    cloudmap, list_operations, make_service, register, deregister, wait_for_success, private_namespace
):
    """SERVICE_ID lists the operations of that service and not those of another; EQ is the default."""
    selected, other = (make_service(private_namespace, DnsConfig=A)["Id"] for _ in range(2))

    def operate(service):
        yield wait_for_success(cloudmap.update_service(Id=service, Service={"DnsConfig": A}))["Id"]
        yield register(service, "i-1", {"AWS_INSTANCE_IPV4": "192.0.2.1"})["Id"]
        yield deregister(service, "i-1")["Id"]

    expected, not_expected = set(operate(selected)), set(operate(other))
    for condition in ("EQ", None):
        found = set(list_operations(("SERVICE_ID", [selected], condition)))
        assert expected <= found
        assert not_expected.isdisjoint(found)


@proves("operations.filter.conditions")
def test_type_selects_types(list_operations, operations_by_type):
    """TYPE with EQ, the default, and IN lists the operations of one type, with IN those of any of several."""
    ids = {found["Id"]: kind for kind, found in operations_by_type.items()}

    def found(values, condition):
        listed = list_operations(("TYPE", values, condition))
        return {kind for id_, kind in ids.items() if id_ in listed}

    assert set(ids.values()) == set(TYPES)
    # Each list reads all operations of the account, a hundred in a call: every condition and every type is tried once.
    for kind, condition in zip(TYPES, itertools.cycle(("EQ", None, "IN")), strict=False):
        assert found([kind], condition) == {kind}
    for first, second in (TYPES[:2], TYPES[2:]):
        assert found([first, DELETION, second], "IN") == {first, second}
        assert found([DELETION, second], "IN") == {second}
    assert found([DELETION], "EQ") == set()


@proves("operations.filter.conditions")
def test_in_selects_any_of_several_statuses(list_operations, operation):
    """IN lists the operations that have one of the statuses, wherever it stands in the list."""
    for values in (["SUCCESS"], ["PENDING", "SUCCESS"], ["SUCCESS", "PENDING"], ["FAIL", "SUCCESS", "SUBMITTED"]):
        assert operation["Id"] in list_operations(("STATUS", values, "IN"))
    assert operation["Id"] not in list_operations(("STATUS", ["PENDING", "FAIL", "SUBMITTED"], "IN"))


@proves("operations.filter.conditions")
def test_between_selects_a_period(cloudmap, clock, list_operations, wait_for_success, unique_name):
    """UPDATE_DATE with BETWEEN lists the operations that changed status within the period, in Unix time."""
    first = wait_for_success(cloudmap.create_http_namespace(Name=unique_name("ns")))
    clock.wait(10)
    second = wait_for_success(cloudmap.create_http_namespace(Name=unique_name("ns")))
    early, late = (int(operation["UpdateDate"].timestamp()) for operation in (first, second))

    def found(start, end):
        listed = list_operations(("UPDATE_DATE", [str(start), str(end)], "BETWEEN"))
        return [operation["Id"] in listed for operation in (first, second)]

    assert found(early - 60, late + 2) == [True, True]
    assert found(early - 60, early + 2) == [True, False]
    assert found(late - 1, late + 60) == [False, True]
    assert found(early + 2, late - 1) == [False, False]
    assert found(early - 60, early - 1) == [False, False]
    assert found(late + 2, late + 60) == [False, False]


@proves("operations.filter.conditions")
def test_between_is_about_the_latest_change(cloudmap, list_operations, wait_for_success, vpc, unique_name):
    """UPDATE_DATE with BETWEEN does not list an operation that was submitted in the period and changed later."""
    # servicediscovery/OperationFilter.Name: "Gets operations that changed status during a specified date/time range."
    started = [
        cloudmap.create_private_dns_namespace(Name=f"{unique_name('ns')}.surveyor.test", Vpc=vpc) for _ in range(3)
    ]
    for operation in map(wait_for_success, started):
        created, updated = (int(operation[member].timestamp()) for member in ("CreateDate", "UpdateDate"))
        before = ("UPDATE_DATE", [str(created - 60), str(updated - 1)], "BETWEEN")
        since = ("UPDATE_DATE", [str(updated - 1), str(updated + 2)], "BETWEEN")
        assert operation["Id"] not in list_operations(before)
        assert operation["Id"] in list_operations(since)


@proves("operations.filter.conditions")
def test_several_filters_must_all_match(cloudmap, list_operations, operation, wait_for_success):
    """An operation is listed if it matches every filter of the call, in whatever order they are."""
    # servicediscovery/ListOperationsRequest.Filters: "an operation must match all filters to be returned"
    namespace, date = operation["Targets"]["NAMESPACE"], int(operation["UpdateDate"].timestamp())
    change = {"Description": "new"}
    updated = wait_for_success(cloudmap.update_http_namespace(Id=namespace, Namespace=change))
    here = ("NAMESPACE_ID", [namespace], "EQ")
    period, earlier = (("UPDATE_DATE", [str(date - 60), str(date + end)], "BETWEEN") for end in (60, -2))
    cases = [
        ({operation["Id"]}, (here, ("TYPE", ["CREATE_NAMESPACE"], "EQ"))),
        (set(), (here, ("TYPE", [DELETION, "UPDATE_SERVICE"], "IN"))),
        ({operation["Id"], updated["Id"]}, (here, ("STATUS", ["SUCCESS", "FAIL"], "IN"))),
        (set(), (here, ("TYPE", ["UPDATE_SERVICE"], "EQ"))),
        (set(), (here, ("STATUS", ["PENDING", "FAIL"], "IN"))),
        ({operation["Id"], updated["Id"]}, (here, period)),
        (set(), (here, earlier)),
        ({operation["Id"]}, (here, period, ("TYPE", ["CREATE_NAMESPACE"], None))),
    ]
    for expected, filters in cases:
        for ordered in itertools.permutations(filters):
            assert set(list_operations(*ordered)) == expected


@proves("operations.filter.conditions")
@for_each(
    "name, values, condition",
    [
        *[("STATUS", ["PENDING", "SUCCESS"], condition) for condition in ("EQ", None)],
        *[("TYPE", ["CREATE_NAMESPACE", "UPDATE_SERVICE"], condition) for condition in ("EQ", None)],
        *[(name, IDS, condition) for name in ("NAMESPACE_ID", "SERVICE_ID") for condition in ("EQ", None, "IN")],
        *[(name, IDS[:1], "IN") for name in ("NAMESPACE_ID", "SERVICE_ID")],
        *[(name, ["1600000000", "1600000001"], "BETWEEN") for name in ("STATUS", "TYPE", "NAMESPACE_ID", "SERVICE_ID")],
        *[
            (name, ["1600000000"], "BEGINS_WITH")
            for name in ("STATUS", "TYPE", "NAMESPACE_ID", "SERVICE_ID", "UPDATE_DATE")
        ],
        ("UPDATE_DATE", ["1600000000"], "EQ"),
        ("UPDATE_DATE", ["1600000000", "1600000001"], "IN"),
        ("UPDATE_DATE", ["1600000000"], "BETWEEN"),
        # servicediscovery/OperationFilter.Condition: "The start date must be the first value."
        ("UPDATE_DATE", ["1600000001", "1600000000"], "BETWEEN"),
    ],
)
def test_other_conditions_are_refused(list_operations, name, values, condition):
    """A condition that is not documented for the filter, or EQ with two values, raises InvalidInput."""
    with raises("InvalidInput"):
        list_operations((name, values, condition))
