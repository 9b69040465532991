"""Capacity providers of Fargate: which one runs a task, and which ones a cluster has."""

from __future__ import annotations

from collections import Counter

import pytest
from botocore.exceptions import ClientError

from surveyor.testing import for_each, proves, raises

BOTH = ["FARGATE", "FARGATE_SPOT"]


def strategy(**shares):
    """Return a capacityProviderStrategy: provider -> (base, weight)."""
    return [
        {"capacityProvider": name, "base": base, "weight": weight} for name, (base, weight) in sorted(shares.items())
    ]


@pytest.fixture
def make_cluster(ecs, unique_name, read_until):
    """Return `make_cluster(default=())`: the name of a cluster with both providers of Fargate."""

    def make(default=()):
        name = unique_name("cluster")
        ecs.create_cluster(clusterName=name, capacityProviders=BOTH, defaultCapacityProviderStrategy=list(default))
        read_until(lambda: ecs.describe_clusters(clusters=[name])["clusters"], bool)
        return name

    return make


@pytest.fixture
def providers_of_run(ecs, make_task_definition, network):
    """Return `providers_of_run(cluster, count, strategy=None)`: how many tasks of one RunTask each provider has.

    The tasks are stopped at once.
    """
    definition = make_task_definition()

    def run(cluster, count, given=None):
        chosen = {"capacityProviderStrategy": given} if given is not None else {}
        answer = ecs.run_task(
            cluster=cluster, count=count, taskDefinition=definition["taskDefinitionArn"], networkConfiguration=network,
            **chosen,
        )  # fmt: skip
        assert answer["failures"] == []
        for task in answer["tasks"]:
            ecs.stop_task(cluster=cluster, task=task["taskArn"])
        return Counter(task["capacityProviderName"] for task in answer["tasks"])

    return run


@proves("deployments.capacity.weights", "deployments.capacity.base", "deployments.capacity.weight-zero")
@for_each(
    "shares, count, expected",
    {
        "one-to-four": ({"FARGATE": (0, 1), "FARGATE_SPOT": (0, 4)}, 5, {"FARGATE": 1, "FARGATE_SPOT": 4}),
        "even": ({"FARGATE": (0, 1), "FARGATE_SPOT": (0, 1)}, 4, {"FARGATE": 2, "FARGATE_SPOT": 2}),
        "base": ({"FARGATE": (2, 1), "FARGATE_SPOT": (0, 1)}, 2, {"FARGATE": 2}),
        "after-the-base": ({"FARGATE": (2, 1), "FARGATE_SPOT": (0, 1)}, 6, {"FARGATE": 4, "FARGATE_SPOT": 2}),
        "base-of-the-second": ({"FARGATE": (0, 1), "FARGATE_SPOT": (3, 1)}, 3, {"FARGATE_SPOT": 3}),
        "zero": ({"FARGATE": (0, 0), "FARGATE_SPOT": (0, 1)}, 3, {"FARGATE_SPOT": 3}),
    },
)
def test_tasks_are_shared_by_base_and_weight(make_cluster, providers_of_run, shares, count, expected):
    """First the base of one provider is satisfied, then tasks are shared by weight; with weight 0 there are none."""
    # ecs/CapacityProviderStrategyItem.weight: "if capacityProviderA has weight 1 and capacityProviderB has weight 4,
    # then for every 1 task on A, 4 tasks will run on B."
    assert providers_of_run(make_cluster(), count, strategy(**shares)) == expected


@proves("deployments.capacity.weights", "deployments.capacity.base")
def test_tasks_of_a_service_are_shared(ecs, make_cluster, make_task_definition, make_ecs_service, eventually, clock):
    """Of five tasks of a service with a base of one and equal weights three run on the provider with the base."""
    # ecs/CapacityProviderStrategyItem.base: "how many tasks, at a minimum, to run on the specified capacity provider
    # for each service"
    cluster = make_cluster()
    given = strategy(FARGATE=(1, 1), FARGATE_SPOT=(0, 1))
    service = make_ecs_service(
        make_task_definition(), count=5, cluster=cluster, launchType=None, capacityProviderStrategy=given
    )
    name = service["serviceName"]

    def placed():
        arns = ecs.list_tasks(cluster=cluster, serviceName=name)["taskArns"]
        return len(arns) == 5 and ecs.describe_tasks(cluster=cluster, tasks=arns)["tasks"]

    tasks = eventually(placed, within=600)
    assert Counter(task["capacityProviderName"] for task in tasks) == {"FARGATE": 3, "FARGATE_SPOT": 2}
    ecs.delete_service(cluster=cluster, service=name, force=True)


@proves("deployments.capacity.one-base")
def test_one_provider_has_a_base(make_cluster, providers_of_run):
    """A strategy in which two providers have a base is refused."""
    # ecs/CapacityProviderStrategyItem.base: "Only one capacity provider in a capacity provider strategy can have a base
    # defined."
    cluster = make_cluster()
    with pytest.raises(ClientError):
        providers_of_run(cluster, 2, strategy(FARGATE=(1, 1), FARGATE_SPOT=(1, 1)))
    accepted = strategy(FARGATE=(1, 1), FARGATE_SPOT=(0, 1))
    assert providers_of_run(cluster, 3, accepted) == {"FARGATE": 2, "FARGATE_SPOT": 1}


@proves("deployments.capacity.all-zero")
def test_a_strategy_without_weights(make_cluster, make_task_definition, make_ecs_service, providers_of_run):
    """RunTask and CreateService refuse a strategy of several providers that all have the weight 0."""
    # ecs/CapacityProviderStrategyItem.weight: "any RunTask or CreateService actions using the capacity provider
    # strategy will fail"
    cluster, given = make_cluster(), strategy(FARGATE=(0, 0), FARGATE_SPOT=(0, 0))
    with pytest.raises(ClientError):
        providers_of_run(cluster, 1, given)
    with pytest.raises(ClientError):
        make_ecs_service(
            make_task_definition(), count=0, cluster=cluster, launchType=None, capacityProviderStrategy=given
        )


@proves("deployments.capacity.default-strategy")
def test_the_default_strategy_launches_tasks(make_cluster, providers_of_run):
    """Tasks that ask for neither a launch type nor a strategy are shared by the default strategy of their cluster."""
    # ecs/RunTaskRequest.capacityProviderStrategy: "If no capacityProviderStrategy or launchType is specified, the
    # defaultCapacityProviderStrategy for the cluster is used."
    cluster = make_cluster(strategy(FARGATE=(1, 0), FARGATE_SPOT=(0, 1)))
    assert providers_of_run(cluster, 3) == {"FARGATE": 1, "FARGATE_SPOT": 2}
    assert providers_of_run(cluster, 1, strategy(FARGATE_SPOT=(0, 1))) == {"FARGATE_SPOT": 1}


@proves("deployments.capacity.must-be-associated")
def test_a_strategy_names_providers_of_the_cluster(ecs, providers_of_run, make_cluster, unique_name):
    """A provider that the cluster does not have is refused, in a strategy of RunTask and in a default one."""
    # ecs/CreateClusterRequest.capacityProviders: "A capacity provider must be associated with a cluster before it can
    # be included as part of the default capacity provider strategy"
    bare = unique_name("cluster")
    ecs.create_cluster(clusterName=bare, capacityProviders=["FARGATE"])
    spot = strategy(FARGATE_SPOT=(0, 1))
    with raises("InvalidParameterException"):
        providers_of_run(bare, 1, spot)
    with raises("InvalidParameterException"):
        ecs.create_cluster(
            clusterName=unique_name("cluster"), capacityProviders=["FARGATE"], defaultCapacityProviderStrategy=spot
        )
    with raises("InvalidParameterException"):
        ecs.put_cluster_capacity_providers(
            cluster=bare, capacityProviders=["FARGATE"], defaultCapacityProviderStrategy=spot
        )


@proves("deployments.capacity.replaced")
def test_providers_of_a_cluster_are_replaced(ecs, make_cluster, providers_of_run, read_until):
    """PutClusterCapacityProviders sets all providers and the default strategy: what it omits the cluster loses."""
    # ecs/PutClusterCapacityProviders: "Any existing capacity providers that are associated with a cluster that are
    # omitted from a PutClusterCapacityProviders API call will be disassociated with the cluster."
    cluster = make_cluster(strategy(FARGATE=(0, 1)))
    spot = strategy(FARGATE_SPOT=(0, 1))

    def put(providers, default):
        answer = ecs.put_cluster_capacity_providers(
            cluster=cluster, capacityProviders=providers, defaultCapacityProviderStrategy=default
        )["cluster"]
        assert answer["capacityProviders"] == providers

        def described():
            [found] = ecs.describe_clusters(clusters=[cluster])["clusters"]
            return found["capacityProviders"], [
                one["capacityProvider"] for one in found["defaultCapacityProviderStrategy"]
            ]

        expected = (providers, [one["capacityProvider"] for one in default])
        assert read_until(described, expected) == expected

    put(["FARGATE_SPOT"], spot)
    with pytest.raises(ClientError):
        providers_of_run(cluster, 1, strategy(FARGATE=(0, 1)))
    put(["FARGATE"], [])
    put(["FARGATE", "FARGATE_SPOT"], spot)


@proves("deployments.capacity.in-use")
def test_a_provider_in_use_stays(ecs, make_cluster, make_task_definition, network, read_until, eventually):
    """A provider of tasks that exist is not removed; once they have stopped it is."""
    # ecs/PutClusterCapacityProviders: "You can only disassociate an existing capacity provider from a cluster if it's
    # not being used by any existing tasks."
    cluster = make_cluster()
    [task] = ecs.run_task(
        cluster=cluster, taskDefinition=make_task_definition()["taskDefinitionArn"], networkConfiguration=network,
        capacityProviderStrategy=strategy(FARGATE_SPOT=(0, 1)),
    )["tasks"]  # fmt: skip

    def remove():
        ecs.put_cluster_capacity_providers(
            cluster=cluster, capacityProviders=["FARGATE"], defaultCapacityProviderStrategy=[]
        )

    read_until(lambda: ecs.list_tasks(cluster=cluster)["taskArns"], bool)
    with raises("ResourceInUseException"):
        remove()
    ecs.stop_task(cluster=cluster, task=task["taskArn"])

    def is_removed():
        try:
            remove()
        except ecs.exceptions.ResourceInUseException:
            return False
        return True

    eventually(is_removed, within=600)


@proves("deployments.capacity.of-fargate")
def test_the_providers_of_fargate_are_described(ecs, make_cluster, unique_name):
    """FARGATE and FARGATE_SPOT are ACTIVE in every account; an unknown one is a failure."""
    # ecs/CapacityProviderStrategyItem: "The Fargate capacity providers are available to all accounts and only need to
    # be associated with a cluster to be used in a capacity provider strategy."
    unknown = unique_name("provider")
    answer = ecs.describe_capacity_providers(capacityProviders=[*BOTH, unknown])
    found = {one["name"]: one["status"] for one in answer["capacityProviders"]}
    assert found == dict.fromkeys(BOTH, "ACTIVE")
    [failure] = answer["failures"]
    assert failure["arn"].endswith(unknown)
    arns = [one["capacityProviderArn"] for one in answer["capacityProviders"]]
    again = ecs.describe_capacity_providers(capacityProviders=arns)["capacityProviders"]
    assert sorted(one["name"] for one in again) == BOTH
