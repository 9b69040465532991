"""Callers of a service: how clients find tasks and call them, for chaos, load, watch and the suites.

A resolver gives addresses and keeps them as its policy says; an attempt is one request to one address without a retry;
a schedule says when. A client model combines them as data, and a client is one of that model. All of it works in
threads, and in greenlets where Locust runs.
"""

from __future__ import annotations

from surveyor.callers.answers import (
    NO_ANSWER,
    Address,
    Ask,
    ViewContents,
    discover_instances,
    fixed,
    recorded,
    resolve_name,
    resolve_services,
)
from surveyor.callers.architectures import ARCHITECTURES, Architecture
from surveyor.callers.attempt import AttemptOutcome, AttemptResult, Timeouts, attempt
from surveyor.callers.caller_thread import CallerThread
from surveyor.callers.client import Choice, Client, can_call, make_client, question_of
from surveyor.callers.client_models import EVERYWHERE, INDIRECT, MODELS, TOTAL_SHARE, ClientModel
from surveyor.callers.connection import Connection
from surveyor.callers.endpoints import ClientTask, ServiceEndpoints
from surveyor.callers.registry_client import CALLER_HEADER, DISCOVERY, RegistryClient, data_endpoint
from surveyor.callers.request import (
    ANSWERED,
    Request,
    Statuses,
    Tls,
    format_statuses,
    parse_header,
    parse_statuses,
)
from surveyor.callers.resolvers import RETRY_AFTER, CachePolicy, Known, Resolver, ask_by_revision
from surveyor.callers.schedule import Arrivals
from surveyor.callers.task_command import command_task

__all__ = [
    "ANSWERED",
    "ARCHITECTURES",
    "CALLER_HEADER",
    "DISCOVERY",
    "EVERYWHERE",
    "INDIRECT",
    "MODELS",
    "NO_ANSWER",
    "RETRY_AFTER",
    "TOTAL_SHARE",
    "Address",
    "Architecture",
    "Arrivals",
    "Ask",
    "AttemptOutcome",
    "AttemptResult",
    "CachePolicy",
    "CallerThread",
    "Choice",
    "Client",
    "ClientModel",
    "ClientTask",
    "Connection",
    "Known",
    "RegistryClient",
    "Request",
    "Resolver",
    "ServiceEndpoints",
    "Statuses",
    "Timeouts",
    "Tls",
    "ViewContents",
    "ask_by_revision",
    "attempt",
    "can_call",
    "command_task",
    "data_endpoint",
    "discover_instances",
    "fixed",
    "format_statuses",
    "make_client",
    "parse_header",
    "parse_statuses",
    "question_of",
    "recorded",
    "resolve_name",
    "resolve_services",
]
