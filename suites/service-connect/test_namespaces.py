"""Namespaces of Service Connect: the default one of a cluster, and the services of one."""

from functools import partial

import pytest
from botocore.exceptions import ClientError

from surveyor.testing import proves, raises, timeouts

INVALID = "InvalidParameterException"


@pytest.fixture(params=["CreateCluster", "UpdateCluster"])
def cluster_with(request, ecs, unique_name):
    """Return `cluster_with(namespace)`: create a cluster with this default, or give it to one, and return its name."""

    def create(namespace):
        name = unique_name("cluster")
        defaults = {"serviceConnectDefaults": {"namespace": namespace}}
        if request.param == "CreateCluster":
            ecs.create_cluster(clusterName=name, **defaults)
        else:
            ecs.create_cluster(clusterName=name)
            ecs.update_cluster(cluster=name, **defaults)
        return name

    return create


@pytest.fixture
def default_namespace(ecs, read_until):
    """Return `default_namespace(cluster, expected)`: DescribeClusters's default namespace, "" if there is none.

    It is read until it is the expected one; any will do by default.
    """

    def describe(cluster, expected=bool):
        def read():
            [described] = ecs.describe_clusters(clusters=[cluster])["clusters"]
            return described.get("serviceConnectDefaults", {}).get("namespace", "")

        return read_until(read, expected)

    return describe


@proves("service-connect.cluster.default-namespace-is-made")
def test_a_default_namespace_is_created(
    ecs, cloudmap, read_until, eventually, unique_name, cluster_with, default_namespace
):
    """A new name becomes an HTTP namespace; it can be removed from the cluster, and remains after the cluster."""
    name = f"{unique_name('Cluster')}-Default"  # the prefix shows that it belongs to this run, even after a crash
    cluster = cluster_with(name)

    def created_namespace():
        found = cloudmap.get_paginator("list_namespaces").paginate().build_full_result()["Namespaces"]
        return next((entry for entry in found if entry["Name"] == name), None)

    namespace = eventually(created_namespace, within=timeouts.OPERATION)
    assert namespace["Type"] == "HTTP"
    assert default_namespace(cluster, namespace["Arn"]) == namespace["Arn"]

    def attachments():
        [described] = ecs.describe_clusters(clusters=[cluster], include=["ATTACHMENTS"])["clusters"]
        return described.get("attachmentsStatus"), [part["status"] for part in described["attachments"]]

    eventually(lambda: attachments() == ("UPDATE_COMPLETE", ["ATTACHED"]), within=timeouts.OPERATION)
    assert not ecs.describe_clusters(clusters=[cluster])["clusters"][0].get("attachments")
    on = [{"name": "containerInsights", "value": "enabled"}]
    ecs.update_cluster(cluster=cluster, settings=on)

    def settings_and_namespace():
        [described] = ecs.describe_clusters(clusters=[cluster], include=["SETTINGS"])["clusters"]
        return described["settings"], described.get("serviceConnectDefaults", {}).get("namespace")

    assert read_until(settings_and_namespace, lambda found: found[0] == on) == (on, namespace["Arn"])
    ecs.update_cluster(cluster=cluster, serviceConnectDefaults={"namespace": ""})
    assert not default_namespace(cluster, "")
    ecs.delete_cluster(cluster=cluster)
    assert created_namespace()["Id"] == namespace["Id"]

    def is_not_found():
        with raises("ClusterNotFoundException"):
            ecs.list_services(cluster=cluster)
        return True

    assert read_until(is_not_found, expected=True)


@proves("service-connect.cluster.default-namespace-may-exist")
def test_an_existing_namespace_becomes_the_default(cloudmap, http_namespace, cluster_with, default_namespace):
    """An existing name or ARN is used as it is: there is no second namespace. An unknown ARN is refused."""
    # ecs/ClusterServiceConnectDefaultsRequest.namespace: "If you enter an existing namespace name or ARN, then that
    # namespace will be used."
    for reference in (http_namespace["Name"], http_namespace["Arn"]):
        assert default_namespace(cluster_with(reference), http_namespace["Arn"]) == http_namespace["Arn"]
    filters = [{"Name": "HTTP_NAME", "Values": [http_namespace["Name"]]}]
    assert [found["Id"] for found in cloudmap.list_namespaces(Filters=filters)["Namespaces"]] == [http_namespace["Id"]]
    unknown = http_namespace["Arn"].replace(http_namespace["Id"], "ns-0123456789abcdef")
    with raises("NamespaceNotFoundException"):
        cluster_with(unknown)


@proves("service-connect.cluster.default-namespace-form")
def test_the_form_of_a_default_namespace(cluster_with, default_namespace, unique_name):
    """A new name has up to 1,024 characters, of which none is <, >, a double quotation mark or a slash."""
    # ecs/ClusterServiceConnectDefaultsRequest.namespace: "The name can include up to 1024 characters."
    longest = unique_name("a").ljust(1_024, "z")
    assert default_namespace(cluster_with(longest))
    name = unique_name("a")
    for refused in (f"{longest}z", f"{name}<", f"{name}>", f'{name}"', f"{name}/a"):
        with pytest.raises(ClientError):
            cluster_with(refused)


@proves("service-connect.namespace.lists-its-services")
def test_a_namespace_lists_its_services(
    ecs, make_connect_service, make_task_definition, make_ecs_service, make_namespace, read_until, unique_name
):
    """Servers and clients of all clusters are listed; services without Service Connect or of others are not."""
    namespace = make_namespace("http")
    own = {"configuration": {"namespace": namespace["Arn"]}}
    elsewhere = ecs.create_cluster(clusterName=unique_name("cluster"))["cluster"]["clusterName"]
    expected = {
        service.service["serviceArn"]
        for service in (
            make_connect_service("backend", count=0, **own),
            make_connect_service(count=0, **own),
            make_connect_service(count=0, cluster=elsewhere, **own),
        )
    }
    make_ecs_service(make_task_definition(), count=0)
    make_connect_service(count=0)

    def listed(reference):
        return set(ecs.list_services_by_namespace(namespace=reference)["serviceArns"])

    for reference in (namespace["Arn"], namespace["Name"]):
        assert read_until(partial(listed, reference), expected) == expected


@proves("service-connect.namespace.lists-ten-at-a-time")
def test_services_of_a_namespace_are_paged(ecs, make_ecs_service, make_task_definition, make_namespace, read_until):
    """Of eleven services ten are listed and then one; maxResults may be from 1 to 100."""
    # ecs/ListServicesByNamespaceRequest.maxResults: "ListServicesByNamespace returns up to 10 results and a nextToken
    # value if applicable."
    namespace, definition = make_namespace("http")["Arn"], make_task_definition()
    client = {"enabled": True, "namespace": namespace}
    services = [make_ecs_service(definition, count=0, serviceConnectConfiguration=client) for _ in range(11)]

    def pages(**params):
        paginator = ecs.get_paginator("list_services_by_namespace")
        return [page["serviceArns"] for page in paginator.paginate(namespace=namespace, **params)]

    def sizes(**params):
        return [len(page) for page in pages(**params)]

    first, rest = read_until(pages, lambda found: sum(map(len, found)) == 11)
    assert (len(first), len(rest)) == (10, 1)
    assert {*first, *rest} == {service["serviceArn"] for service in services}
    for largest, expected in ((4, [4, 4, 3]), (100, [11])):
        assert read_until(partial(sizes, maxResults=largest), expected) == expected

    def first_page():
        return len(ecs.list_services_by_namespace(namespace=namespace, maxResults=1)["serviceArns"])

    assert read_until(first_page, 1) == 1
    for refused in (0, 101):
        with pytest.raises(ClientError):
            ecs.list_services_by_namespace(namespace=namespace, maxResults=refused)
