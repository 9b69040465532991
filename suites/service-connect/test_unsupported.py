"""What Service Connect does not support: modes of networks, Windows, Classic Load Balancers, tasks without memory."""

import pytest
from botocore.exceptions import ClientError

from surveyor.testing import TASK_PORT, for_each, proves

HOST = {"requiresCompatibilities": None, "networkMode": "host"}
BRIDGE = {"requiresCompatibilities": None, "networkMode": "bridge"}
WINDOWS = {"runtimePlatform": {"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"}}
EC2 = {"launchType": "EC2"}
UNSUPPORTED = {
    "windows": {"definition": WINDOWS},
    "windows of 2019": {"definition": {"runtimePlatform": {"operatingSystemFamily": "WINDOWS_SERVER_2019_FULL"}}},
    "external controller": {"deploymentController": {"type": "EXTERNAL"}, "taskDefinition": None},
    "code deploy": {"deploymentController": {"type": "CODE_DEPLOY"}},
    "external instances": {"definition": BRIDGE, "launchType": "EXTERNAL"},
    "host mode": {"definition": HOST, **EC2},
}


def is_connected(service):
    """Return whether the primary deployment uses Service Connect."""
    [primary] = [entry for entry in service["deployments"] if entry["status"] == "PRIMARY"]
    return primary["serviceConnectConfiguration"]["enabled"]


@proves("service-connect.unsupported.refused")
@for_each("setting", UNSUPPORTED)
def test_an_unsupported_setting_is_refused(make_connect_service, setting):
    """CreateService raises an error for each unsupported setting, of a server and of a client."""
    for offers in ("backend", None):
        with pytest.raises(ClientError):
            make_connect_service(offers, count=0, **setting)


@proves("service-connect.unsupported.refused")
def test_an_update_to_an_unsupported_setting_is_refused(
    ecs, make_connect_service, make_task_definition, make_ecs_service, cluster, http_namespace
):
    """UpdateService of a server to Windows is refused, and Service Connect for a service in host mode."""
    server = make_connect_service("backend", count=0)
    container = {"portMappings": server.definition["containerDefinitions"][0]["portMappings"]}
    windows = make_task_definition(container=container, **WINDOWS)["taskDefinitionArn"]
    with pytest.raises(ClientError):
        ecs.update_service(cluster=cluster, service=server.service["serviceName"], taskDefinition=windows)
    in_host_mode = make_ecs_service(make_task_definition(**HOST), count=0, **EC2)
    in_bridge_mode = make_ecs_service(make_task_definition(**BRIDGE), count=0, **EC2)
    client = {"enabled": True, "namespace": http_namespace["Arn"]}

    def connect(service):
        name = service["serviceName"]
        return ecs.update_service(cluster=cluster, service=name, serviceConnectConfiguration=client)["service"]

    with pytest.raises(ClientError):
        connect(in_host_mode)
    assert is_connected(connect(in_bridge_mode))


@proves("service-connect.unsupported.no-task-memory")
@for_each("offers", ["backend", None])
def test_a_task_needs_memory(make_connect_service, offers):
    """A task definition with memory of its container only is refused; with memory of the task it is accepted."""
    # guide: "Task definitions must set the task memory limit to use Service Connect."
    container = {"memory": 256, "portMappings": [{"containerPort": TASK_PORT, "name": "web"}]}

    def create(memory):
        return make_connect_service(
            offers, count=0, container=container, definition={**BRIDGE, "memory": memory}, **EC2
        ).service

    with pytest.raises(ClientError):
        create(None)
    assert is_connected(create("512"))
