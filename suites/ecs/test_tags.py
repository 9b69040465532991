"""Tags of the resources of ECS."""

from functools import partial
from operator import itemgetter

import pytest
from botocore.exceptions import ClientError

from surveyor.testing import for_each, proves, raises, timeouts

ON_EC2 = {"requiresCompatibilities": ["EC2"], "networkMode": "bridge", "cpu": None}


def by_key(tags):
    """Return ecs Tags as key -> value."""
    return {tag["key"]: tag["value"] for tag in tags}


def as_tags(**tags):
    """Return tags as ecs Tags."""
    return [{"key": key, "value": value} for key, value in tags.items()]


@pytest.fixture
def make_tagged(ecs, make_task_definition, make_ecs_service, run_task, unique_name, cluster, network):
    """Return `make_tagged(kind, tags)`: create a resource of that kind with these tags, and return its ARN."""

    def task_set(tags):
        bare = {"taskDefinition": None, "networkConfiguration": None, "launchType": None}
        definition = make_task_definition()
        service = make_ecs_service(definition, count=0, deploymentController={"type": "EXTERNAL"}, **bare)
        return ecs.create_task_set(
            cluster=cluster,
            service=service["serviceName"],
            taskDefinition=definition["taskDefinitionArn"],
            launchType="FARGATE",
            networkConfiguration=network,
            tags=tags,
        )["taskSet"]["taskSetArn"]

    kinds = {
        "cluster": lambda tags: ecs.create_cluster(clusterName=unique_name("c"), tags=tags)["cluster"]["clusterArn"],
        "task definition": lambda tags: make_task_definition(tags=tags)["taskDefinitionArn"],
        "service": lambda tags: make_ecs_service(make_task_definition(), count=0, tags=tags)["serviceArn"],
        "task": lambda tags: run_task(make_task_definition(), tags=tags)["taskArn"],
        "task set": task_set,
    }
    return lambda kind, tags: kinds[kind](tags)


@proves("ecs.tags.of-each-resource")
@for_each("kind", ["cluster", "task definition", "service", "task", "task set"])
def test_a_resource_has_tags(ecs, make_tagged, read_until, free_tags, kind):
    """Tags are given at creation, added, changed and removed by key; 50 are accepted and 51 refused."""
    # ecs/TagResource: "If existing tags on a resource aren't specified in the request parameters, they aren't changed."
    arn = make_tagged(kind, as_tags(team="red", stage="test"))

    def tags():
        return by_key(ecs.list_tags_for_resource(resourceArn=arn)["tags"])

    expected = {"team": "red", "stage": "test"}
    assert read_until(tags, expected) == expected
    ecs.tag_resource(resourceArn=arn, tags=as_tags(team="blue", empty="", Team="x"))
    expected = {"team": "blue", "stage": "test", "empty": "", "Team": "x"}
    assert read_until(tags, expected) == expected
    ecs.untag_resource(resourceArn=arn, tagKeys=["team", "stage", "absent"])
    expected = {"empty": "", "Team": "x"}
    assert read_until(tags, expected) == expected
    # ecs/Tag: "Maximum number of tags per resource - 50"
    free = free_tags("ecs")
    ecs.tag_resource(resourceArn=arn, tags=as_tags(**{f"key{number}": "" for number in range(free - 2)}))
    assert read_until(lambda: len(tags()), free) == free
    with pytest.raises(ClientError):
        ecs.tag_resource(resourceArn=arn, tags=as_tags(another=""))
    ecs.tag_resource(resourceArn=arn, tags=as_tags(Team="y"))
    assert read_until(lambda: tags()["Team"], "y") == "y"


@proves("ecs.tags.reserved-and-unique")
def test_some_tags_are_refused(ecs, make_tagged, read_until, cluster):
    """The prefix aws: is refused in any case, and so are an empty key, a key given twice and 51 tags."""
    # ecs/Tag: "Do not use aws:, AWS:, or any upper or lowercase combination of such as a prefix for either keys or
    # values"
    arn = make_tagged("cluster", as_tags(kept="1"))
    for key in ("aws:a", "AWS:a", "Aws:a", ""):
        with pytest.raises(ClientError):
            ecs.tag_resource(resourceArn=arn, tags=[{"key": key, "value": "1"}])
    for refused in ([*as_tags(a="1"), *as_tags(a="2")], as_tags(**{f"key{number}": "" for number in range(51)})):
        with pytest.raises(ClientError):
            make_tagged("cluster", refused)
    ecs.tag_resource(resourceArn=arn, tags=as_tags(laws="1", aws="2"))
    expected = {"kept": "1", "laws": "1", "aws": "2"}
    assert read_until(lambda: by_key(ecs.list_tags_for_resource(resourceArn=arn)["tags"]), expected) == expected
    unknown = f"{arn}-none"
    for operation, params in (
        (ecs.list_tags_for_resource, {}),
        (ecs.tag_resource, {"tags": as_tags(a="1")}),
        (ecs.untag_resource, {"tagKeys": ["a"]}),
    ):
        for wrong in (unknown, cluster, "arn:aws:s3:::bucket"):
            with pytest.raises(ClientError):
                operation(resourceArn=wrong, **params)


@proves("ecs.tags.are-included")
def test_tags_are_included_on_request(
    ecs, make_task_definition, make_ecs_service, run_task, read_until, unique_name, cluster
):
    """Describe calls return tags if TAGS is included, and the answers of creation have them."""
    tags = as_tags(team="red")
    definition = make_task_definition()
    name = unique_name("cluster")
    answers = [
        ecs.create_cluster(clusterName=name, tags=tags)["cluster"],
        make_ecs_service(definition, count=0, tags=tags),
        run_task(definition, tags=tags),
    ]
    assert [answer["tags"] for answer in answers] == [tags] * 3
    container = [{"name": "app", "image": "busybox", "memory": 64}]
    registered = ecs.register_task_definition(family=unique_name("f"), containerDefinitions=container, tags=tags)
    assert registered["tags"] == tags
    described = {
        "clusters": (ecs.describe_clusters, {"clusters": [name]}),
        "services": (ecs.describe_services, {"services": [answers[1]["serviceName"]], "cluster": cluster}),
        "tasks": (ecs.describe_tasks, {"tasks": [answers[2]["taskArn"]], "cluster": cluster}),
    }
    for member, (describe, params) in described.items():
        [without] = read_until(partial(describe, **params), itemgetter(member))[member]
        [included] = read_until(partial(describe, include=["TAGS"], **params), itemgetter(member))[member]
        assert (without.get("tags", []), included["tags"]) == ([], tags)
    arn = registered["taskDefinition"]["taskDefinitionArn"]
    assert not read_until(lambda: ecs.describe_task_definition(taskDefinition=arn), bool).get("tags")
    included = read_until(lambda: ecs.describe_task_definition(taskDefinition=arn, include=["TAGS"]), bool)
    assert included["tags"] == tags


@proves("ecs.tags.are-propagated")
@for_each(
    "source, expected",
    {
        "default": (None, {}),
        "NONE": ("NONE", {}),
        "SERVICE": ("SERVICE", {"of": "service"}),
        "TASK_DEFINITION": ("TASK_DEFINITION", {"of": "definition"}),
    },
)
def test_tags_are_propagated_to_tasks(
    ecs, make_task_definition, make_ecs_service, run_task, tasks_of, eventually, cluster, source, expected
):
    """New tasks get the tags of their service or task definition if propagateTags says so; RunTask adds its own."""
    # ecs/CreateServiceRequest.propagateTags: "If no value is specified, the tags aren't propagated."
    definition = make_task_definition(tags=as_tags(of="definition"))
    given = {"propagateTags": source} if source else {}
    service = make_ecs_service(definition, tags=as_tags(of="service"), **given)
    (task, *_) = eventually(lambda: tasks_of(service), within=timeouts.TASK)
    [described] = ecs.describe_tasks(cluster=cluster, tasks=[task["taskArn"]], include=["TAGS"])["tasks"]
    assert by_key(described["tags"]) == expected
    if source != "SERVICE":  # ecs/RunTaskRequest.propagateTags: "An error will be received if you specify the SERVICE"
        ran = run_task(definition, tags=as_tags(own="1"), **given)
        assert by_key(ran["tags"]) == {**expected, "own": "1"}
    else:
        with raises("InvalidParameterException"):
            run_task(definition, propagateTags="SERVICE")
