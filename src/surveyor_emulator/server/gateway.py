"""The request pipeline: one HTTP port for every AWS service of the emulator.

Each request passes the same steps, whatever answers its service: find the service by the scope of the signature,
authenticate, parse, validate, authorise, resolve the account, handle, serialise. A request is read once: permission is
asked for the operation and the parameters that the handler gets, and of the request that arrived it gets nothing else.
What goes wrong on the way is answered as AWS would answer it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from types import ModuleType
from typing import Any

from surveyor_emulator.aws.iam.permission_request import PermissionRequest
from surveyor_emulator.core.errors import ConnectionCut, ServiceError
from surveyor_emulator.core.http import CUT, Request, Response
from surveyor_emulator.core.settings import Settings
from surveyor_emulator.core.world import Call, Conditions, World

from .authentication import authenticate
from .backends import Backend, load_backend
from .presigned import read_presigned
from .services import SERVICES, guess_service
from .signature import Authorization, Credential, read_authorization

__all__ = ["Gateway"]

CONTROL_PREFIX = "/_surveyor/"
KEPT_CALLS = 1_000

log = logging.getLogger(__name__)


class Gateway:
    """Answers requests; ``control`` answers those under ``/_surveyor/``."""

    def __init__(self, world: World, control: Callable[[Request], Awaitable[Response]]) -> None:
        self._world = world
        self._control = control
        self._backends: dict[str, Backend] = {}
        self._loading: dict[str, asyncio.Task[Backend]] = {}
        self._authorisation: ModuleType | None = None
        self._settings: Settings | None = None
        # Calls hold nothing of a single request: those of the latest credentials are kept, with the credential of each.
        self._calls: dict[tuple[int, str, str, str], tuple[Credential, Call]] = {}

    def __call__(self, request: Request) -> Response | Awaitable[Response]:
        """Answer one request: at once, or after the modules of its service have been loaded."""
        if request.path.startswith(CONTROL_PREFIX):
            return self._control(request)
        authorization = read_authorization(request) or read_presigned(request)
        name = authorization[0].service if authorization is not None else _service_of_unsigned(request)
        if self._world.settings.traffic == "ruled" and not _may_ask(self._world, request.peer, name):
            return asyncio.get_running_loop().create_future()  # no answer ever: what has no way gets none
        backend = self._backends.get(name)
        if backend is not None:
            return self._respond(request, authorization, backend)
        if name not in SERVICES:
            return _text(400, f"the embedded target has no service {name!r}; it has {', '.join(sorted(SERVICES))}")
        return self._load_and_respond(request, authorization, name)

    async def preload(self, names: Iterable[str]) -> None:
        """Load the modules of services, one after another, so that their first requests need not wait for that."""
        for name in names:
            await self._load(name)

    async def _load_and_respond(self, request: Request, authorization: Authorization | None, name: str) -> Response:
        return self._respond(request, authorization, await self._load(name))

    async def _load(self, name: str) -> Backend:
        """Load a service once, however many requests wait for it, and whether or not their clients still do."""
        if name in self._backends:
            return self._backends[name]
        if name not in self._loading:
            # The model of EC2 takes tenths of a second: in a thread, so that other requests are served meanwhile.
            loading = asyncio.create_task(asyncio.to_thread(load_backend, SERVICES[name]))
            loading.add_done_callback(lambda _: self._loading.pop(name))
            self._loading[name] = loading
        self._backends[name] = await asyncio.shield(self._loading[name])
        return self._backends[name]

    def _respond(self, request: Request, authorization: Authorization | None, backend: Backend) -> Response:
        service, world = backend.service, self._world
        request_id = _uuid(world.request_random.getrandbits(128))
        wire = backend.wire(request)
        operation: str | None = None
        if world.settings is not self._settings:
            self._settings = world.settings
            world.conditions = _conditions(world)
        try:
            credential = authenticate(world, request, authorization, xml=service.xml)
            parsed = backend.read(wire, request)
            operation, params = parsed
            if authorization is not None and service.regional:
                region = authorization[0].region
            else:
                region = world.settings.region
            call = self._call(credential, region, service.name, operation)
            if call.caller is not None:
                self._authorise(call, params, backend.permission_requests(call, params))
            call = backend.resolve_account(call, params)
            if world.conditions is not None:
                world.conditions.admit(call)
            return backend.respond(call, parsed, wire, request_id)
        except ServiceError as error:
            return wire.write_error(operation, error, request_id)
        except ConnectionCut:
            return CUT
        except Exception:
            log.exception("no answer to %s %s", service.name, operation)
            failure = ServiceError(
                "InternalFailure", "the embedded target failed; its log has the traceback", status=500
            )
            return wire.write_error(operation, failure, request_id)

    def _call(self, credential: Credential, region: str, service: str, operation: str) -> Call:
        key = (id(credential), region, service, operation)
        kept = self._calls.get(key)
        if kept is not None and kept[0] is credential:
            return kept[1]
        account, principal, caller = credential.account, credential.principal, credential.caller
        call = Call(self._world, account, region, principal, service, operation, caller)
        if len(self._calls) >= KEPT_CALLS:
            self._calls.clear()
        self._calls[key] = (credential, call)
        return call

    def _authorise(self, call: Call, params: Mapping[str, Any], requests: Iterable[PermissionRequest]) -> None:
        if self._authorisation is None:
            # Imported late, with the policy engine: many runs have no users and no roles.
            from surveyor_emulator.aws.iam import authorise

            self._authorisation = authorise
        self._authorisation.authorise(call, params, requests)


def _conditions(world: World) -> Conditions | None:
    """Return the conditions of an account in use, if the settings have any."""
    settings = world.settings
    disturbed = settings.read_lag or settings.failures or settings.resets
    if settings.call_rates == "discovery" and settings.residents == "none" and not disturbed:
        return None
    from surveyor_emulator.staging import AccountInUse

    return AccountInUse(world)


def _may_ask(world: World, peer: str, service: str) -> bool:
    from surveyor_emulator.aws.ec2.traffic import may_ask  # most targets rule no traffic

    return may_ask(world, peer, service)


def _service_of_unsigned(request: Request) -> str:
    return guess_service(request.headers.get("x-amz-target", ""), request.path)


def _uuid(bits: int) -> str:
    text = bits.to_bytes(16, "big").hex("-", 2)  # eight groups of four digits: the first two and the last three are one
    return f"{text[:4]}{text[5:29]}{text[30:34]}{text[35:]}"


def _text(status: int, text: str) -> Response:
    return Response(status, f"{text}\n".encode(), {"Content-Type": "text/plain; charset=utf-8"})
