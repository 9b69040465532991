"""What a Service Connect configuration may be.

ecs ServiceConnectConfiguration and what it holds; ECS Developer Guide, Service Connect components (what is not
supported) and Encrypt Amazon ECS Service Connect traffic. Errors are InvalidParameterException unless another is named.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from surveyor_emulator.aws.cloudmap.state import CloudMapState, Namespace
from surveyor_emulator.aws.ecs.lookup import find_published, invalid_parameter
from surveyor_emulator.aws.ecs.state import (
    Cluster,
    ConnectConfiguration,
    LogTarget,
    OfferedEndpoint,
    Port,
    TaskDefinition,
)
from surveyor_emulator.aws.ram.state import is_shared
from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call
from surveyor_emulator.runtime.envoy.binary import INSTALL, binary
from surveyor_emulator.runtime.service_connect.values import HTTP_IDLE, REQUEST_TIMEOUT, TCP_IDLE, AccessLog

from .authorities import authority

__all__ = ["check_names_free", "connect"]

LONGEST_ALIAS = 127
_DISCOVERY_NAME = re.compile(r"[a-z0-9_][a-z0-9_-]{0,63}")
_ALIAS = re.compile(r"[a-z0-9_][a-z0-9_.-]*")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}")
TEST_HEADER = "x-amzn-ecs-blue-green-test"
"""ECS Developer Guide, Service Connect resources for blue/green deployments: unless a rule names another."""

DefinitionInput = Mapping[str, Any]


def connect(
    call: Call, within: Cluster, definition: TaskDefinition, request: DefinitionInput, launch: str
) -> ConnectConfiguration | None:
    """The configuration of a request to create or update a service; None where it is off."""
    given = request.get("serviceConnectConfiguration")
    if given is None or not given["enabled"]:
        return None
    if binary() is None:
        raise ServiceError("UnsupportedFeatureException", f"this target has no Service Connect: {INSTALL}")
    _refuse_unsupported(definition, request, launch)
    reference = given.get("namespace") or within.connect_namespace
    if not reference:
        raise invalid_parameter("Service Connect needs a namespace: the service's, or its cluster's default")
    namespace, owner = _namespace(call, reference)
    blue_green = (request.get("deploymentConfiguration") or {}).get("strategy") == "BLUE_GREEN"
    services = [
        _offered(call, definition, namespace, one, blue_green=blue_green) for one in given.get("services") or ()
    ]
    _refuse_doubles(definition, services)
    log = _log(given)
    access = given.get("accessLogConfiguration")
    if access is not None and given.get("logConfiguration") is None:
        raise invalid_parameter("accessLogConfiguration needs a logConfiguration")
    levels = [one["logLevel"] for one in given.get("containerConfigurations") or () if "logLevel" in one]
    if len(levels) > 1:
        raise invalid_parameter("each setting of containerConfigurations appears only once")
    return ConnectConfiguration(
        namespace.id,
        namespace.name,
        namespace.arn,
        owner,
        tuple(services),
        log,
        AccessLog(access["format"] == "JSON", access.get("includeQueryParameters") == "ENABLED") if access else None,
        levels == ["debug"],
        document={**given, "namespace": namespace.arn},
    )


def check_names_free(call: Call, wanted: ConnectConfiguration, service_arn: str) -> None:
    """Names are to be unique in the namespace, across accounts; and what is there may not change its protocol."""
    there = find_published(call, wanted.owner, wanted.namespace_id)
    registry = call.world.regional(CloudMapState, wanted.owner, call.region)
    for one in wanted.offered:
        for other in there:
            mine = other.service_arn == service_arn
            same = other.endpoint.discovery_name == one.discovery_name
            if same and not mine:
                raise invalid_parameter(f"discoveryName {one.discovery_name} is used by {other.service_arn}")
            if same and other.endpoint.protocol != one.protocol:
                raise invalid_parameter(
                    f"appProtocol of {one.discovery_name} cannot be changed: delete the service, make it anew"
                )
            if not same and (other.endpoint.alias, other.endpoint.port) == (one.alias, one.port) and not mine:
                raise invalid_parameter(f"the client alias {one.alias}:{one.port} is used by {other.service_arn}")
        found = registry.services_by_name.get((wanted.namespace_id, one.discovery_name))
        if found is not None and found.id not in {other.endpoint.key for other in there}:
            raise invalid_parameter(f"the namespace has a service {one.discovery_name}, which is not Service Connect's")


def _refuse_unsupported(definition: TaskDefinition, request: DefinitionInput, launch: str) -> None:
    controller = (request.get("deploymentController") or {"type": "ECS"})["type"]
    if controller != "ECS":
        raise invalid_parameter(f"Service Connect is not supported with the deployment controller {controller}")
    if launch in ("EXTERNAL", "MANAGED_INSTANCES"):
        raise ServiceError("UnsupportedFeatureException", f"Service Connect does not support {launch}")
    family = (definition.document.get("runtimePlatform") or {}).get("operatingSystemFamily") or "LINUX"
    if family.startswith("WINDOWS"):
        raise invalid_parameter("Service Connect does not support Windows containers")
    if definition.network_mode not in ("awsvpc", "bridge"):
        raise invalid_parameter(f"Service Connect does not support the network mode {definition.network_mode}")


def _namespace(call: Call, reference: str) -> tuple[Namespace, str]:
    owner = call.account
    if reference.startswith("arn:"):
        owner = reference.split(":")[4] if reference.count(":") >= 5 else ""
    held = call.world.regional(CloudMapState, owner, call.region)
    by_arn = f"arn:aws:servicediscovery:{call.region}:{owner}:namespace/"
    found = (
        held.namespaces.get(reference.removeprefix(by_arn))
        if reference.startswith(by_arn)
        else held.namespaces_by_http_name.get(reference)
    )
    if found is None or found.deleting:
        raise ServiceError("NamespaceNotFoundException", f"The namespace {reference} was not found.")
    if owner != call.account and not is_shared(call.world, found.arn, call.account, for_ecs=True):
        raise ServiceError("NamespaceNotFoundException", f"The namespace {reference} is not shared for use by ECS.")
    return found, owner


def _offered(
    call: Call, definition: TaskDefinition, namespace: Namespace, given: DefinitionInput, *, blue_green: bool
) -> OfferedEndpoint:
    container, port = _port(definition, given["portName"])
    name = given.get("discoveryName") or given["portName"]
    if not _DISCOVERY_NAME.fullmatch(name):
        raise invalid_parameter(
            "a discoveryName has up to 64 lowercase letters, digits, underscores and hyphens, none in front"
        )
    aliases: list[DefinitionInput] = list(given.get("clientAliases") or [])
    if len(aliases) != 1:
        raise invalid_parameter(f"{name} needs one client alias, and can have no more")
    alias = aliases[0].get("dnsName") or f"{name}.{namespace.name}"
    if len(alias) > LONGEST_ALIAS or not _ALIAS.fullmatch(alias) or ".." in alias:
        raise invalid_parameter(
            f"a client alias has up to {LONGEST_ALIAS} lowercase letters, digits, underscores, hyphens, dots"
        )
    listened, override = aliases[0]["port"], given.get("ingressPortOverride")
    if not listened or override == 0:
        raise invalid_parameter("a port is from 1 to 65535")
    timeout: DefinitionInput = given.get("timeout") or {}
    http = port.app_protocol != "tcp"
    if not http and timeout.get("perRequestTimeoutSeconds") is not None:
        raise invalid_parameter("perRequestTimeoutSeconds is not for TCP")
    return OfferedEndpoint(
        name,
        alias,
        listened,
        container,
        port.container,
        override,
        port.app_protocol,
        _seconds(timeout.get("idleTimeoutSeconds"), HTTP_IDLE if http else TCP_IDLE),
        _seconds(timeout.get("perRequestTimeoutSeconds"), REQUEST_TIMEOUT if http else 0.0),
        _authority(call, definition, given.get("tls")),
        _test_header(aliases[0].get("testTrafficRules"), http=http) if blue_green else None,
    )


def _port(definition: TaskDefinition, name: str) -> tuple[str, Port]:
    for container in definition.containers:
        for port in container.ports:
            if port.name == name:
                if port.protocol != "tcp":
                    raise invalid_parameter("Service Connect is for TCP ports")
                return container.name, port
    raise invalid_parameter(f"The portName {name} does not exist in the task definition.")


def _test_header(rules: DefinitionInput | None, *, http: bool) -> tuple[str, str | None] | None:
    if not http:
        return None
    if not rules:
        return TEST_HEADER, None
    header = rules["header"]
    if not _HEADER.fullmatch(header["name"]):
        raise invalid_parameter(f"{header['name']!r} is no name of a header")
    return header["name"].lower(), (header.get("value") or {}).get("exact")


def _refuse_doubles(definition: TaskDefinition, offered: list[OfferedEndpoint]) -> None:
    for what, values in (
        ("discoveryName", [one.discovery_name for one in offered]),
        ("client alias", [(one.alias, one.port) for one in offered]),
        ("port", [(one.container, one.container_port) for one in offered]),
        ("ingress port", [one.ingress_port or one.container_port for one in offered]),
    ):
        if len(set(values)) < len(values):
            raise invalid_parameter(f"each {what} is to be named once")
    taken = {port.container for container in definition.containers for port in container.ports}
    if definition.network_mode == "awsvpc" and any(one.ingress_port in taken for one in offered):
        raise invalid_parameter("an ingressPortOverride is to be a port that no container has")


def _authority(call: Call, definition: TaskDefinition, tls: DefinitionInput | None) -> str | None:
    if tls is None:
        return None
    if definition.network_mode != "awsvpc":
        raise invalid_parameter("TLS needs the network mode awsvpc")
    arn = tls["issuerCertificateAuthority"].get("awsPcaAuthorityArn")
    if not arn:
        raise invalid_parameter("tls needs issuerCertificateAuthority.awsPcaAuthorityArn")
    authority(call, arn)
    return str(arn)


def _log(given: DefinitionInput) -> LogTarget | None:
    log = given.get("logConfiguration")
    if log is None or log["logDriver"] != "awslogs":
        return None
    options = log.get("options") or {}
    if not options.get("awslogs-group") or not options.get("awslogs-region"):
        raise invalid_parameter("the log driver awslogs needs the options awslogs-group and awslogs-region")
    return LogTarget(
        options["awslogs-group"],
        options["awslogs-region"],
        options.get("awslogs-stream-prefix") or "",
        options.get("awslogs-create-group") == "true",
    )


def _seconds(given: int | None, default: float) -> float:
    return default if given is None else float(given)
