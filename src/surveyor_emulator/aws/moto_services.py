"""The AWS services that moto answers, inside this process: those that are not the subject of the emulator.

EventBridge and SQS deliver the events of ECS; CloudWatch, CloudWatch Logs and AWS Private CA belong to Service Connect.
moto is imported with the first request to one of them. Services have their signing names here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.http import Request, Response

__all__ = ["answer", "forward_to_moto", "load"]

# Signing name -> module and class of moto that answer it.
_CLASSES: Mapping[str, tuple[str, str]] = {
    "acm-pca": ("moto.acmpca.responses", "ACMPCAResponse"),
    "events": ("moto.events.responses", "EventsHandler"),
    "logs": ("moto.logs.responses", "LogsResponse"),
    "monitoring": ("moto.cloudwatch.responses", "CloudWatchResponse"),
    "sqs": ("moto.sqs.responses", "SQSResponse"),
}

_FORWARDED_HEADERS = ("content-type", "x-amzn-errortype", "smithy-protocol", "x-amzn-query-error")

# moto would wait in the thread that the whole emulator runs in; a client that polls again gets its message as soon.
_WAIT = re.compile(rb'"WaitTimeSeconds"\s*:\s*\d+')


def load(service: str) -> None:
    """Import the module of moto that answers a service; takes some tenths of a second the first time."""
    import_module(_CLASSES[service][0])


def answer(service: str, request: Request, account: str, endpoint: str) -> Response:
    """Answer a request whose caller is known to be allowed to make it."""
    module, name = _CLASSES[service]
    body = _WAIT.sub(b'"WaitTimeSeconds":0', request.body) if service == "sqs" else request.body
    return forward_to_moto(getattr(import_module(module), name), service, request, body, account, endpoint)


def forward_to_moto(
    responses: Any, service: str, request: Request, body: bytes, account: str, endpoint: str
) -> Response:
    """Return the response of moto's class ``responses`` to a request of an account.

    ``endpoint`` is the URL that moto takes for its own. Raises ServiceError for an operation that moto does not have.
    """
    from moto.core.request import Request as MotoRequest

    query = f"?{request.query}" if request.query else ""
    headers = {**request.headers, "x-moto-account-id": account}
    forwarded = MotoRequest.from_primitives(request.method, f"{endpoint}{request.path}{query}", headers, body)
    try:
        status, answered, content = responses.dispatch(forwarded)
    except NotImplementedError as error:
        raise ServiceError("NotImplemented", f"moto's {service} does not offer this: {error}", status=501) from None
    kept = {name: str(value) for name, value in answered.items() if name.lower() in _FORWARDED_HEADERS}
    return Response(int(status), content.encode() if isinstance(content, str) else content, kept)
