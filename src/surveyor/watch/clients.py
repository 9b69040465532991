"""The clients that call the service of a watch, and a first call of each, before anything is recorded."""

from __future__ import annotations

import ipaddress
import random
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from surveyor.account.failed_calls import describe_failed_call
from surveyor.account.refusals import DENIED
from surveyor.callers import (
    EVERYWHERE,
    MODELS,
    NO_ANSWER,
    Ask,
    AttemptResult,
    CachePolicy,
    Client,
    ClientModel,
    ServiceEndpoints,
    Tls,
    ask_by_revision,
    discover_instances,
    fixed,
    make_client,
    resolve_name,
)
from surveyor.callers import can_call as can_find
from surveyor.callers.client_models import Source
from surveyor.dns import DnsAddress
from surveyor.errors import SurveyorError, TargetUnavailable, UsageError
from surveyor.messages import nearest
from surveyor.observers.service_under_test import ServiceUnderTest
from surveyor.watch.settings import CLIENTS, WatchSettings

__all__ = [
    "DIRECT",
    "WATCH_MODELS",
    "FirstCall",
    "WatchedClients",
    "longest_cache",
    "make_clients",
    "own_proxy",
    "require_permission",
    "require_questions",
    "try_clients",
]

DIRECT = ClientModel(
    "tasks",
    "the addresses of the tasks that serve, as the last poll found them, called directly",
    "registry",
    CachePolicy(1.0, 1.0),
)
"""No client of the service: it shows what old and new tasks answer where a load balancer or a proxy hides them."""

WATCH_MODELS: Mapping[str, ClientModel] = {**{name: MODELS[name] for name in EVERYWHERE}, DIRECT.name: DIRECT}
"""All client models that a watch can use: API Gateway is not asked for its own address."""

COPIES = 4
"""Clients of each model: their caches run out at different times, as those of many clients do."""

DNS_TIMEOUT = 2.0
"""Wall seconds."""

_LACKS: Mapping[Source, str] = {
    "name": "the service has no A records",
    "registry": "the service has no registry",
    "revision": "the service has no registry",
    "balancer": "the service has no load balancer",
    "proxy": "the service offers nothing by Service Connect",
    "gateway": "no watch has a stand-in for API Gateway",
}

UNREACHABLE = "no connection in time"


@dataclass(frozen=True)
class WatchedClients:
    """The clients of each model; `left_out`: why a model that the service could have does not call.

    `endpoints`: what the clients of each model call, for other processes that call.
    """

    by_model: Mapping[str, tuple[Client, ...]]
    left_out: Mapping[str, str]
    endpoints: Mapping[str, ServiceEndpoints]


@dataclass(frozen=True)
class FirstCall:
    """The first call of a client model."""

    model: str
    address: str
    port: int
    result: AttemptResult

    @property
    def where(self) -> str:
        """Return the address and the port."""
        return f"{self.address}:{self.port}"

    def __str__(self) -> str:
        answer = self.result.error or f"status {self.result.status}"
        return f"{self.model} called {self.where}: {answer}" if self.address else f"{self.model}: {answer}"


def make_clients(
    service: ServiceUnderTest,
    settings: WatchSettings,
    cloudmap: Callable[[], Any],
    serving: Ask | None,
    resolver: tuple[str, int] | None,
    scale: float,
    *,
    local: bool,
    wrap: Callable[[Ask, Source], Ask] = lambda ask, source: ask,
) -> WatchedClients:
    """Return the clients that call the service. `serving` asks for the addresses of the tasks that serve.

    `wrap`: returns what the first client of each model asks instead of a question, by its source.

    Raises UsageError for an unknown model, and for one that the user named and the service has nothing for.
    """
    endpoints = _endpoints(service, settings, resolver, scale, local=local)
    models = WATCH_MODELS
    chance = random.Random(settings.seed)
    by_model: dict[str, tuple[Client, ...]] = {}
    of_models: dict[str, ServiceEndpoints] = {}
    left_out: dict[str, str] = {}

    def add(model: ClientModel) -> None:
        own = of_models[model.name] = replace(endpoints, request=_request(model, service, settings))
        by_model[model.name] = tuple(_copies(model, own, cloudmap, serving, chance, wrap))

    for name in settings.clients or CLIENTS:
        if name not in models:
            raise UsageError(f"--client: there is no client model {name!r}{nearest(name, models)}")
        lacking = _lacking(models[name], endpoints, service, serving)
        if lacking and settings.clients:
            raise UsageError(f"--client {name}: {lacking}")
        if lacking:
            left_out |= {} if lacking in _LACKS.values() else {name: lacking}
            continue
        add(models[name])
    indirect = all(models[name].is_indirect for name in by_model)
    if indirect and serving is not None and not settings.clients:
        add(DIRECT)
    if not by_model:
        reasons = "; ".join(f"{name}: {why}" for name, why in left_out.items()) or "its tasks cannot be found"
        raise UsageError(f"no client can call {service.cluster}/{service.service} from here: {reasons}")
    return WatchedClients(by_model, left_out, of_models)


def require_permission(ask: Callable[[], object]) -> None:
    """Ask once. Raises SurveyorError if that is not permitted; what is refused otherwise may be answered later."""
    try:
        ask()
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in DENIED:
            raise SurveyorError(describe_failed_call(error.operation_name, error.response)) from None
    except NO_ANSWER:
        pass


def require_questions(clients: WatchedClients, cloudmap: Callable[[], Any]) -> None:
    """Ask Cloud Map once what each client asks it. Raises SurveyorError if that is not permitted."""
    for name, endpoints in clients.endpoints.items():
        if name != DIRECT.name and WATCH_MODELS[name].source in ("registry", "revision"):
            require_permission(_question(WATCH_MODELS[name], endpoints, cloudmap))


def try_clients(clients: WatchedClients) -> tuple[WatchedClients, list[FirstCall]]:
    """Make one call of each model; return those that reach the service, and what each got.

    Raises UsageError if the service refuses what is called, TargetUnavailable if it cannot be reached from here.
    """
    trials = []
    for name, copies in clients.by_model.items():
        choice = copies[0].choose()
        address, result = copies[0].call(choice)
        trials.append(FirstCall(name, address, choice.port, result))
    _check_statuses(trials, clients)
    reached = [trial for trial in trials if trial.result.error not in (UNREACHABLE, "not callable from here")]
    if not reached:
        raise TargetUnavailable(
            f"the service cannot be reached from this machine ({trials[0]}): run where its clients run, in the VPC, "
            "and let the security group of the tasks accept this machine"
        )
    lost = {trial.model: f"cannot be reached from here: {trial}" for trial in trials if trial not in reached}
    kept = {trial.model: clients.by_model[trial.model] for trial in reached}
    return replace(clients, by_model=kept, left_out={**clients.left_out, **lost}), trials


def longest_cache(clients: WatchedClients, ttl: float) -> float:
    """Return the service seconds for which a client may use what it found, at most; `ttl`: of the records.

    A client that never asks again is not waited for.
    """
    lifetimes = [0.0]
    for name in clients.by_model:
        model = WATCH_MODELS[name]
        kept = ttl if model.source == "name" and model.policy.positive is None else model.policy.positive or 0.0
        lifetimes += [kept] if kept < 86_400 else []
    return max(lifetimes)


def _check_statuses(trials: list[FirstCall], clients: WatchedClients) -> None:
    answered = [trial for trial in trials if trial.result.status]
    request = next(iter(clients.by_model.values()))[0].request
    if answered and all(300 <= trial.result.status < 500 and trial.result.outcome != "ok" for trial in answered):
        trial = answered[0]
        hint = {
            301: "name the path it leads to, or --tls if it leads to https",
            302: "name the path it leads to, or --tls if it leads to https",
            400: "if it speaks TLS, add --tls; if it needs a name, add --host",
            404: "name a path that exists with --path",
            421: "name the host that it serves with --host",
            429: "lower --rate",
        }.get(trial.result.status, "name another --path, or add --header 'Name: value'")
        raise UsageError(
            f"{trial.model}: {request.method} {request.path} at {trial.where} was answered with status "
            f"{trial.result.status}, which is not expected: {hint}; if it is right, add --expect {trial.result.status}"
        )
    unsafe = next((trial for trial in trials if trial.result.error.startswith("tls:")), None)
    if unsafe is not None and not answered:
        raise UsageError(
            f"{unsafe}: if it speaks plain HTTP, leave out --tls; if its certificate has another name, add "
            "--host NAME, or --insecure to accept any"
        )


def own_proxy(service: ServiceUnderTest) -> tuple[str, int]:
    """Return the address and port of this machine's Service Connect proxy, ("", 0) if it is no client of the service.

    In a client's task the alias is in /etc/hosts, with a loopback address (ECS Developer Guide, "Service Connect").
    """
    if service.connect is None:
        return "", 0
    try:
        found = socket.getaddrinfo(service.connect.dns_name, service.connect.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return "", 0
    addresses = [str(address[0]) for *_, address in found if ipaddress.ip_address(address[0]).is_loopback]
    return (addresses[0], service.connect.port) if addresses else ("", 0)


def _endpoints(
    service: ServiceUnderTest, settings: WatchSettings, resolver: tuple[str, int] | None, scale: float, *, local: bool
) -> ServiceEndpoints:
    return ServiceEndpoints(
        port=settings.port or service.port,
        alias=service.alias,
        resolver=resolver or ("", 0),
        account=service.account,
        region=service.region,
        namespace=service.namespace,
        service=service.name,
        load_balancer=service.load_balancer,
        proxy=settings.proxy if settings.proxy[0] else own_proxy(service),
        request=settings.request,
        rate=settings.rate,
        timeout=settings.timeout,
        scale=scale,
        local=local,
    )


def _lacking(model: ClientModel, endpoints: ServiceEndpoints, service: ServiceUnderTest, serving: Ask | None) -> str:
    """Return why a model cannot call the service from here, "" if it can."""
    if model is DIRECT:
        return "" if serving is not None else "neither a load balancer nor Service Connect lists its tasks"
    if can_find(model, endpoints) and (model.source != "balancer" or endpoints.resolver[0]):
        return ""
    dns = "--dns control" if endpoints.local else "--dns ADDRESS:PORT of the VPC's resolver"
    if model.source == "name" and service.alias:
        return f"nothing here resolves {service.alias}: add {dns}"
    if model.source == "balancer" and service.load_balancer[0]:
        return f"nothing here resolves {service.load_balancer[0]}: add {dns}"
    if model.source == "proxy" and service.connect is not None:
        return "Service Connect is called from a client's task alone: run in one, or add --proxy HOST:PORT of its proxy"
    return _LACKS[model.source]


def _copies(
    model: ClientModel,
    endpoints: ServiceEndpoints,
    cloudmap: Callable[[], Any],
    serving: Ask | None,
    chance: random.Random,
    wrap: Callable[[Ask, Source], Ask],
) -> Iterator[Client]:
    for number in range(COPIES):
        if model is DIRECT and serving is not None:
            ask = serving
        else:
            ask = _question(model, endpoints, cloudmap)
            ask = wrap(ask, model.source) if number == 0 else ask
        share = (number + 1) / COPIES
        yield make_client(model, endpoints, random.Random(chance.random()), ask, first_share=share)


def _question(model: ClientModel, endpoints: ServiceEndpoints, cloudmap: Callable[[], Any]) -> Ask:
    names = endpoints.namespace, endpoints.service
    match model.source:
        case "name" | "balancer":
            name = endpoints.alias if model.source == "name" else endpoints.load_balancer[0]
            return partial(resolve_name, DnsAddress(*endpoints.resolver), name, DNS_TIMEOUT)
        case "registry":
            return partial(discover_instances, cloudmap(), *names, model.health)
        case "revision":
            return ask_by_revision(cloudmap(), *names, model.health)
        case "proxy":
            return partial(fixed, endpoints.proxy)
        case "gateway":
            return partial(fixed, endpoints.gateway)


def _request(model: ClientModel, service: ServiceUnderTest, settings: WatchSettings) -> Any:
    """Return the request with the Host header that such a client sends, and with TLS where the listener demands it."""
    request = settings.request
    if request.host:
        return request
    port = settings.port or service.port
    name, port = {
        "name": (service.alias, port),
        "balancer": service.load_balancer,
        "proxy": (service.connect.dns_name, service.connect.port) if service.connect else ("", 0),
    }.get(model.source, ("", 0))
    host = f"{name}:{port}" if name and port not in (80, 443) else name
    # The name of a load balancer is not in the certificate of the service behind it.
    tls = request.tls or (Tls(verify=False) if model.source == "balancer" and service.balancer_tls else None)
    return replace(request, host=host, tls=tls)
