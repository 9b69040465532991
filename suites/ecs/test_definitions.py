"""Task definitions: what is valid, the defaults, and the lists and the end of revisions."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError

from surveyor.testing import TASK_PORT, for_each, proves, raises

EC2 = {"requiresCompatibilities": ["EC2"], "networkMode": "bridge", "cpu": None}
GIB = 1_024


@proves("ecs.definition.fargate-sizes")
@for_each(
    "cpu, accepted, refused",
    [
        (256, (0.5, 1, 2), (1.5, 3)),
        (512, (1, 2, 3, 4), (0.5, 1.5, 5)),
        (1_024, (2, 3, 8), (1, 2.5, 9)),
        (2_048, (4, 5, 16), (3, 4.5, 17)),
        (4_096, (8, 9, 30), (7, 8.5, 31)),
        (8_192, (16, 20, 60), (15, 18, 64)),
        (16_384, (32, 40, 120), (24, 36, 128)),
    ],
)
def test_fargate_has_certain_sizes(make_task_definition, cpu, accepted, refused):
    """For each size of CPU the ends of a range of memory and a step are accepted; sizes beyond and between are not."""
    # ecs/RegisterTaskDefinitionRequest.memory: "Between 8192 (8 GB) and 30720 (30 GB) in increments of 1024 (1 GB) -
    # Available cpu values: 4096 (4 vCPU)"
    for memory in accepted:
        made = make_task_definition(cpu=str(cpu), memory=str(int(memory * GIB)))
        assert (made["cpu"], made["memory"]) == (str(cpu), str(int(memory * GIB)))
    for memory in refused:
        with raises("ClientException"):
            make_task_definition(cpu=str(cpu), memory=str(int(memory * GIB)))


@proves("ecs.definition.fargate-sizes")
def test_a_size_may_have_a_unit(make_task_definition):
    """Sizes in vCPU and GB become CPU units and MiB; Fargate needs both sizes, and other values are refused."""
    # ecs/RegisterTaskDefinitionRequest.cpu: "String values are converted to an integer indicating the CPU units when
    # the task definition is registered."
    for cpu, memory in (("1 vCPU", "2 GB"), ("1 vcpu", "2GB"), ("1024", "2048")):
        made = make_task_definition(cpu=cpu, memory=memory)
        assert (made["cpu"], made["memory"]) == ("1024", "2048")
    made = make_task_definition(cpu=".5 vCPU", memory="1GB")
    assert (made["cpu"], made["memory"]) == ("512", "1024")
    for refused in ({"cpu": None}, {"memory": None}, {"cpu": "257"}, {"cpu": "255"}, {"cpu": "one vCPU"}):
        with raises("ClientException"):
            make_task_definition(**refused)


@proves("ecs.definition.network-mode")
def test_the_network_mode_is_bridge_by_default(make_task_definition):
    """Fargate accepts awsvpc only; on EC2 each mode is accepted, bridge is the default, and none has no ports."""
    # ecs/RegisterTaskDefinitionRequest.networkMode: "If no network mode is specified, the default is bridge."
    for mode in (None, "bridge", "host", "none"):
        with raises("ClientException"):
            make_task_definition(networkMode=mode)
    no_ports = {"portMappings": None}
    for mode in ("awsvpc", "bridge", "host", "none"):
        made = make_task_definition(**{**EC2, "networkMode": mode}, container=no_ports)
        assert made["networkMode"] == mode
    assert make_task_definition(**{**EC2, "networkMode": None})["networkMode"] == "bridge"
    with raises("ClientException"):
        make_task_definition(**{**EC2, "networkMode": "none"})


@proves("ecs.definition.names")
@for_each("member", ["family", "container"])
def test_a_name_has_up_to_255_characters(make_task_definition, unique_name, member):
    """A family and a container have up to 255 letters, digits, underscores and hyphens in their names."""

    def register(name):
        if member == "family":
            return make_task_definition(family=name)["family"]
        return make_task_definition(container={"name": name})["containerDefinitions"][0]["name"]

    own = unique_name("n")
    for accepted in (own.ljust(255, "z"), f"{own}-A_9-"):
        assert register(accepted) == accepted
    for refused in (own.ljust(256, "z"), f"{own}.a", f"{own} a", f"{own}/a"):
        with pytest.raises(ClientError):
            register(refused)


@proves("ecs.definition.containers")
def test_a_task_has_an_essential_container_and_memory(make_task_definition):
    """A definition without containers, an essential one, or any memory on EC2 is refused; each memory is enough."""
    # ecs/ContainerDefinition.memory: "If using the EC2 launch type, you must specify either a task-level memory value
    # or a container-level memory value."
    optional = {"essential": False}
    invalid: list[dict[str, Any]] = [
        {"containerDefinitions": []},
        {"container": optional, "beside": {"side": optional}},
        {"memory": None, **EC2},
    ]
    for refused in invalid:
        with raises("ClientException"):
            make_task_definition(**refused)
    make_task_definition(container=optional, beside={"side": {}})
    enough: list[dict[str, Any]] = [
        {"memory": "64"},
        {"memory": None, "container": {"memory": 64}},
        {"memory": None, "container": {"memoryReservation": 64}},
    ]
    for accepted in enough:
        make_task_definition(**EC2, **accepted)


@proves("ecs.definition.ports")
def test_the_host_port_depends_on_the_network_mode(make_task_definition):
    """In awsvpc and host mode the host port is the container port; in bridge mode it is any other, or 0."""
    # ecs/PortMapping.hostPort, of the modes awsvpc and host: "the hostPort can either be left blank or set to the same
    # value as the containerPort."

    def register(mode, port, host_port):
        mapping = {"containerPort": port} if host_port is None else {"containerPort": port, "hostPort": host_port}
        made = make_task_definition(**{**EC2, "networkMode": mode}, container={"portMappings": [mapping]})
        [described] = made["containerDefinitions"][0]["portMappings"]
        assert (described["containerPort"], described["protocol"]) == (port, "tcp")
        return described["hostPort"]

    for mode in ("awsvpc", "host"):
        assert [register(mode, TASK_PORT, host_port) for host_port in (None, TASK_PORT)] == [TASK_PORT] * 2
        with raises("ClientException"):
            register(mode, TASK_PORT, TASK_PORT + 1)
    assert [register("bridge", TASK_PORT, host_port) for host_port in (None, 0, 9090)] == [0, 0, 9090]
    # ecs/PortMapping.containerPortRange: "The containerPortRange valid values are between 1 and 65535."
    assert register("awsvpc", 65_535, None) == 65_535
    assert register("bridge", 1, 65_535) == 65_535
    for port, host_port in ((65_536, None), (1, 65_536)):
        with pytest.raises(ClientError):
            register("bridge", port, host_port)


@proves("ecs.definition.is-described")
def test_a_definition_is_described(ecs, make_task_definition, read_until, clock, account, unique_name):
    """Both answers have what was registered, the defaults, empty lists for what was omitted, and who and when."""
    # ecs/TaskDefinition.registeredBy: "The principal that registered the task definition."
    role, family = f"arn:aws:iam::{account}:role/{unique_name('role')}", unique_name("family")
    before = clock.now()
    container = {"environment": [{"name": "A", "value": "1"}], "entryPoint": ["sh"], "portMappings": None}
    made = make_task_definition(family=family, taskRoleArn=role, executionRoleArn=role, container=container)
    arn = made["taskDefinitionArn"]
    described = read_until(lambda: ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"], made)
    assert described == made
    assert made["taskDefinitionArn"].endswith(f":{account}:task-definition/{family}:1")
    expected = {
        "family": family,
        "revision": 1,
        "status": "ACTIVE",
        "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"],
        "taskRoleArn": role,
        "executionRoleArn": role,
        "volumes": [],
        "placementConstraints": [],
    }
    assert {name: made.get(name) for name in expected} == expected
    assert set(made["compatibilities"]) >= {"EC2", "FARGATE"}
    assert before - 5 <= made["registeredAt"].timestamp() <= clock.now() + 5
    assert f":{account}:" in made["registeredBy"]
    [app] = made["containerDefinitions"]
    # The sample of ecs/RegisterTaskDefinition has these lists.
    assert [app.get(name) for name in ("mountPoints", "volumesFrom", "portMappings")] == [[], [], []]
    assert (app["environment"], app["entryPoint"]) == (container["environment"], ["sh"])
    assert (app["cpu"], app["essential"], app["name"]) == (0, True, "app")
    bare = make_task_definition(container={"essential": None, "environment": None}, **EC2)
    assert "FARGATE" not in bare["compatibilities"]
    assert (bare["containerDefinitions"][0]["essential"], bare["containerDefinitions"][0]["environment"]) == (True, [])


@proves("ecs.definition.lists")
def test_revisions_are_listed(ecs, make_task_definition, make_ecs_service, read_until, unique_name):
    """Revisions are listed by family, status (ACTIVE by default) and order; a family counts as its revisions do."""
    # ecs/ListTaskDefinitionsRequest.sort: "By default, (ASC) task definitions are listed lexicographically by family
    # name and in ascending numerical order by revision"
    prefix = unique_name("family")
    families = [f"{prefix}-a", f"{prefix}-b"]
    first, second, third = (make_task_definition(family=families[0]) for _ in range(3))
    only = make_task_definition(family=families[1])
    make_task_definition(family=unique_name("other"))
    make_ecs_service(second, count=0)
    for definition in (second, only):
        ecs.deregister_task_definition(taskDefinition=definition["taskDefinitionArn"])

    def listed(family, **params):
        pages = ecs.get_paginator("list_task_definitions").paginate(familyPrefix=family, **params)
        return [arn for page in pages for arn in page["taskDefinitionArns"]]

    def families_listed(**params):
        pages = ecs.get_paginator("list_task_definition_families").paginate(familyPrefix=prefix, **params)
        return [family for page in pages for family in page["families"]]

    active = [first["taskDefinitionArn"], third["taskDefinitionArn"]]
    for family, params, expected in (
        (families[0], {}, active),
        (families[0], {"status": "ACTIVE"}, active),
        (families[0], {"sort": "ASC"}, active),
        (families[0], {"sort": "DESC"}, active[::-1]),
        (families[0], {"status": "INACTIVE"}, [second["taskDefinitionArn"]]),
        (families[1], {}, []),
        (prefix, {}, []),
    ):
        assert read_until(partial(listed, family, **params), expected) == expected
    for params, expected in (
        ({}, families),
        ({"status": "ALL"}, families),
        ({"status": "ACTIVE"}, families[:1]),
        ({"status": "INACTIVE"}, families[1:]),
    ):
        assert read_until(partial(families_listed, **params), expected) == expected

    def every():
        pages = ecs.get_paginator("list_task_definitions").paginate()
        return {arn for page in pages for arn in page["taskDefinitionArns"]}

    assert read_until(every, lambda found: found >= set(active)) >= set(active)
    page = read_until(
        lambda: ecs.list_task_definitions(familyPrefix=families[0], maxResults=1),
        lambda page: page["taskDefinitionArns"] == active[:1],
    )
    assert page["taskDefinitionArns"] == active[:1]
    rest = ecs.list_task_definitions(familyPrefix=families[0], maxResults=1, nextToken=page["nextToken"])
    assert (rest["taskDefinitionArns"], rest.get("nextToken")) == (active[1:], None)
    page = read_until(
        lambda: ecs.list_task_definition_families(familyPrefix=prefix, maxResults=1),
        lambda page: page["families"] == families[:1],
    )
    assert (page["families"], bool(page.get("nextToken"))) == (families[:1], True)


@proves("ecs.definition.delete")
def test_a_revision_is_deleted_once_it_is_inactive(
    ecs, make_task_definition, make_ecs_service, read_until, cluster, unique_name
):
    """An ACTIVE revision is not deleted; an INACTIVE one is DELETE_IN_PROGRESS, and its number is not used again."""
    # ecs/DeleteTaskDefinitions: "You must deregister a task definition revision before you delete it."
    family = unique_name("family")
    definitions = [make_task_definition(family=family) for _ in range(2)]
    arns = [definition["taskDefinitionArn"] for definition in definitions]
    service = make_ecs_service(definitions[0], count=0)
    refused = ecs.delete_task_definitions(taskDefinitions=[arns[0], f"{family}:3"])
    assert (refused["taskDefinitions"], len(refused["failures"])) == ([], 2)
    assert refused["failures"][0]["arn"] == arns[0]
    for arn in arns:
        inactive = ecs.deregister_task_definition(taskDefinition=arn)["taskDefinition"]
        assert (inactive["status"], inactive["taskDefinitionArn"]) == ("INACTIVE", arn)
        assert inactive["deregisteredAt"] >= inactive["registeredAt"]
    with pytest.raises(ClientError):  # a revision must be specified
        ecs.deregister_task_definition(taskDefinition=family)
    deleted = ecs.delete_task_definitions(taskDefinitions=arns)
    assert deleted["failures"] == []
    assert [(one["taskDefinitionArn"], one["status"]) for one in deleted["taskDefinitions"]] == [
        (arn, "DELETE_IN_PROGRESS") for arn in arns
    ]
    # "Existing services that reference a DELETE_IN_PROGRESS task definition revision can still scale up or down"

    def status():
        return ecs.describe_task_definition(taskDefinition=arns[0])["taskDefinition"]["status"]

    assert read_until(status, "DELETE_IN_PROGRESS") == "DELETE_IN_PROGRESS"
    ecs.update_service(cluster=cluster, service=service["serviceName"], desiredCount=0)
    with pytest.raises(ClientError):
        make_ecs_service(definitions[0], count=0)
    assert make_task_definition(family=family)["revision"] == 3
    with pytest.raises(ClientError):  # ecs/DeleteTaskDefinitionsRequest: "You can specify up to 10 task definitions"
        ecs.delete_task_definitions(taskDefinitions=[f"{family}:{number}" for number in range(1, 12)])
    ten = ecs.delete_task_definitions(taskDefinitions=[f"{family}:{number}" for number in range(11, 21)])
    assert len(ten["failures"]) == 10
