"""The client of an experiment, and the proxies through which it finds tasks, in which faults can change answers."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from botocore.credentials import Credentials

from surveyor.callers import (
    DISCOVERY,
    MODELS,
    RETRY_AFTER,
    Ask,
    CachePolicy,
    Client,
    ClientModel,
    RegistryClient,
    Request,
    ServiceEndpoints,
    ViewContents,
    can_call,
    data_endpoint,
    discover_instances,
    make_client,
    question_of,
    recorded,
)
from surveyor.chaos.experiment import Experiment
from surveyor.chaos.fault_proxy import FaultProxy, Forward
from surveyor.errors import FeatureLacking
from surveyor.history import Recorder
from surveyor.observers.service_under_test import ServiceUnderTest
from surveyor.proxies import ProxyResponse, SigningUpstream, Upstream
from surveyor.targets.running import RunningTarget

__all__ = ["ClientCredentials", "endpoints_of", "plan_client", "resolver_of", "start_fault_proxy"]

SKEW = 1_200.0
"""Seconds; AWS rejects a signature from five minutes on (IAM User Guide, Signature Version 4), some services later."""

EXPIRY_MARGIN = 0.05
"""Wall seconds before its expiry from which an answer is no longer used: a call starts after it was decided on."""

API_CACHE_LIFETIME = 5.0
"""Service seconds for which a client by API keeps a response of DiscoverInstances."""

_MODELS: Mapping[str, ClientModel] = {
    "dns": ClientModel("dns", "DNS", "name", CachePolicy(None, RETRY_AFTER, margin=EXPIRY_MARGIN)),
    "api": ClientModel(
        "api",
        "DiscoverInstances",
        "registry",
        CachePolicy(API_CACHE_LIFETIME, API_CACHE_LIFETIME, serves_stale=True, margin=EXPIRY_MARGIN),
        health="HEALTHY",
    ),
}
"""The clients of experiments by how they find tasks. One question is enough for all calls of a second."""


@dataclass(frozen=True)
class ClientCredentials:
    """`own`: returns those of an account; `limited`: returns a function that limits them by statements of a policy."""

    own: Callable[[str], Credentials]
    limited: Callable[[], Callable[..., Any]]


def resolver_of(running: RunningTarget, service: ServiceUnderTest) -> tuple[str, int] | None:
    """Return the resolver of the service's VPC; None if the service has no name, or the target no DNS."""
    if not service.alias or "dns" not in running.features:
        return None
    server = running.resolver(service.account, service.region, service.vpc)
    return server.address, server.port


def start_fault_proxy(
    running: RunningTarget, service: ServiceUnderTest, resolver: tuple[str, int] | None, chance: random.Random
) -> FaultProxy:
    """Return started proxies before the registry and, if there is one, before a resolver."""
    forward, skewed = _forward(running, service), _forward(running, service, skew=SKEW)
    return FaultProxy.start(forward, resolver, random.Random(chance.random()), skewed)


def _forward(running: RunningTarget, service: ServiceUnderTest, skew: float = 0.0) -> Forward:
    """Return what forwards a client's requests to the registry.

    AWS rejects a request whose signature is for the proxy's address, so requests to AWS are signed again. There,
    instances are discovered at an endpoint of their own (the hostPrefix of these operations in the API model).
    """
    if running.target.is_local and not skew:
        return Upstream(running.endpoint)
    credentials = partial(running.clients.credentials, service.account)

    def upstream(endpoint: str) -> SigningUpstream:
        return SigningUpstream(endpoint, "servicediscovery", service.region, credentials, skew=skew)

    if running.endpoint != "AWS":
        return upstream(running.endpoint)
    endpoint = running.clients.client("servicediscovery", service.account, service.region).meta.endpoint_url
    control, data = upstream(endpoint), upstream(data_endpoint(endpoint))

    def forward(method: str, path: str, headers: dict[str, str], body: bytes) -> ProxyResponse:
        operation = headers.get("X-Amz-Target", "").rpartition(".")[2]
        return (data if operation in DISCOVERY else control)(method, path, headers, body)

    return forward


def endpoints_of(
    service: ServiceUnderTest, proxy: FaultProxy, account: str, scale: float, timeout: float, *, local: bool
) -> ServiceEndpoints:
    """Return the endpoints of a service for clients of `account`, behind the proxies in which faults change answers."""
    return ServiceEndpoints(
        port=service.port,
        alias=service.alias,
        resolver=proxy.names.address if proxy.names is not None else ("", 0),
        registry=proxy.url,
        account=account,
        secret="surveyor",  # noqa: S106  # accepted by the embedded target; requests to AWS are signed again by the proxy
        region=service.region,
        namespace=service.namespace,
        service=service.name,
        owner=service.account if account != service.account else "",
        load_balancer=service.load_balancer,
        proxy=service.proxy,
        client_task=service.client_task,
        request=Request(path=service.path, host=f"{service.alias}:{service.port}" if service.alias else ""),
        timeout=timeout,
        scale=scale,
        local=local,
    )


def plan_client(
    experiment: Experiment, endpoints: ServiceEndpoints, proxy: FaultProxy, credentials: ClientCredentials
) -> Callable[[Recorder, random.Random], Client]:
    """Return what makes the client of an experiment, whose questions are recorded. What takes time is done here."""
    if experiment.setup.resolve_by == "connect":
        return _plan_connected(endpoints)
    by_dns = experiment.setup.resolve_by == "dns" and proxy.names is not None
    model = _MODELS["dns" if by_dns else "api"]
    if by_dns:
        ask = question_of(model, endpoints)
    elif "permission.revoke" in experiment.faults:
        ask = _ask_as_permitted(endpoints, proxy, credentials.limited(), model.health)
    else:
        ask = _ask_registry(endpoints, partial(credentials.own, endpoints.account), model.health)
    view = "names" if by_dns else "healthy"
    return lambda recorder, chance: make_client(model, endpoints, chance, recorded(ask, recorder, view))


def _plan_connected(endpoints: ServiceEndpoints) -> Callable[[Recorder, random.Random], Client]:
    """Return what makes a client that calls by its Service Connect proxy, which it asks nothing."""
    model = MODELS["service-connect"]
    if not can_call(model, endpoints):
        raise FeatureLacking("this experiment calls by the Service Connect proxy of a client that it starts itself")
    return lambda recorder, chance: make_client(model, endpoints, chance)


def _ask_registry(endpoints: ServiceEndpoints, credentials: Callable[[], Credentials], health: str) -> Ask:
    registry = RegistryClient(endpoints.registry, endpoints.region, credentials)
    names = endpoints.namespace, endpoints.service
    return partial(discover_instances, registry, *names, health, endpoints.owner)


def _ask_as_permitted(
    endpoints: ServiceEndpoints, proxy: FaultProxy, limited_to: Callable[..., Any], health: str
) -> Ask:
    """Return what asks with credentials that lack the permission while the fault that revokes it is active."""
    everything = {"Effect": "Allow", "Action": "servicediscovery:*", "Resource": "*"}
    permitted, denied = limited_to(everything), limited_to({**everything, "Action": "ecs:*"})
    ask_permitted = _ask_registry(endpoints, lambda: permitted, health)
    ask_denied = _ask_registry(endpoints, lambda: denied, health)

    def ask() -> ViewContents:
        is_denied = proxy.hits("permission.revoke", "servicediscovery:DiscoverInstances")
        return (ask_denied if is_denied else ask_permitted)()

    return ask
