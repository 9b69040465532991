"""Requests to IAM: verified and decided on as any other, then answered by moto."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.http import Request, Response
from surveyor_emulator.core.world import Call, World
from surveyor_emulator.protocols.api_models import service_model
from surveyor_emulator.protocols.query import QueryWire
from surveyor_emulator.server.signature import Credential

from . import moto_store
from .authorise import authorise

__all__ = ["answer"]


def answer(world: World, request: Request, authenticate: Callable[[], Credential]) -> Response:
    """The answer to one request. Parameters are moto's to read; only the action's name is taken from them here."""
    asked = parse_qs(request.body.decode("utf-8", "replace")).get("Action", [""])[0]
    try:
        credential = authenticate()
        if credential.caller is not None:
            region = world.settings.region
            call = Call(world, credential.account, region, credential.principal, "iam", asked, credential.caller)
            authorise(call, credential.caller, {})
        return moto_store.answer(request, credential.account)
    except ServiceError as error:
        request_id = f"{world.chance_of_requests.getrandbits(128):032x}"
        return QueryWire(service_model("iam"), ec2=False).refuse(asked, error, request_id)
