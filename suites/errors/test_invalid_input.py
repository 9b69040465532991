"""InvalidInput: values that are missing, out of range or too long."""

import pytest

from surveyor.testing import proves, raises


@proves("errors.invalid-input-covers-bad-values")
@pytest.mark.parametrize(
    "operation",
    [
        "create_http_namespace",
        "create_public_dns_namespace",
        "get_namespace",
        "delete_namespace",
        "get_service",
        "list_instances",
        "get_operation",
    ],
)
def test_missing_value_is_refused(cloudmap, operation):
    """A call without its one required member raises InvalidInput."""
    with raises("InvalidInput"):
        getattr(cloudmap, operation)()


@proves("errors.invalid-input-covers-bad-values")
@pytest.mark.parametrize("missing", ["NamespaceName", "ServiceName"])
def test_one_missing_value_of_two_is_refused(cloudmap, make_service, http_namespace, missing):
    """DiscoverInstances is answered with both required members and raises InvalidInput without either of them."""
    names = {"NamespaceName": http_namespace["Name"], "ServiceName": make_service(http_namespace)["Name"]}
    assert cloudmap.discover_instances(**names)["Instances"] == []
    del names[missing]
    with raises("InvalidInput"):
        cloudmap.discover_instances(**names)


@proves("errors.invalid-input-covers-bad-values")
def test_number_out_of_range_is_refused(cloudmap):
    """MaxResults from 1 to 100 is accepted, 0, -1 and 101 raise InvalidInput."""
    for accepted in (1, 100):
        assert "Namespaces" in cloudmap.list_namespaces(MaxResults=accepted)
    for refused in (0, -1, 101):
        with raises("InvalidInput"):
            cloudmap.list_namespaces(MaxResults=refused)


@proves("errors.invalid-input-covers-bad-values")
@pytest.mark.parametrize(("member", "max_length"), [("Description", 1024), ("CreatorRequestId", 64)])
def test_text_beyond_the_limit_is_refused(make_namespace, unique_name, member, max_length):
    """A text of the maximum length is accepted; one character more raises InvalidInput."""
    make_namespace("http", **{member: f"{unique_name('text'):a<{max_length}}"})
    with raises("InvalidInput"):
        make_namespace("http", **{member: f"{unique_name('text'):a<{max_length + 1}}"})
