"""Services outside the subject of this target: answered by moto in the same process, loaded with their first request.

EventBridge and SQS, so that anybody can hear of ECS's events; CloudWatch with its logs, and AWS Private CA, for Service
Connect; IAM has a room of its own, which hands on likewise. Services have their signing names here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.http import Request, Response
from surveyor_emulator.core.world import Call, World
from surveyor_emulator.protocols import Wire
from surveyor_emulator.protocols.api_models import service_model
from surveyor_emulator.protocols.json import JsonWire
from surveyor_emulator.server.signature import Credential, Scope

__all__ = ["answer", "forward_to_moto", "load"]


@dataclass(frozen=True, slots=True)
class _Hosted:
    """Where moto has a service, and the name of botocore's model of it."""

    model: str
    module: str
    name: str


_CLASSES: Mapping[str, _Hosted] = {
    "acm-pca": _Hosted("acm-pca", "moto.acmpca.responses", "ACMPCAResponse"),
    "events": _Hosted("events", "moto.events.responses", "EventsHandler"),
    "logs": _Hosted("logs", "moto.logs.responses", "LogsResponse"),
    "monitoring": _Hosted("cloudwatch", "moto.cloudwatch.responses", "CloudWatchResponse"),
    "sqs": _Hosted("sqs", "moto.sqs.responses", "SQSResponse"),
}

_TOLD = ("content-type", "x-amzn-errortype", "smithy-protocol", "x-amzn-query-error")

# moto waits in the thread that everything here runs in; a client that asks again at once hears as soon.
_WAIT = re.compile(rb'"WaitTimeSeconds"\s*:\s*\d+')


def load(service: str) -> None:
    """Import what answers a service; takes some tenths of a second the first time."""
    import_module(_CLASSES[service].module)


def answer(
    world: World, service: str, request: Request, scope: Scope, authenticate: Callable[[], Credential]
) -> Response:
    """The answer to one request: who asks and whether that is allowed is decided here, all else by moto."""
    found = _CLASSES[service]
    in_cbor = "smithy-protocol" in request.headers
    wire: Wire = JsonWire(service_model(found.model))
    asked = request.headers.get("x-amz-target", "").rpartition(".")[2]
    if in_cbor:
        from surveyor_emulator.protocols.cbor import CborWire

        wire, asked = CborWire(service_model(found.model)), request.path.rpartition("/")[2]
    try:
        credential = authenticate()
        call = Call(world, credential.account, scope.region, credential.principal, service, asked, credential.caller)
        if credential.caller is not None:
            from surveyor_emulator.aws.iam.authorise import authorise  # only where there is anybody but owners

            authorise(call, credential.caller, {})
        body = _WAIT.sub(b'"WaitTimeSeconds":0', request.body) if service == "sqs" else request.body
        responses = getattr(import_module(found.module), found.name)
        return forward_to_moto(responses, found.model, request, body, credential.account, world.endpoint)
    except ServiceError as error:
        return wire.refuse(asked, error, f"{world.chance_of_requests.getrandbits(128):032x}")


def forward_to_moto(responses: Any, service: str, request: Request, body: bytes, account: str, at: str) -> Response:
    """Have moto's class of responses answer, as of that account; `at` is the URL that it takes itself to be at."""
    from moto.core.request import Request as MotoRequest

    query = f"?{request.query}" if request.query else ""
    headers = {**request.headers, "x-moto-account-id": account}
    asked = MotoRequest.from_primitives(request.method, f"{at}{request.path}{query}", headers, body)
    try:
        status, answered, content = responses.dispatch(asked)
    except NotImplementedError as lacking:
        raise ServiceError("NotImplemented", f"moto's {service} does not offer this: {lacking}", status=501) from None
    told = {name: str(value) for name, value in answered.items() if name.lower() in _TOLD}
    return Response(int(status), content.encode() if isinstance(content, str) else content, told)
