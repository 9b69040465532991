"""Rules for a Service Connect configuration.

ecs ServiceConnectConfiguration and its members; ECS Developer Guide, Service Connect components (what is not
supported) and Encrypt Amazon ECS Service Connect traffic. Errors are InvalidParameterException unless another is named.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from surveyor_emulator.aws.cloudmap.state import CloudMapState, Namespace
from surveyor_emulator.aws.ecs.lookup import find_published, invalid_parameter, namespace_not_found
from surveyor_emulator.aws.ecs.state import (
    Cluster,
    ConnectConfiguration,
    LogTarget,
    OfferedEndpoint,
    Port,
    TaskDefinition,
)
from surveyor_emulator.aws.resource_shares import is_shared
from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call
from surveyor_emulator.runtime.envoy.binary import INSTALL, binary
from surveyor_emulator.runtime.service_connect.values import HTTP_IDLE, REQUEST_TIMEOUT, TCP_IDLE, AccessLog

from .authorities import find_authority

__all__ = ["check_names_free", "parse_configuration"]

MAX_ALIAS_LENGTH = 127
_DISCOVERY_NAME = re.compile(r"[a-z0-9_][a-z0-9_-]{0,63}")
_ALIAS = re.compile(r"[a-z0-9_][a-z0-9_.-]*")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}")
TEST_HEADER = "x-amzn-ecs-blue-green-test"
"""ECS Developer Guide, Service Connect resources for blue/green deployments: the header unless a rule names another."""

JsonObject = Mapping[str, Any]


def parse_configuration(
    call: Call, cluster: Cluster, definition: TaskDefinition, request: JsonObject, launch_type: str
) -> ConnectConfiguration | None:
    """Return the configuration of a request to create or update a service; None if Service Connect is not enabled."""
    document = request.get("serviceConnectConfiguration")
    if document is None or not document["enabled"]:
        return None
    if binary() is None:
        raise ServiceError("UnsupportedFeatureException", f"this target has no Service Connect: {INSTALL}")
    _refuse_unsupported(definition, request, launch_type)
    reference = document.get("namespace") or cluster.connect_namespace
    if not reference:
        raise invalid_parameter("Service Connect needs a namespace: the service's, or its cluster's default")
    namespace, owner = _find_namespace(call, reference)
    shifts = (request.get("deploymentConfiguration") or {}).get("strategy", "ROLLING") != "ROLLING"
    offered = [
        _parse_service(call, definition, namespace, service, shifts_traffic=shifts)
        for service in document.get("services") or ()
    ]
    _refuse_duplicates(definition, offered)
    log_target = _parse_log_target(document)
    access = document.get("accessLogConfiguration")
    if access is not None and document.get("logConfiguration") is None:
        raise invalid_parameter("accessLogConfiguration needs a logConfiguration")
    configurations = document.get("containerConfigurations") or ()
    levels = [configuration["logLevel"] for configuration in configurations if "logLevel" in configuration]
    if len(levels) < len(configurations):
        raise invalid_parameter("each object of containerConfigurations has exactly one setting")
    if len(levels) > 1:
        raise invalid_parameter("each setting of containerConfigurations appears only once")
    return ConnectConfiguration(
        namespace.id,
        namespace.name,
        namespace.arn,
        owner,
        tuple(offered),
        log_target,
        AccessLog(access["format"] == "JSON", access.get("includeQueryParameters") == "ENABLED") if access else None,
        levels == ["debug"],
        document={**document, "namespace": namespace.arn},
    )


def check_names_free(call: Call, connect: ConnectConfiguration, service_arn: str) -> None:
    """Raise if another service has one of the names: they are unique in the namespace, across accounts.

    An endpoint that exists cannot change its protocol either, nor can an alias move to another endpoint of its service.
    """
    in_namespace = find_published(call, connect.owner, connect.namespace_id)
    keys = {published.endpoint.key for published in in_namespace}
    cloudmap = call.world.regional(CloudMapState, connect.owner, call.region)
    for offered in connect.offered:
        name = offered.discovery_name
        for published in in_namespace:
            endpoint, is_own = published.endpoint, published.service_arn == service_arn
            same_name = endpoint.discovery_name == name
            if same_name and not is_own:
                raise _already_used(published.service_arn, connect)
            if same_name and endpoint.protocol != offered.protocol:
                raise invalid_parameter(
                    f"appProtocol of {name} cannot be changed: delete the service and create it again"
                )
            same_alias = (endpoint.alias, endpoint.port) == (offered.alias, offered.port)
            if not same_name and same_alias:
                raise invalid_parameter(
                    f"ClientAlias {offered.alias}:{offered.port} is already used by service with discovery name "
                    f"{endpoint.discovery_name} in namespace {connect.namespace_arn}"
                )
        existing = cloudmap.services_by_name.get((connect.namespace_id, name))
        if existing is not None and existing.id not in keys:
            raise _already_used(existing.arn, connect)


def _already_used(arn: str, connect: ConnectConfiguration) -> ServiceError:
    return invalid_parameter(f"SC service is already used by {arn} in namespace {connect.namespace_arn}")


def _refuse_unsupported(definition: TaskDefinition, request: JsonObject, launch_type: str) -> None:
    controller = (request.get("deploymentController") or {"type": "ECS"})["type"]
    if controller != "ECS":
        raise invalid_parameter(f"Service Connect is not supported with the deployment controller {controller}")
    if launch_type in ("EXTERNAL", "MANAGED_INSTANCES"):
        raise ServiceError("UnsupportedFeatureException", f"Service Connect does not support {launch_type}")
    family = (definition.document.get("runtimePlatform") or {}).get("operatingSystemFamily") or "LINUX"
    if family.startswith("WINDOWS"):
        raise invalid_parameter("Service Connect does not support Windows containers")
    if definition.network_mode not in ("awsvpc", "bridge"):
        raise invalid_parameter(f"Service Connect does not support the network mode {definition.network_mode}")
    if not definition.document.get("memory"):
        raise invalid_parameter("Service Connect needs a task definition that sets the memory of the task")


def _find_namespace(call: Call, reference: str) -> tuple[Namespace, str]:
    """Return the namespace of a name or ARN, and its account. Raises NamespaceNotFoundException."""
    owner = f"{reference}:::::".split(":")[4] if reference.startswith("arn:") else call.account
    state = call.world.peek(CloudMapState, owner, call.region)
    prefix = f"arn:aws:servicediscovery:{call.region}:{owner}:namespace/"
    namespace = (
        state.namespaces.get(reference.removeprefix(prefix))
        if reference.startswith(prefix)
        else state.namespaces_by_http_name.get(reference)
    )
    if namespace is None:
        raise namespace_not_found(reference)
    if owner != call.account and not is_shared(call.world, namespace.arn, call.account, for_ecs=True):
        raise ServiceError("NamespaceNotFoundException", f"The namespace {reference} is not shared for use by ECS.")
    return namespace, owner


def _parse_service(
    call: Call, definition: TaskDefinition, namespace: Namespace, service: JsonObject, *, shifts_traffic: bool
) -> OfferedEndpoint:
    """Return the endpoint of one ServiceConnectService."""
    container, port = _find_port(definition, service["portName"])
    name = service.get("discoveryName") or service["portName"]
    if not _DISCOVERY_NAME.fullmatch(name):
        raise invalid_parameter(
            "a discoveryName has up to 64 lowercase letters, digits, underscores and hyphens, and does not begin "
            "with a hyphen"
        )
    aliases: list[JsonObject] = list(service.get("clientAliases") or [])
    if len(aliases) != 1:
        raise invalid_parameter("clientAliases must have 1 element.")
    alias = aliases[0].get("dnsName") or f"{name}.{namespace.name}"
    if len(alias) > MAX_ALIAS_LENGTH or not _ALIAS.fullmatch(alias) or ".." in alias:
        raise invalid_parameter(
            f"a client alias has up to {MAX_ALIAS_LENGTH} lowercase letters, digits, underscores, hyphens, dots"
        )
    alias_port, override = aliases[0]["port"], service.get("ingressPortOverride")
    if not alias_port or override == 0:
        raise invalid_parameter("a port is from 1 to 65535")
    timeout: JsonObject = service.get("timeout") or {}
    idle, request = timeout.get("idleTimeoutSeconds"), timeout.get("perRequestTimeoutSeconds")
    http = port.app_protocol != "tcp"
    if not http and request is not None:
        raise invalid_parameter("perRequestTimeoutSeconds is not for TCP")
    return OfferedEndpoint(
        name,
        alias,
        alias_port,
        container,
        port.container,
        override,
        port.app_protocol,
        _seconds_or(idle, HTTP_IDLE if http else TCP_IDLE),
        _seconds_or(request, REQUEST_TIMEOUT if http else 0.0),
        (idle or 0, request or 0),
        _parse_authority(call, definition, service.get("tls")),
        _parse_test_header(aliases[0].get("testTrafficRules"), http=http) if shifts_traffic else None,
    )


def _find_port(definition: TaskDefinition, name: str) -> tuple[str, Port]:
    """Return the named port, and the name of its container."""
    for container in definition.containers:
        for port in container.ports:
            if port.name == name:
                if port.protocol != "tcp":
                    raise invalid_parameter("Service Connect is for TCP ports")
                return container.name, port
    raise invalid_parameter(f"portName({name}) does not refer to any named PortMapping in the container definitions.")


def _parse_test_header(rules: JsonObject | None, *, http: bool) -> tuple[str, str | None] | None:
    """Return the name of the header for test traffic, and its exact value (None: any); None for TCP."""
    if not http:
        return None
    if not rules:
        return TEST_HEADER, None
    header = rules["header"]
    if not _HEADER.fullmatch(header["name"]):
        raise invalid_parameter(f"{header['name']!r} is not a valid name of a header")
    return header["name"].lower(), (header.get("value") or {}).get("exact")


def _refuse_duplicates(definition: TaskDefinition, offered: list[OfferedEndpoint]) -> None:
    for kind, values in (
        ("discoveryName", [endpoint.discovery_name for endpoint in offered]),
        ("client alias", [(endpoint.alias, endpoint.port) for endpoint in offered]),
        ("port", [(endpoint.container, endpoint.container_port) for endpoint in offered]),
        ("ingress port", [endpoint.ingress_port or endpoint.container_port for endpoint in offered]),
    ):
        if len(set(values)) < len(values):
            raise invalid_parameter(f"each {kind} may be named only once")
    ports = {port.container for container in definition.containers for port in container.ports}
    if definition.network_mode == "awsvpc" and any(endpoint.ingress_port in ports for endpoint in offered):
        raise invalid_parameter("an ingressPortOverride must be a port that no container has")


def _parse_authority(call: Call, definition: TaskDefinition, tls: JsonObject | None) -> str | None:
    """Return the ARN of the certificate authority, which must be usable; None without TLS."""
    if tls is None:
        return None
    if definition.network_mode != "awsvpc":
        raise invalid_parameter("TLS needs the network mode awsvpc")
    arn = tls["issuerCertificateAuthority"].get("awsPcaAuthorityArn")
    if not arn:
        raise invalid_parameter("tls needs issuerCertificateAuthority.awsPcaAuthorityArn")
    find_authority(call, arn)
    return str(arn)


def _parse_log_target(document: JsonObject) -> LogTarget | None:
    """Return the destination of the log driver awslogs; None for other drivers."""
    log = document.get("logConfiguration")
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


def _seconds_or(seconds: int | None, default: float) -> float:
    return default if seconds is None else float(seconds)
