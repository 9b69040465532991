"""Clusters: their names, what they count, when they can be deleted, and pages of them."""

import pytest
from botocore.exceptions import ClientError

from surveyor.testing import id_of, proves, raises, timeouts

ON_EC2 = {"requiresCompatibilities": ["EC2"], "networkMode": "bridge", "cpu": None}


@pytest.fixture
def describe_cluster(ecs, read_until):
    """Return `describe_cluster(name, *include)`: DescribeClusters of one cluster, once it is found."""

    def describe(name, *include):
        [found] = read_until(lambda: ecs.describe_clusters(clusters=[name], include=list(include))["clusters"], bool)
        return found

    return describe


@proves("ecs.cluster.names")
def test_a_cluster_has_a_name(ecs, describe_cluster, unique_name):
    """A name has up to 255 characters; a cluster is described by name and by ARN, and others are missing."""
    # ecs/CreateClusterRequest.clusterName: "Up to 255 letters (uppercase and lowercase), numbers, underscores, and
    # hyphens are allowed."
    own = unique_name("cluster")
    for name in (own.ljust(255, "z"), f"{own}-A_9"):
        made = ecs.create_cluster(clusterName=name)["cluster"]
        assert (made["clusterName"], made["status"]) == (name, "ACTIVE")
        assert made["clusterArn"].endswith(f":cluster/{name}")
        assert describe_cluster(name)["clusterArn"] == describe_cluster(made["clusterArn"])["clusterArn"]
        assert describe_cluster(name)["clusterName"] == name
    for refused in (own.ljust(256, "z"), f"{own}.a", f"{own} a", f"{own}/a", f"{own}é"):
        with pytest.raises(ClientError):
            ecs.create_cluster(clusterName=refused)
    arn = describe_cluster(f"{own}-A_9")["clusterArn"]
    missing = [f"{arn}-none", *(unique_name("none") for _ in range(99))]
    answer = ecs.describe_clusters(clusters=missing)
    assert answer["clusters"] == []
    assert [failure["reason"] for failure in answer["failures"]] == ["MISSING"] * 100
    assert answer["failures"][0]["arn"] == missing[0]
    assert answer["failures"][1]["arn"].endswith(f":cluster/{missing[1]}")
    # ecs/DescribeClustersRequest.clusters: "A list of up to 100 cluster names"
    with pytest.raises(ClientError):
        ecs.describe_clusters(clusters=[*missing, "another"])
    with raises("ClusterNotFoundException"):
        ecs.list_tasks(cluster=missing[1])


@proves("ecs.cluster.default")
def test_the_cluster_is_default_by_default(ecs):
    """DescribeClusters without a name is about the cluster `default`, whether it exists or not."""
    # ecs/DescribeClustersRequest.clusters: "If you do not specify a cluster, the default cluster is assumed."
    answer = ecs.describe_clusters()
    arns = [*(found["clusterArn"] for found in answer["clusters"]), *(one["arn"] for one in answer["failures"])]
    assert [arn.rpartition("/")[2] for arn in arns] == ["default"]


@proves("ecs.cluster.settings")
def test_a_cluster_has_settings(ecs, describe_cluster, read_until, unique_name):
    """Settings and capacity providers are those of the request; UpdateCluster changes settings; both are included."""
    # ecs/DescribeClustersRequest.include: "If SETTINGS is specified, the settings for the cluster are included."
    name = unique_name("cluster")
    strategy = [{"capacityProvider": "FARGATE", "weight": 1, "base": 0}]
    on, off = ([{"name": "containerInsights", "value": value}] for value in ("enabled", "disabled"))
    made = ecs.create_cluster(
        clusterName=name,
        settings=on,
        capacityProviders=["FARGATE", "FARGATE_SPOT"],
        defaultCapacityProviderStrategy=strategy,
    )["cluster"]
    assert made["settings"] == describe_cluster(name, "SETTINGS")["settings"] == on
    found = describe_cluster(name)
    assert not found.get("settings")
    assert set(found["capacityProviders"]) == {"FARGATE", "FARGATE_SPOT"}
    assert found["defaultCapacityProviderStrategy"] == strategy
    assert ecs.update_cluster(cluster=name, settings=off)["cluster"]["settings"] == off
    assert read_until(lambda: describe_cluster(name, "SETTINGS")["settings"], off) == off


@proves("ecs.cluster.counts", "ecs.cluster.delete")
def test_a_cluster_counts_what_it_has(
    ecs, make_task_definition, make_ecs_service, describe_cluster, read_until, eventually, unique_name, network
):
    """Tasks and services are counted by status; with any of them the cluster is not deleted, without it is INACTIVE."""
    name, other = (ecs.create_cluster(clusterName=unique_name("cluster"))["cluster"]["clusterName"] for _ in range(2))
    definition = make_task_definition()
    service = make_ecs_service(definition, count=0, cluster=name)
    [task] = ecs.run_task(
        cluster=name,
        taskDefinition=definition["taskDefinitionArn"],
        launchType="FARGATE",
        networkConfiguration=network,
    )["tasks"]

    def counts(cluster):
        members = ("runningTasksCount", "pendingTasksCount", "activeServicesCount", "registeredContainerInstancesCount")
        found = describe_cluster(cluster)
        return tuple(found[member] for member in members)

    def status():
        return ecs.describe_tasks(cluster=name, tasks=[task["taskArn"]])["tasks"][0]["lastStatus"]

    seen = set()

    def is_running():
        before, now, after = status(), counts(name), status()
        if before == after == "PENDING":
            seen.add(now[:2])
        return after == "RUNNING"

    eventually(is_running, within=timeouts.TASK, poll_every=0.5)
    assert seen <= {(0, 1)}
    eventually(lambda: counts(name) == (1, 0, 1, 0), within=timeouts.SCHEDULER)
    assert counts(other) == (0, 0, 0, 0)
    empty = ecs.create_cluster(clusterName=unique_name("cluster"))["cluster"]["clusterName"]
    make_ecs_service(definition, count=0, cluster=empty)
    assert read_until(lambda: counts(empty), (0, 0, 1, 0)) == (0, 0, 1, 0)
    with raises("ClusterContainsServicesException"):
        ecs.delete_cluster(cluster=empty)
    ecs.delete_service(cluster=name, service=service["serviceName"], force=True)
    with raises("ClusterContainsTasksException"):
        ecs.delete_cluster(cluster=name)
    ecs.stop_task(cluster=name, task=id_of(task))
    eventually(lambda: status() == "STOPPED", within=timeouts.TASK)
    eventually(lambda: counts(name) == (0, 0, 0, 0), within=timeouts.SCHEDULER)
    # ecs/DeleteCluster: "The cluster transitions to the INACTIVE state."
    assert ecs.delete_cluster(cluster=name)["cluster"]["status"] == "INACTIVE"

    def listed():
        pages = ecs.get_paginator("list_clusters").paginate()
        return {arn.rpartition("/")[2] for page in pages for arn in page["clusterArns"]} & {name, other}

    eventually(lambda: listed() == {other}, within=timeouts.SCHEDULER)
    with raises("ClusterNotFoundException"):
        ecs.delete_cluster(cluster=name)
    assert ecs.create_cluster(clusterName=name)["cluster"]["status"] == "ACTIVE"
    assert read_until(lambda: describe_cluster(name)["status"], "ACTIVE") == "ACTIVE"


@proves("ecs.cluster.delete")
def test_a_cluster_with_container_instances_is_not_deleted(
    ecs, start_container_instances, describe_cluster, read_until, eventually, own_cluster
):
    """DeleteCluster raises an error until the container instances have been deregistered."""
    [host] = start_container_instances()
    assert read_until(lambda: describe_cluster(own_cluster)["registeredContainerInstancesCount"], 1) == 1
    with raises("ClusterContainsContainerInstancesException"):
        ecs.delete_cluster(cluster=own_cluster)
    ecs.deregister_container_instance(cluster=own_cluster, containerInstance=host["containerInstanceArn"])
    eventually(
        lambda: describe_cluster(own_cluster)["registeredContainerInstancesCount"] == 0, within=timeouts.SCHEDULER
    )
    assert ecs.delete_cluster(cluster=own_cluster)["cluster"]["status"] == "INACTIVE"


@proves("ecs.lists.are-paged")
def test_lists_have_pages(ecs, make_task_definition, make_ecs_service, read_until, unique_name):
    """ListServices lists ten at a time by default, each list as many as maxResults says, from 1 to 100."""
    # ecs/ListServicesRequest.maxResults: "If this parameter isn't used, then ListServices returns up to 10 results and
    # a nextToken value if applicable."
    cluster = ecs.create_cluster(clusterName=unique_name("cluster"))["cluster"]["clusterName"]
    definition = make_task_definition()
    arns = {make_ecs_service(definition, count=0, cluster=cluster)["serviceArn"] for _ in range(11)}

    def pages(operation, member, **params):
        return [page[member] for page in ecs.get_paginator(operation).paginate(cluster=cluster, **params)]

    def sizes(**params):
        return [len(page) for page in pages("list_services", "serviceArns", **params)]

    first, rest = read_until(lambda: pages("list_services", "serviceArns"), lambda found: sum(map(len, found)) == 11)
    assert ({*first, *rest}, len(rest)) == (arns, 1)
    assert read_until(lambda: sizes(maxResults=6), [6, 5]) == [6, 5]
    assert read_until(lambda: sizes(maxResults=100), [11]) == [11]
    assert read_until(lambda: len(ecs.list_clusters(maxResults=1)["clusterArns"]), 1) == 1
    lists = (ecs.list_services, ecs.list_tasks, ecs.list_container_instances)
    for operation in lists:
        assert not operation(cluster=cluster, maxResults=1).get("nextToken") or operation == ecs.list_services
        for refused in (0, 101):
            with pytest.raises(ClientError):
                operation(cluster=cluster, maxResults=refused)
    with pytest.raises(ClientError):
        ecs.list_services(cluster=cluster, nextToken="another")

    def listed(**params):
        return set(ecs.list_services(cluster=cluster, **params)["serviceArns"])

    assert read_until(lambda: listed(launchType="FARGATE", maxResults=100), arns) == arns
    assert listed(launchType="EC2") == set()
    assert read_until(lambda: len(listed(schedulingStrategy="REPLICA")), 10) == 10
    assert listed(schedulingStrategy="DAEMON") == set()
