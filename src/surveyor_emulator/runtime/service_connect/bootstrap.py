"""The configuration that an Envoy starts with (its API is v3); who is behind an endpoint it asks later.

Where AWS documents a figure it is used (ECS Developer Guide, Service Connect components): round robin, two retries that
avoid the host tried before, five failures eject a host for 30 to 300 s, 15 s for a request. Where it does not, Envoy's
own defaults stay: among them three retries at once for each endpoint, and panic routing once most hosts are ejected.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from surveyor_emulator.runtime.envoy.discovery import asks, config_of
from surveyor_emulator.runtime.envoy.running import ADMIN

from .flaws import spoiled
from .values import REQUEST_TIMEOUT, AccessLog, Endpoint, Inbound, Plan, Protocol, Secrets

__all__ = ["DRAIN", "EGRESS", "INGRESS", "LOG", "RETRIES", "name_of", "render"]

LOG = "access.log"
# AWS's own agent waits so long for a listener to drain (README of amazon-ecs-service-connect-agent,
# LISTENER_DRAIN_WAIT_TIME_S).
DRAIN = 20.0
EGRESS, INGRESS = "egress", "ingress"
RETRIES = 2
FAILURES, EJECTED, LONGEST_EJECTED = 5, 30.0, 300.0
# How often Envoy looks whether an ejected host may return; its own default of 10 s would add as much.
LOOK_AT_EJECTED = 1.0
# No document says which share of hosts may be ejected. With Envoy's own 10 % none of less than ten would ever be.
MOST_EJECTED = 100
# No document says which failures are retried, only that connections that fail are. A connection that fails beyond the
# callee's own proxy comes as a 503 of that.
RETRIED = "connect-failure,refused-stream,reset,unavailable,cancelled,retriable-status-codes"
RETRIED_STATUS = [503]

_TYPE = "type.googleapis.com/envoy"
_HTTP = f"{_TYPE}.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
_TCP = f"{_TYPE}.extensions.filters.network.tcp_proxy.v3.TcpProxy"
_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
_CONNECTIONS = f"{_TYPE}.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig"
_PREVIOUS = f"{_TYPE}.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"

Json = dict[str, Any]


def name_of(endpoint: Endpoint, network: str, *, test: bool = False) -> str:
    """By which proxies ask for an endpoint's members as a network sees them, or for those of test traffic."""
    return f"{endpoint.key}.{network}{'.test' if test else ''}"


def render(plan: Plan, folder: Path) -> str:
    """The configuration as JSON. ``folder`` is the proxy's own, in the one that all share."""
    return json.dumps(
        spoiled(
            {
                "node": {"id": plan.outer, "cluster": "service-connect"},
                "admin": {"address": {"pipe": {"path": str(folder / ADMIN)}}},
                "overload_manager": {
                    "resource_monitors": [
                        {
                            "name": "envoy.resource_monitors.global_downstream_max_connections",
                            "typed_config": {
                                "@type": _CONNECTIONS,
                                "max_active_downstream_connections": 50_000,
                            },
                        }
                    ]
                },
                "static_resources": {
                    "listeners": list(_listeners(plan, folder)),
                    "clusters": [config_of(folder.parent), *_clusters(plan)],
                },
            },
            plan.flaw,
        )
    )


def _listeners(plan: Plan, folder: Path) -> Iterator[Json]:
    for number, (endpoint, address) in enumerate(plan.outbound):
        name = f"{EGRESS}.{number}"
        if endpoint.protocol == "tcp":
            proxy = {
                **_tcp(name, endpoint.idle, plan),
                "max_connect_attempts": RETRIES + 1,
                "access_log": _log(plan, folder, "tcp"),
            }
            filters = _filter(_TCP, proxy)
        else:
            filters = _filter(_HTTP, _http(name, _routes(endpoint, name, plan), endpoint, plan, folder))
        yield {**_listener(name, address, endpoint.port, "OUTBOUND"), "filter_chains": [{"filters": filters}]}
    for number, port in enumerate(plan.inbound):
        name = f"{INGRESS}.{number}"
        if port.protocol == "tcp":
            filters = _filter(_TCP, {**_tcp(name, port.idle, plan), "access_log": _log(plan, folder, "tcp")})
        else:
            # Who limits a request's time is the client's proxy.
            limit = _seconds(REQUEST_TIMEOUT if plan.flaw == "times-everything" else 0, plan)
            route = [{"match": {"prefix": "/"}, "route": {"cluster": name, "timeout": limit}}]
            filters = _filter(_HTTP, _http(name, route, port, plan, folder))
        chain: Json = {"filters": filters}
        if port.encrypted and plan.secrets is not None and plan.secrets.certificate is not None:
            chain["transport_socket"] = _serves(plan.secrets.certificate)
        yield {**_listener(name, plan.outer, port.port, "INBOUND"), "filter_chains": [chain]}
    for port_number in plan.through:
        name = f"through.{port_number}"
        filters = _filter(_TCP, {"stat_prefix": name, "cluster": name, "idle_timeout": "0s"})
        yield {**_listener(name, plan.outer, port_number, "INBOUND"), "filter_chains": [{"filters": filters}]}


def _clusters(plan: Plan) -> Iterator[Json]:
    for number, (endpoint, _) in enumerate(plan.outbound):
        name = f"{EGRESS}.{number}"
        yield _outbound(name, endpoint, name_of(endpoint, plan.network), plan)
        if endpoint.test_header is not None:
            yield _outbound(f"{name}.test", endpoint, name_of(endpoint, plan.network, test=True), plan)
    inside = [(f"{INGRESS}.{number}", port.to, port.protocol) for number, port in enumerate(plan.inbound)]
    for name, to, protocol in [*inside, *((f"through.{port}", port, "tcp") for port in plan.through)]:
        yield {
            "name": name,
            "connect_timeout": _seconds(5, plan),
            **_speaks(protocol),
            "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [_host(plan.inner, to)]}]},
        }


def _outbound(name: str, endpoint: Endpoint, asked: str, plan: Plan) -> Json:
    made: Json = {
        "name": name,
        "type": "EDS",
        "eds_cluster_config": asks(asked),
        "lb_policy": "ROUND_ROBIN",
        "common_lb_config": {"update_merge_window": "0s"},  # a wall second of Envoy's own is no service second
        "connect_timeout": _seconds(5, plan),  # Envoy's own
        "outlier_detection": {
            "consecutive_5xx": FAILURES,
            "interval": _seconds(LOOK_AT_EJECTED, plan),
            "base_ejection_time": _seconds(EJECTED, plan),
            "max_ejection_time": _seconds(LONGEST_EJECTED, plan),
            "max_ejection_percent": MOST_EJECTED,
            "enforcing_success_rate": 0,
        },
        # Callees see which task calls.
        "upstream_bind_config": {"source_address": {"address": plan.outer, "port_value": 0}},
        **_speaks(endpoint.protocol),
    }
    if endpoint.authority is not None and plan.secrets is not None:
        made["transport_socket"] = _calls(plan.secrets, endpoint.host_name)
    return made


def _routes(endpoint: Endpoint, cluster: str, plan: Plan) -> list[Json]:
    retry = {
        "retry_on": RETRIED,
        "retriable_status_codes": RETRIED_STATUS,
        "num_retries": RETRIES,
        "retry_host_predicate": [
            {"name": "envoy.retry_host_predicates.previous_hosts", "typed_config": {"@type": _PREVIOUS}}
        ],
        "host_selection_retry_max_attempts": 5,
    }
    common = {"timeout": _seconds(endpoint.request, plan), "retry_policy": retry}
    if endpoint.idle:
        common["idle_timeout"] = _seconds(endpoint.idle, plan)
    routes: list[Json] = []
    if endpoint.test_header is not None:
        name, value = endpoint.test_header
        matches = {"present_match": True} if value is None else {"string_match": {"exact": value}}
        routes.append(
            {
                "match": {"prefix": "/", "headers": [{"name": name, **matches}]},
                "route": {**common, "cluster": f"{cluster}.test"},
            }
        )
    return [*routes, {"match": {"prefix": "/"}, "route": {**common, "cluster": cluster}}]


def _http(name: str, routes: list[Json], of: Endpoint | Inbound, plan: Plan, folder: Path) -> Json:
    return {
        "stat_prefix": name,
        "codec_type": "AUTO",
        "route_config": {"name": name, "virtual_hosts": [{"name": name, "domains": ["*"], "routes": routes}]},
        "http_filters": [
            {
                "name": "envoy.filters.http.router",
                "typed_config": {"@type": f"{_TYPE}.extensions.filters.http.router.v3.Router"},
            }
        ],
        "common_http_protocol_options": {"idle_timeout": _seconds(of.idle, plan)},
        # What is between two bytes of a call is the route's affair; Envoy's own five minutes would overrule it.
        "stream_idle_timeout": "0s",
        # Envoy's own.
        "drain_timeout": _seconds(5, plan),
        "delayed_close_timeout": _seconds(1, plan),
        "use_remote_address": False,
        "skip_xff_append": True,
        "access_log": _log(plan, folder, "http"),
    }


def _tcp(name: str, idle: float, plan: Plan) -> Json:
    return {"stat_prefix": name, "cluster": name, "idle_timeout": _seconds(idle, plan)}


def _filter(kind: str, options: Json) -> list[Json]:
    return [{"name": kind.rpartition(".")[2], "typed_config": {"@type": kind, **options}}]


def _listener(name: str, address: str, port: int, direction: str) -> Json:
    place = {"socket_address": {"address": address, "port_value": port}}
    return {"name": name, "address": place, "traffic_direction": direction, "stat_prefix": name}


def _host(address: str, port: int) -> Json:
    return {"endpoint": {"address": {"socket_address": {"address": address, "port_value": port}}}}


def _speaks(protocol: Protocol | str) -> Json:
    if protocol not in ("http2", "grpc"):
        return {}
    options = {"@type": f"type.googleapis.com/{_OPTIONS}", "explicit_http_config": {"http2_protocol_options": {}}}
    return {"typed_extension_protocol_options": {_OPTIONS: options}}


def _serves(certificate: str) -> Json:
    """TLS 1.3 and nothing older (ECS Developer Guide, Encrypt Amazon ECS Service Connect traffic)."""
    common = {
        "tls_params": {"tls_minimum_protocol_version": "TLSv1_3", "tls_maximum_protocol_version": "TLSv1_3"},
        "tls_certificate_sds_secret_configs": [_secret("certificate", certificate)],
        "alpn_protocols": ["h2", "http/1.1"],
    }
    kind = f"{_TYPE}.extensions.transport_sockets.tls.v3.DownstreamTlsContext"
    return {"name": "envoy.transport_sockets.tls", "typed_config": {"@type": kind, "common_tls_context": common}}


def _calls(secrets: Secrets, host: str) -> Json:
    validation = {
        "trusted_ca": {"filename": secrets.trusted},
        "match_typed_subject_alt_names": [{"san_type": "DNS", "matcher": {"exact": host}}],
    }
    common = {
        "tls_params": {"tls_minimum_protocol_version": "TLSv1_3", "tls_maximum_protocol_version": "TLSv1_3"},
        "validation_context": validation,
    }
    kind = f"{_TYPE}.extensions.transport_sockets.tls.v3.UpstreamTlsContext"
    options = {"@type": kind, "sni": host, "common_tls_context": common}
    return {"name": "envoy.transport_sockets.tls", "typed_config": options}


def _secret(name: str, file: str) -> Json:
    return {"name": name, "sds_config": {"path_config_source": {"path": file}, "resource_api_version": "V3"}}


def _log(plan: Plan, folder: Path, kind: str) -> list[Json]:
    if plan.access_log is None:
        return []
    fields = _fields(plan.access_log, kind)
    if plan.access_log.json:
        form: Json = {"json_format": fields}
    else:
        form = {"text_format_source": {"inline_string": " ".join(fields.values()) + "\n"}}
    return [
        {
            "name": "envoy.access_loggers.file",
            "typed_config": {
                "@type": f"{_TYPE}.extensions.access_loggers.file.v3.FileAccessLog",
                "path": str(folder / LOG),
                "log_format": form,
            },
        }
    ]


def _fields(log: AccessLog, kind: str) -> dict[str, str]:
    """Envoy's command operators by the names that its own JSON examples have (Envoy, Access logging)."""
    fields = {
        "start_time": "%START_TIME%",
        "protocol": "%PROTOCOL%",
        "response_flags": "%RESPONSE_FLAGS%",
        "bytes_received": "%BYTES_RECEIVED%",
        "bytes_sent": "%BYTES_SENT%",
        "duration": "%DURATION%",
        "downstream_remote_address": "%DOWNSTREAM_REMOTE_ADDRESS%",
        "downstream_local_address": "%DOWNSTREAM_LOCAL_ADDRESS%",
        "upstream_host": "%UPSTREAM_HOST%",
        "upstream_cluster": "%UPSTREAM_CLUSTER%",
    }
    if kind == "tcp":
        del fields["protocol"]
        return fields
    path = "%REQ(:PATH)%" if log.query_parameters else "%PATH(NQ)%"
    request = {"method": "%REQ(:METHOD)%", "path": path, "response_code": "%RESPONSE_CODE%"}
    return {
        "start_time": fields.pop("start_time"),
        **request,
        **fields,
        "upstream_service_time": "%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)%",
        "user_agent": "%REQ(USER-AGENT)%",
        "request_id": "%REQ(X-REQUEST-ID)%",
        "authority": "%REQ(:AUTHORITY)%",
    }


def _seconds(service: float, plan: Plan) -> str:
    return f"{service * plan.second:.4f}s" if service else "0s"
