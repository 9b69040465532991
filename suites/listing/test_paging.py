"""Pages of list operations."""

import pytest

from surveyor.testing import proves, raises


def follow_pages(call, **params):
    """Yield every page, from token to token; a repeated token fails, since it would lead in a circle."""
    tokens = set()
    while True:
        page = call(**params)
        yield page
        token = page.get("NextToken")
        if not token:
            return
        assert token not in tokens
        assert len(token) <= 4096
        tokens.add(token)
        params["NextToken"] = token


@proves("listing.pages-join-to-the-whole")
def test_pages_of_instances(cloudmap, make_service, register, http_namespace):
    """Three instances with MaxResults 1 are listed on pages of one, each once."""
    service = make_service(http_namespace)["Id"]
    for number in range(3):
        register(service, f"i-{number}", {"colour": "red"})
    pages = [page["Instances"] for page in follow_pages(cloudmap.list_instances, ServiceId=service, MaxResults=1)]
    assert all(len(page) <= 1 for page in pages)
    assert sorted(entry["Id"] for page in pages for entry in page) == ["i-0", "i-1", "i-2"]


@proves("listing.pages-join-to-the-whole")
def test_pages_of_services(cloudmap, make_service, http_namespace):
    """Three services with MaxResults 1 are listed on pages of one, each once."""
    created = sorted(make_service(http_namespace)["Id"] for _ in range(3))
    pages = [page["Services"] for page in follow_pages(cloudmap.list_services, MaxResults=1)]
    assert all(len(page) <= 1 for page in pages)
    assert sorted(entry["Id"] for page in pages for entry in page if entry["Id"] in created) == created


@proves("listing.pages-join-to-the-whole")
def test_pages_of_namespaces(cloudmap, make_namespace):
    """Three namespaces with MaxResults 1 are listed on pages of one, each once."""
    created = sorted(make_namespace("http")["Id"] for _ in range(3))
    pages = [page["Namespaces"] for page in follow_pages(cloudmap.list_namespaces, MaxResults=1)]
    assert all(len(page) <= 1 for page in pages)
    assert sorted(entry["Id"] for page in pages for entry in page if entry["Id"] in created) == created


@proves("listing.pages-join-to-the-whole")
def test_pages_of_operations(cloudmap, wait_for_success, unique_name):
    """Three operations with MaxResults 1 are listed on pages of one, each once."""
    created = sorted(wait_for_success(cloudmap.create_http_namespace(Name=unique_name("ns")))["Id"] for _ in range(3))
    pages = [page["Operations"] for page in follow_pages(cloudmap.list_operations, MaxResults=1)]
    assert all(len(page) <= 1 for page in pages)
    assert sorted(entry["Id"] for page in pages for entry in page if entry["Id"] in created) == created


@proves("listing.pages-join-to-the-whole")
def test_page_has_a_hundred_entries_at_most_by_default(cloudmap, make_service, wait_for_success, http_namespace):
    """Without MaxResults the first page of 101 instances has 100 at most, and a token leads to the rest."""
    service, ids = make_service(http_namespace)["Id"], [f"i-{number:03}" for number in range(101)]
    register = cloudmap.register_instance
    started = [register(ServiceId=service, InstanceId=instance, Attributes={"colour": "red"}) for instance in ids]
    for operation in started:
        wait_for_success(operation)
    pages = [page["Instances"] for page in follow_pages(cloudmap.list_instances, ServiceId=service)]
    assert max(len(page) for page in pages) <= 100
    assert sorted(entry["Id"] for page in pages for entry in page) == ids


@proves("listing.pages-join-to-the-whole")
@pytest.mark.parametrize("operation", ["list_namespaces", "list_services", "list_operations", "list_instances"])
def test_page_size_is_1_to_100(cloudmap, make_service, http_namespace, operation):
    """MaxResults 1 and 100 are accepted, 0 and 101 are refused with InvalidInput."""
    service = make_service(http_namespace)["Id"]
    params = {"ServiceId": service} if operation == "list_instances" else {}
    call = getattr(cloudmap, operation)
    call(**params, MaxResults=1)
    call(**params, MaxResults=100)
    with raises("InvalidInput"):
        call(**params, MaxResults=0)
    with raises("InvalidInput"):
        call(**params, MaxResults=101)


@proves("listing.filters-apply-after-paging")
def test_filtered_pages_of_namespaces(cloudmap, make_namespace, unique_name):
    """If one of four namespaces matches, with MaxResults 1 it is listed once and the other pages are empty."""
    names = [unique_name("ns") for _ in range(4)]
    created = [make_namespace("http", Name=name)["Id"] for name in names]
    filters = [{"Name": "NAME", "Values": [names[2]]}]
    pages = [page["Namespaces"] for page in follow_pages(cloudmap.list_namespaces, Filters=filters, MaxResults=1)]
    assert [entry["Id"] for page in pages for entry in page] == [created[2]]
    assert pages.count([]) >= 3


@proves("listing.filters-apply-after-paging")
def test_filtered_pages_of_services(cloudmap, make_namespace, make_service):
    """If one of four services is in the selected namespace, it is listed once and the other pages are empty."""
    selected, other = make_namespace("http")["Id"], make_namespace("http")["Id"]
    created = [make_service(namespace)["Id"] for namespace in (other, other, selected, other)]
    filters = [{"Name": "NAMESPACE_ID", "Values": [selected]}]
    pages = [page["Services"] for page in follow_pages(cloudmap.list_services, Filters=filters, MaxResults=1)]
    assert [entry["Id"] for page in pages for entry in page] == [created[2]]
    assert pages.count([]) >= 3


@proves("listing.filters-apply-after-paging")
def test_filtered_pages_of_operations(cloudmap, wait_for_success, unique_name):
    """If one of four operations is about the selected namespace, it is listed once and the other pages are empty."""
    created = [wait_for_success(cloudmap.create_http_namespace(Name=unique_name("ns"))) for _ in range(4)]
    filters = [{"Name": "NAMESPACE_ID", "Values": [created[2]["Targets"]["NAMESPACE"]]}]
    pages = [page["Operations"] for page in follow_pages(cloudmap.list_operations, Filters=filters, MaxResults=1)]
    assert [entry["Id"] for page in pages for entry in page] == [created[2]["Id"]]
    assert pages.count([]) >= 3
