"""Pages of list operations."""

import pytest

from surveyor.testing import for_each, proves, raises

LISTS = {"list_namespaces": "Namespaces", "list_services": "Services", "list_operations": "Operations",
         "list_instances": "Instances"}  # fmt: skip
SIZES = (1, 2, 3, 4, 5, 6, 100)
PAGES = 20


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


def listed_ids(cloudmap, operation, **params):
    """Return the ids of all entries, those of others too."""
    pages = follow_pages(getattr(cloudmap, operation), MaxResults=100, **params)
    return {entry["Id"] for page in pages for entry in page[LISTS[operation]]}


def sizes_for(total, sizes):
    """Return the sizes with which this number of entries fills a few pages."""
    return [size for size in sizes if total <= PAGES * size] or [100]


@pytest.fixture
def check_pages(cloudmap, undisturbed):
    """Check that the pages of each size are no larger and list every created entry once."""

    def check_all(operation, created, **params):
        call, listed = getattr(cloudmap, operation), LISTS[operation]

        def check(before):
            for size in sizes_for(len(before), SIZES):
                pages = [page[listed] for page in follow_pages(call, MaxResults=size, **params)]
                assert max(len(page) for page in pages) <= size
                assert sorted(entry["Id"] for page in pages for entry in page if entry["Id"] in created) == sorted(
                    created
                )

        undisturbed(lambda: listed_ids(cloudmap, operation, **params), check)

    return check_all


@proves("listing.pages-join-to-the-whole")
def test_pages_of_instances(cloudmap, make_service, register_all, http_namespace, check_pages):
    """Five instances are listed on pages of up to MaxResults, each once, and nothing else."""
    service, created = make_service(http_namespace), {f"i-{number}": {"colour": "red"} for number in range(5)}
    register_all(service, created)
    for name in (service["Id"], service["Arn"]):
        check_pages("list_instances", created, ServiceId=name)
    assert {entry["Id"] for entry in cloudmap.list_instances(ServiceId=service["Id"])["Instances"]} == set(created)


@proves("listing.pages-join-to-the-whole")
def test_pages_of_services(make_service, http_namespace, check_pages):
    """Five services are listed on pages of up to MaxResults, each once."""
    check_pages("list_services", [make_service(http_namespace)["Id"] for _ in range(5)])


@proves("listing.pages-join-to-the-whole")
def test_pages_of_namespaces_and_operations(cloudmap, wait_for_success, unique_name, check_pages):
    """Five namespaces, and the operations that created them, are listed on pages of up to MaxResults, each once."""
    started = [cloudmap.create_http_namespace(Name=unique_name("ns")) for _ in range(5)]
    ended = [wait_for_success(operation) for operation in started]
    check_pages("list_operations", [operation["Id"] for operation in ended])
    check_pages("list_namespaces", [operation["Targets"]["NAMESPACE"] for operation in ended])


@proves("listing.pages-join-to-the-whole", "quotas.no-limit-of-services-is-listed")
def test_page_of_services_has_a_hundred_at_most_by_default(cloudmap, make_service, make_namespace):
    """A namespace takes 101 services; without MaxResults a page has 100 at most, and tokens lead to the rest."""
    namespace = make_namespace("http")["Id"]
    created = {make_service(namespace)["Id"] for _ in range(101)}
    filters = [{"Name": "NAMESPACE_ID", "Values": [namespace]}]
    pages = [page["Services"] for page in follow_pages(cloudmap.list_services, Filters=filters)]
    assert max(len(page) for page in pages) <= 100
    assert sorted(entry["Id"] for page in pages for entry in page) == sorted(created)


@proves("listing.pages-join-to-the-whole")
def test_page_of_instances_has_a_hundred_at_most_by_default(cloudmap, make_service, register_all, http_namespace):
    """Without MaxResults a page has 100 of 101 instances, or of their operations, at most; tokens lead to the rest."""
    service, ids = make_service(http_namespace)["Id"], [f"i-{number:03}" for number in range(101)]
    operations = register_all(service, {instance: {"colour": "red"} for instance in ids})
    pages = [page["Instances"] for page in follow_pages(cloudmap.list_instances, ServiceId=service)]
    assert max(len(page) for page in pages) <= 100
    assert sorted(entry["Id"] for page in pages for entry in page) == ids
    pages = [page["Operations"] for page in follow_pages(cloudmap.list_operations)]
    assert max(len(page) for page in pages) <= 100
    assert sorted(entry["Id"] for page in pages for entry in page if entry["Id"] in operations) == sorted(operations)


@proves("listing.pages-join-to-the-whole")
@for_each("operation", list(LISTS))
def test_page_size_is_1_to_100(cloudmap, make_service, http_namespace, operation):
    """MaxResults 1 and 100 are accepted, -1, 0 and 101 are refused with InvalidInput."""
    params = {"ServiceId": make_service(http_namespace)["Id"]} if operation == "list_instances" else {}
    call = getattr(cloudmap, operation)
    for accepted in (1, 100):
        assert len(call(**params, MaxResults=accepted)[LISTS[operation]]) <= accepted
    for refused in (-1, 0, 101):
        with raises("InvalidInput"):
            call(**params, MaxResults=refused)


@pytest.fixture
def check_filtered_pages(cloudmap, undisturbed):
    """Check that the only match is listed once, and that the pages of the other entries are empty."""

    def check_all(operation, filters, expected):
        call, listed = getattr(cloudmap, operation), LISTS[operation]

        def check(before):
            found = {
                size: [page[listed] for page in follow_pages(call, Filters=filters, MaxResults=size)]
                for size in sizes_for(len(before), (1, 2))
            }
            lasting = len(before & listed_ids(cloudmap, operation))  # others may have deleted entries meanwhile
            for size, pages in found.items():
                assert [entry["Id"] for page in pages for entry in page] == [expected]
                assert pages.count([]) >= (lasting - 1) // size

        undisturbed(lambda: listed_ids(cloudmap, operation), check)

    return check_all


@proves("listing.filters-apply-after-paging")
def test_filtered_pages_of_namespaces(make_namespace, unique_name, check_filtered_pages):
    """If one of four namespaces matches, it is listed once and the other pages are empty."""
    # servicediscovery/ListNamespacesRequest.NextToken: "Cloud Map gets MaxResults namespaces and then filters them"
    names = [unique_name("ns") for _ in range(4)]
    created = [make_namespace("http", Name=name)["Id"] for name in names]
    check_filtered_pages("list_namespaces", [{"Name": "NAME", "Values": [names[2]]}], created[2])


@proves("listing.filters-apply-after-paging")
def test_filtered_pages_of_services(make_namespace, make_service, check_filtered_pages):
    """If one of four services is in the selected namespace, it is listed once and the other pages are empty."""
    selected, other = make_namespace("http")["Id"], make_namespace("http")["Id"]
    created = [make_service(namespace)["Id"] for namespace in (other, other, selected, other)]
    check_filtered_pages("list_services", [{"Name": "NAMESPACE_ID", "Values": [selected]}], created[2])


@proves("listing.filters-apply-after-paging")
def test_filtered_pages_of_operations(cloudmap, wait_for_success, unique_name, check_filtered_pages):
    """If one of four operations is about the selected namespace, it is listed once and the other pages are empty."""
    created = [wait_for_success(cloudmap.create_http_namespace(Name=unique_name("ns"))) for _ in range(4)]
    filters = [{"Name": "NAMESPACE_ID", "Values": [created[2]["Targets"]["NAMESPACE"]]}]
    check_filtered_pages("list_operations", filters, created[2]["Id"])
