"""The settings of health checks that are created in Route 53: which are accepted, shown and changed.

All checks are disabled, so that no address is probed.
"""

import pytest

from surveyor.testing import for_each, proves, raises

ADDRESS, OTHER = "205.251.192.1", "205.251.192.2"
TCP = {"Type": "TCP", "IPAddress": ADDRESS, "Port": 53}
HTTPS = {"Type": "HTTPS_STR_MATCH", "IPAddress": ADDRESS, "SearchString": "ok"}
CALCULATED = {"Type": "CALCULATED", "HealthThreshold": 1}
REGIONS = ["us-east-1", "eu-west-1", "sa-east-1"]


@pytest.fixture
def create(route53, unique_name):
    """Create a disabled health check, and return it."""

    def create_check(**config):
        config = {**config, "Disabled": True}
        answer = route53.create_health_check(CallerReference=unique_name("check"), HealthCheckConfig=config)
        assert answer["Location"].endswith(answer["HealthCheck"]["Id"])
        return answer["HealthCheck"]

    return create_check


@pytest.fixture
def get(route53):
    """Return a health check as GetHealthCheck shows it."""
    return lambda check: route53.get_health_check(HealthCheckId=check["Id"])["HealthCheck"]


CONTRADICTIONS = {
    "neither address nor name": {"Type": "HTTP", "Port": 80},
    "no address": {**TCP, "IPAddress": "205.251.192.256"},
    "TCP without port": {"Type": "TCP", "IPAddress": ADDRESS},
    "TCP with path": {**TCP, "ResourcePath": "/"},
    "string without match": {**TCP, "Type": "HTTP", "SearchString": "ok"},
    "match without string": {**TCP, "Type": "HTTP_STR_MATCH"},
    "TCP with string": {**TCP, "SearchString": "ok"},
    "children of TCP": {**TCP, "ChildHealthChecks": ["01234567-89ab-cdef-0123-456789abcdef"]},
    "calculated with address": {**CALCULATED, "IPAddress": ADDRESS},
    "calculated with port": {**CALCULATED, "Port": 53},
    "absent child": {**CALCULATED, "ChildHealthChecks": ["01234567-89ab-cdef-0123-456789abcdef"]},
}


@proves("health.route53.settings-fit-the-type")
@for_each("config", CONTRADICTIONS)
def test_contradictory_settings_are_refused(create, config):
    """Settings that the type of the check does not have, or lacks, are refused with InvalidInput."""
    # HealthCheckConfig.IPAddress: "When the value of Type is CALCULATED or CLOUDWATCH_METRIC, omit IPAddress."
    with raises("InvalidInput"):
        create(**config)


@proves("health.route53.settings-fit-the-type")
def test_calculated_check_is_no_child(route53, create, get):
    """A calculated check has checks of endpoints as children, and no calculated ones, also after an update."""
    # "Values that you specify when you create or update health checks": no calculated checks of calculated checks
    child = create(**TCP)["Id"]
    parent = create(**CALCULATED, ChildHealthChecks=[child])
    with raises("InvalidInput"):
        create(**CALCULATED, ChildHealthChecks=[parent["Id"]])
    with raises("InvalidInput"):
        route53.update_health_check(HealthCheckId=parent["Id"], ChildHealthChecks=[parent["Id"]])
    assert get(parent)["HealthCheckConfig"]["ChildHealthChecks"] == [child]


@proves("health.route53.settings-are-shown")
def test_settings_are_shown(route53, create, get, unique_name):
    """A check is shown with its settings and the documented defaults, also in the list."""
    # HealthCheckConfig.FailureThreshold: "if you don't specify a value for FailureThreshold, the default value is
    # three health checks"
    given = {
        **HTTPS,
        "Port": 8443,
        "ResourcePath": "/alive",
        "FullyQualifiedDomainName": "www.example.org",
        "RequestInterval": 10,
        "FailureThreshold": 10,
        "MeasureLatency": True,
        "Inverted": True,
        "EnableSNI": False,
        "Regions": REGIONS,
    }
    whole, small = create(**given), create(**TCP)
    shown = whole["HealthCheckConfig"]
    assert {name: shown.get(name) for name in given} == given
    assert shown["Disabled"] is True
    assert small["HealthCheckConfig"].items() >= {**TCP, "FailureThreshold": 3, "RequestInterval": 30}.items()
    child = create(**CALCULATED, ChildHealthChecks=[small["Id"]], Inverted=True)
    expected = {**CALCULATED, "ChildHealthChecks": [small["Id"]], "Inverted": True, "Disabled": True}
    assert child["HealthCheckConfig"].items() >= expected.items()
    for check in (whole, small, child):
        assert "LinkedService" not in check
        assert get(check) == check
    pages = route53.get_paginator("list_health_checks").paginate()
    listed = {check["Id"]: check for page in pages for check in page["HealthChecks"]}
    assert [listed[check["Id"]] for check in (whole, small, child)] == [whole, small, child]


@proves("health.route53.update-changes-settings")
def test_update_changes_the_settings_in_the_request(route53, create, get):
    """UpdateHealthCheck changes each setting that it names and no other, and resets those of ResetElements."""
    # UpdateHealthCheckRequest.ResetElements: "Route 53 resets the Regions list to the default set of regions."
    check = create(**HTTPS, Port=8443, ResourcePath="/a", FullyQualifiedDomainName="www.example.org", Regions=REGIONS)
    expected = check["HealthCheckConfig"]
    for change in (
        {"IPAddress": OTHER},
        {"Port": 8444},
        {"ResourcePath": "/b"},
        {"FullyQualifiedDomainName": "mail.example.org"},
        {"SearchString": "fine"},
        {"FailureThreshold": 1},
        {"Inverted": True},
        {"EnableSNI": False},
        {"Regions": ["us-west-1", "us-west-2", "us-east-1"]},
    ):
        expected = {**expected, **change}
        updated = route53.update_health_check(HealthCheckId=check["Id"], **change)["HealthCheck"]
        assert updated["HealthCheckConfig"] == expected
        assert get(check) == updated
    reset = ["FullyQualifiedDomainName", "Regions", "ResourcePath"]
    updated = route53.update_health_check(HealthCheckId=check["Id"], ResetElements=reset)["HealthCheck"]
    assert updated["HealthCheckConfig"] == {name: value for name, value in expected.items() if name not in reset}
    parent = create(**CALCULATED, ChildHealthChecks=[check["Id"]])
    route53.update_health_check(HealthCheckId=parent["Id"], HealthThreshold=0, ResetElements=["ChildHealthChecks"])
    updated = get(parent)["HealthCheckConfig"]
    assert (updated["HealthThreshold"], updated.get("ChildHealthChecks", [])) == (0, [])


@proves("health.route53.update-changes-settings")
def test_address_is_neither_added_nor_removed(route53, create, get):
    """A check of a domain name takes no address, nor loses its name; contradictory settings are refused."""
    # UpdateHealthCheckRequest.IPAddress: "However, you can't update an existing health check to add or remove the value
    # of IPAddress."
    check = create(Type="HTTP", Port=80, FullyQualifiedDomainName="www.example.org")
    for change in (
        {"IPAddress": ADDRESS},
        {"ResetElements": ["FullyQualifiedDomainName"]},
        {"SearchString": "ok"},
        {"ChildHealthChecks": [check["Id"]]},
    ):
        with raises("InvalidInput"):
            route53.update_health_check(HealthCheckId=check["Id"], **change)
    assert get(check) == check


@proves("health.route53.listed-in-pages")
def test_checks_are_listed_in_pages(route53, create, undisturbed):
    """Pages of MaxItems begin with the marker; own checks are in the list once; an absent check is not found."""
    # ListHealthChecksRequest.Marker: "the ID of the first health check that Amazon Route 53 will return"
    own = [create(**TCP)["Id"] for _ in range(3)]

    def check_two_pages(_):
        page = route53.list_health_checks(MaxItems="1")
        assert (len(page["HealthChecks"]), page["IsTruncated"], page["MaxItems"]) == (1, True, "1")
        following = route53.list_health_checks(MaxItems="2", Marker=page["NextMarker"])
        assert following["HealthChecks"][0]["Id"] == following["Marker"] == page["NextMarker"]
        assert len(following["HealthChecks"]) == 2
        assert page["HealthChecks"][0] not in following["HealthChecks"]

    def listed():
        pages = route53.get_paginator("list_health_checks").paginate()
        return {check["Id"] for page in pages for check in page["HealthChecks"]}

    undisturbed(listed, check_two_pages)
    pages = list(route53.get_paginator("list_health_checks").paginate())
    assert [page["IsTruncated"] for page in pages] == [*[True] * (len(pages) - 1), False]
    found = [check["Id"] for page in pages for check in page["HealthChecks"]]
    assert sorted(check for check in found if check in own) == sorted(own)
    assert route53.get_health_check_count()["HealthCheckCount"] >= len(own)
    absent = {"HealthCheckId": "01234567-89ab-cdef-0123-456789abcdef"}
    for call in (
        route53.get_health_check,
        route53.get_health_check_status,
        route53.get_health_check_last_failure_reason,
        route53.update_health_check,
        route53.delete_health_check,
    ):
        with raises("NoSuchHealthCheck"):
            call(**absent)
