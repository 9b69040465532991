"""The configuration that an Envoy starts with (API v3); it asks for the members of its endpoints later.

Where AWS documents a figure it is used (ECS Developer Guide, Service Connect components): round robin, two retries that
avoid the host tried before, five failures eject a host for 30 to 300 s, 15 s for a request. Where it does not, Envoy's
own defaults stay: among them three retries at once for each endpoint, and panic routing once most hosts are ejected.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from surveyor_emulator.runtime.envoy.discovery import discovery_cluster, endpoint_source, share_match, shares_layer
from surveyor_emulator.runtime.envoy.running import ADMIN

from .values import AccessLog, Endpoint, Inbound, Plan, Protocol, Secrets

__all__ = [
    "DRAIN",
    "EGRESS",
    "INGRESS",
    "LOG",
    "RETRIES",
    "Json",
    "configuration",
    "inbound_timeout",
    "render",
    "resource_name",
    "share_key",
    "wall_duration",
]

LOG = "access.log"
DRAIN = 20.0
"""Service seconds that AWS's own agent waits for a listener to drain (README of amazon-ecs-service-connect-agent,
LISTENER_DRAIN_WAIT_TIME_S)."""
EGRESS, INGRESS, LOCAL = "egress", "ingress", "local"
RETRIES = 2
CONSECUTIVE_FAILURES, EJECTION, MAX_EJECTION = 5, 30.0, 300.0
# How often Envoy checks whether an ejected host may return; its own default of 10 s would prolong ejections by as much.
EJECTION_CHECK_INTERVAL = 1.0
# No document says which share of hosts may be ejected. With Envoy's own 10 % no host of fewer than ten would ever be.
MAX_EJECTED_PERCENT = 100
# No document says which failures are retried, only that failed connections are. A connection that fails beyond the
# callee's own proxy arrives as a 503 from that proxy.
RETRY_ON = "connect-failure,refused-stream,reset,unavailable,cancelled,retriable-status-codes"
RETRY_STATUS_CODES = [503]
# Envoy's own defaults, in service seconds.
CONNECT_TIMEOUT, DRAIN_TIMEOUT, DELAYED_CLOSE_TIMEOUT = 5, 5, 1
# However short a service second is, a connection on a busy machine takes its wall time.
MIN_CONNECT_TIMEOUT = 0.1

_TYPE = "type.googleapis.com/envoy"
_HTTP = f"{_TYPE}.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
_TCP = f"{_TYPE}.extensions.filters.network.tcp_proxy.v3.TcpProxy"
_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
_CONNECTIONS = f"{_TYPE}.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig"
_PREVIOUS = f"{_TYPE}.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"

Json = dict[str, Any]


def resource_name(endpoint: Endpoint, network: str, part: Literal["all", "blue", "green"] = "all") -> str:
    """Return the name by which proxies in a network ask for an endpoint's members.

    Where a deployment shifts traffic, all have weights that make the shares; a proxy that knows blue and green members
    makes the shares itself.
    """
    return f"{endpoint.key}.{network}" if part == "all" else f"{endpoint.key}.{network}.{part}"


def share_key(endpoint: Endpoint) -> str:
    """Return the key of the share of calls that go to the new tasks of an endpoint."""
    return f"shift.{endpoint.key}"


def render(plan: Plan, folder: Path) -> str:
    """Return `configuration` as JSON text."""
    return json.dumps(configuration(plan, folder))


def configuration(plan: Plan, folder: Path) -> Json:
    """Return the bootstrap configuration of a task's proxy.

    ``folder`` is the proxy's own; its parent is shared by all proxies and has the discovery socket.
    """
    connections = {"@type": _CONNECTIONS, "max_active_downstream_connections": 50_000}
    monitor = {"name": "envoy.resource_monitors.global_downstream_max_connections", "typed_config": connections}
    local: Json = {"cluster_manager": {"local_cluster_name": LOCAL}} if plan.zone_aware is not None else {}
    return {
        "node": {"id": plan.outer, "cluster": "service-connect", "locality": {"zone": plan.zone}},
        **local,
        "layered_runtime": {"layers": [shares_layer()]},
        "admin": {"address": {"pipe": {"path": str(folder / ADMIN)}}},
        "overload_manager": {"resource_monitors": [monitor]},
        "static_resources": {
            "listeners": list(_listeners(plan, folder)),
            "clusters": [discovery_cluster(folder.parent), *_clusters(plan)],
        },
    }


def inbound_timeout(plan: Plan) -> str:
    """Return for how long a callee's proxy waits for a response: without limit, the caller's proxy has the limit."""
    return wall_duration(0, plan)


def wall_duration(seconds: float, plan: Plan) -> str:
    """Return service seconds as a duration of Envoy's, in wall seconds; 0 stays 0, which is no limit."""
    return f"{seconds * plan.second:.4f}s" if seconds else "0s"


def _connect_timeout(plan: Plan) -> str:
    return f"{max(CONNECT_TIMEOUT * plan.second, MIN_CONNECT_TIMEOUT):.4f}s"


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
            route = {"match": {"prefix": "/"}, "route": {"cluster": name, "timeout": inbound_timeout(plan)}}
            filters = _filter(_HTTP, _http(name, [route], port, plan, folder))
        chain: Json = {"filters": filters}
        if port.encrypted and plan.secrets is not None and plan.secrets.certificate is not None:
            chain["transport_socket"] = _downstream_tls(plan.secrets.certificate)
        yield {**_listener(name, plan.outer, port.port, "INBOUND"), "filter_chains": [chain]}
    for port_number in plan.through:
        name = f"through.{port_number}"
        filters = _filter(_TCP, {"stat_prefix": name, "cluster": name, "idle_timeout": "0s"})
        yield {**_listener(name, plan.outer, port_number, "INBOUND"), "filter_chains": [{"filters": filters}]}


def _clusters(plan: Plan) -> Iterator[Json]:
    if plan.zone_aware is not None:
        # Zone-aware routing compares the zones of an endpoint with those of the caller's own service.
        yield {
            "name": LOCAL,
            "type": "EDS",
            "eds_cluster_config": endpoint_source(plan.zone_aware.local),
            "common_lb_config": {"update_merge_window": "0s"},
        }
    for number, (endpoint, _) in enumerate(plan.outbound):
        name = f"{EGRESS}.{number}"
        if endpoint.test_header is None:
            yield _outbound(name, endpoint, resource_name(endpoint, plan.network), plan)
        else:
            yield _outbound(name, endpoint, resource_name(endpoint, plan.network, "blue"), plan)
            yield _outbound(f"{name}.test", endpoint, resource_name(endpoint, plan.network, "green"), plan)
    offered = [(f"{INGRESS}.{number}", port.to, port.protocol) for number, port in enumerate(plan.inbound)]
    for name, to, protocol in [*offered, *((f"through.{port}", port, "tcp") for port in plan.through)]:
        yield {
            "name": name,
            "connect_timeout": _connect_timeout(plan),
            **_protocol_options(protocol),
            "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [_host(plan.inner, to)]}]},
        }


def _outbound(name: str, endpoint: Endpoint, resource: str, plan: Plan) -> Json:
    cluster: Json = {
        "name": name,
        "type": "EDS",
        "eds_cluster_config": endpoint_source(resource),
        "lb_policy": "ROUND_ROBIN",
        "common_lb_config": _load_balancing(plan),
        "connect_timeout": _connect_timeout(plan),
        "outlier_detection": {
            "consecutive_5xx": CONSECUTIVE_FAILURES,
            "interval": wall_duration(EJECTION_CHECK_INTERVAL, plan),
            "base_ejection_time": wall_duration(EJECTION, plan),
            "max_ejection_time": wall_duration(MAX_EJECTION, plan),
            "max_ejection_percent": MAX_EJECTED_PERCENT,
            "enforcing_success_rate": 0,
        },
        # Callees see which task calls.
        "upstream_bind_config": {"source_address": {"address": plan.outer, "port_value": 0}},
        **_protocol_options(endpoint.protocol),
    }
    if endpoint.authority is not None and plan.secrets is not None:
        cluster["transport_socket"] = _upstream_tls(plan.secrets, endpoint.host_name)
    return cluster


def _load_balancing(plan: Plan) -> Json:
    # Envoy would merge changes for a wall second, which is no service second.
    common: Json = {"update_merge_window": "0s"}
    if plan.zone_aware is not None:
        common["zone_aware_lb_config"] = {
            "routing_enabled": {"value": 100},
            "min_cluster_size": plan.zone_aware.min_endpoints,
        }
    return common


def _routes(endpoint: Endpoint, cluster: str, plan: Plan) -> list[Json]:
    retry = {
        "retry_on": RETRY_ON,
        "retriable_status_codes": RETRY_STATUS_CODES,
        "num_retries": RETRIES,
        "retry_host_predicate": [
            {"name": "envoy.retry_host_predicates.previous_hosts", "typed_config": {"@type": _PREVIOUS}}
        ],
        "host_selection_retry_max_attempts": 5,
    }
    common = {"timeout": wall_duration(endpoint.request, plan), "retry_policy": retry}
    if endpoint.idle:
        common["idle_timeout"] = wall_duration(endpoint.idle, plan)
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
        shifted = {"prefix": "/", **share_match(share_key(endpoint))}
        routes.append({"match": shifted, "route": {**common, "cluster": f"{cluster}.test"}})
    return [*routes, {"match": {"prefix": "/"}, "route": {**common, "cluster": cluster}}]


def _http(name: str, routes: list[Json], limits: Endpoint | Inbound, plan: Plan, folder: Path) -> Json:
    return {
        "stat_prefix": name,
        "route_config": {"name": name, "virtual_hosts": [{"name": name, "domains": ["*"], "routes": routes}]},
        "http_filters": [
            {
                "name": "envoy.filters.http.router",
                "typed_config": {"@type": f"{_TYPE}.extensions.filters.http.router.v3.Router"},
            }
        ],
        "common_http_protocol_options": {"idle_timeout": wall_duration(limits.idle, plan)},
        # The route limits the time between two bytes of a call; Envoy's own five minutes would overrule it.
        "stream_idle_timeout": "0s",
        "drain_timeout": wall_duration(DRAIN_TIMEOUT, plan),
        "delayed_close_timeout": wall_duration(DELAYED_CLOSE_TIMEOUT, plan),
        "access_log": _log(plan, folder, "http"),
    }


def _tcp(name: str, idle: float, plan: Plan) -> Json:
    return {"stat_prefix": name, "cluster": name, "idle_timeout": wall_duration(idle, plan)}


def _filter(kind: str, options: Json) -> list[Json]:
    return [{"name": kind.rpartition(".")[2], "typed_config": {"@type": kind, **options}}]


def _listener(name: str, address: str, port: int, direction: str) -> Json:
    socket = {"socket_address": {"address": address, "port_value": port}}
    return {"name": name, "address": socket, "traffic_direction": direction, "stat_prefix": name}


def _host(address: str, port: int) -> Json:
    return {"endpoint": {"address": {"socket_address": {"address": address, "port_value": port}}}}


def _protocol_options(protocol: Protocol | str) -> Json:
    if protocol not in ("http2", "grpc"):
        return {}
    options = {"@type": f"type.googleapis.com/{_OPTIONS}", "explicit_http_config": {"http2_protocol_options": {}}}
    return {"typed_extension_protocol_options": {_OPTIONS: options}}


def _downstream_tls(certificate: str) -> Json:
    """Accept TLS 1.3 and nothing older (ECS Developer Guide, Encrypt Amazon ECS Service Connect traffic)."""
    common = {
        "tls_params": {"tls_minimum_protocol_version": "TLSv1_3", "tls_maximum_protocol_version": "TLSv1_3"},
        "tls_certificate_sds_secret_configs": [_secret("certificate", certificate)],
        "alpn_protocols": ["h2", "http/1.1"],
    }
    kind = f"{_TYPE}.extensions.transport_sockets.tls.v3.DownstreamTlsContext"
    return {"name": "envoy.transport_sockets.tls", "typed_config": {"@type": kind, "common_tls_context": common}}


def _upstream_tls(secrets: Secrets, host: str) -> Json:
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
        log_format: Json = {"json_format": fields}
    else:
        log_format = {"text_format_source": {"inline_string": " ".join(fields.values()) + "\n"}}
    return [
        {
            "name": "envoy.access_loggers.file",
            "typed_config": {
                "@type": f"{_TYPE}.extensions.access_loggers.file.v3.FileAccessLog",
                "path": str(folder / LOG),
                "log_format": log_format,
            },
        }
    ]


def _fields(log: AccessLog, kind: str) -> dict[str, str]:
    """Return Envoy's command operators, under the names of the JSON examples (Envoy, Access logging)."""
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
