"""The gateway: one HTTP port for every AWS service of the embedded target.

A request is told apart by its signature's scope, verified, read in its protocol, held against botocore's model, and
handed to the handler of its operation. Whatever goes wrong on the way is answered as AWS would answer it.
"""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from surveyor_emulator.aws.cloudmap.shared import entered
from surveyor_emulator.aws.sts import sessions
from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.http import Request, Response
from surveyor_emulator.core.identifiers import is_account
from surveyor_emulator.core.world import Call, World
from surveyor_emulator.protocols import Wire, api_models
from surveyor_emulator.protocols.json import JsonWire

from .services import HOSTED, SERVICES, Service, handlers
from .signature import Credential, Problem, Scope, scope_of, verify

if TYPE_CHECKING:
    from surveyor_emulator.aws.iam.caller import Caller
    from surveyor_policies.model import PrincipalKind

__all__ = ["Gateway"]

CONTROL_PREFIX = "/_surveyor/"

# With one of these a request to Cloud Map may be about another account's namespace.
_OTHERS = {"Id", "NamespaceId", "ServiceId", "ResourceARN", "OwnerAccount"}

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Prepared:
    """What a service needs before its first answer."""

    service: Service
    wires: dict[str, Wire]


class Gateway:
    """Answers requests; ``control`` answers those under ``/_surveyor/``."""

    def __init__(self, world: World, control: Callable[[Request], Awaitable[Response]]) -> None:
        self._world = world
        self._control = control
        self._prepared: dict[str, _Prepared] = {}

    def __call__(self, request: Request) -> Response | Awaitable[Response]:
        """Answer one request: at once, or after what its service needs has been loaded."""
        if request.path.startswith(CONTROL_PREFIX):
            return self._control(request)
        scope = scope_of(request)
        name = scope.service if scope is not None else self._guess(request)
        prepared = self._prepared.get(name)
        if prepared is not None:
            return self._answer(request, scope, prepared)
        if name == "iam":
            return self._load_and_hand_on(request, scope)
        if name in HOSTED and scope is not None:
            return self._load_hosted(name, request, scope)
        if name not in SERVICES:
            return _text(400, f"the embedded target has no service {name!r}; it has {', '.join(sorted(SERVICES))}")
        return self._prepare_and_answer(request, scope, SERVICES[name])

    @staticmethod
    def _guess(request: Request) -> str:
        """The service of an unsigned request, so that its refusal comes in the right protocol."""
        target = request.headers.get("x-amz-target", "")
        if target.startswith("Route53AutoNaming") or request.path.startswith("/service/Route53AutoNaming"):
            return "servicediscovery"
        return "route53" if request.path.startswith("/2013-04-01/") else "sts"

    async def _prepare_and_answer(self, request: Request, scope: Scope | None, service: Service) -> Response:
        # EC2's model takes tenths of a second to load: in a thread, so that others are served meanwhile.
        prepared = await asyncio.to_thread(self._prepare, service)
        self._prepared[service.name] = prepared
        return self._answer(request, scope, prepared)

    async def _load_and_hand_on(self, request: Request, scope: Scope | None) -> Response:
        """IAM is moto's: who asks is verified here, what is asked for is answered there."""
        from surveyor_emulator.aws.iam import moto_store

        await asyncio.to_thread(moto_store.load)
        return self._answer_iam(request, scope)

    async def _load_hosted(self, name: str, request: Request, scope: Scope) -> Response:
        from surveyor_emulator.aws import moto_services

        await asyncio.to_thread(moto_services.load, name)
        return moto_services.answer(
            self._world, name, request, scope, lambda: self._authenticate(request, scope, xml=False)
        )

    def _answer_iam(self, request: Request, scope: Scope | None) -> Response:
        from surveyor_emulator.aws.iam.gate import answer

        return answer(self._world, request, lambda: self._authenticate(request, scope, xml=True))

    def prepare(self, name: str) -> None:
        """Load what a service needs now, rather than with its first request."""
        self._prepared[name] = self._prepare(SERVICES[name])

    def _prepare(self, service: Service) -> _Prepared:
        handlers(service.name)
        return _Prepared(service, {name: _wire(name, service) for name in service.wires})

    def _answer(self, request: Request, scope: Scope | None, prepared: _Prepared) -> Response:
        service = prepared.service
        chance = self._world.chance_of_requests
        request_id = _uuid(chance.getrandbits(128))
        wire = _spoken(request, prepared)
        operation: str | None = None
        try:
            credential = self._authenticate(request, scope, xml=service.xml)
            parsed = wire.parse(request)
            operation = parsed.operation
            handler = handlers(service.name).get(parsed.operation)
            if handler is None:
                raise ServiceError(
                    "NotImplemented",
                    f"the embedded target does not offer {service.name}:{parsed.operation}",
                    status=501,
                )
            try:
                api_models.checker(service.model, parsed.operation)(parsed.params)
            except api_models.WrongType as problem:
                code = "SerializationException" if not service.xml else "MalformedInput"
                raise ServiceError(code, str(problem), status=400) from None
            except api_models.Missing as problem:
                raise ServiceError(service.missing or service.invalid, str(problem)) from None
            except api_models.WrongValue as problem:
                raise ServiceError(service.invalid, str(problem)) from None
            region = scope.region if scope is not None and service.regional else self._world.settings.region
            caller = credential.caller
            call = Call(self._world, credential.account, region, credential.principal, service.name, operation, caller)
            if caller is not None:
                from surveyor_emulator.aws.iam.authorise import authorise  # only where there is anybody but owners

                authorise(call, caller, parsed.params)
            if service.name == "servicediscovery" and _OTHERS & parsed.params.keys():
                call = entered(call, parsed.params)
            return wire.answer(operation, handler(call, parsed.params), request_id)
        except ServiceError as error:
            return wire.refuse(operation, error, request_id)
        except Exception:
            log.exception("no answer to %s %s", service.name, operation)
            failure = ServiceError(
                "InternalFailure", "the embedded target failed; its log has the traceback", status=500
            )
            return wire.refuse(operation, failure, request_id)

    def _authenticate(self, request: Request, scope: Scope | None, *, xml: bool) -> Credential:
        if scope is None:
            if request.headers.get("authorization"):
                raise Problem.incomplete(xml, "the Authorization header is to be Signature Version 4's")
            if self._world.settings.verify_signatures:
                raise Problem.missing(xml)
            return self._root(self._world.settings.account)
        if self._world.settings.verify_signatures:
            return verify(request, scope, lambda key: self._credential(key, request, xml), xml=xml)
        return self._credential(scope.access_key, request, xml) or self._root(self._world.settings.account)

    def _credential(self, access_key: str, request: Request, xml: bool) -> Credential | None:
        """An account's number is its root key; a session token carries what its key stands for."""
        if is_account(access_key):
            return self._root(access_key)
        if access_key.startswith("AKIA"):
            return self._user(access_key)
        session = sessions.read(self._world, access_key, request.headers.get("x-amz-security-token", ""))
        if session is None:
            return None
        if session.expires <= self._world.clock.now():
            raise Problem.expired(xml)
        caller = _caller(session) if session.grant.holder[0] else None
        return Credential(session.secret, session.account, session.principal, session.token, caller)

    @staticmethod
    def _user(access_key: str) -> Credential | None:
        from surveyor_emulator.aws.iam import moto_store

        return _user_credential(access_key, moto_store.changes())

    def _root(self, account: str) -> Credential:
        return Credential(self._world.settings.secret, account, f"arn:aws:iam::{account}:root")


@functools.lru_cache(maxsize=4_096)
def _user_credential(access_key: str, changes: int) -> Credential | None:
    """That of a user's key, kept until something changes in IAM."""
    from surveyor_emulator.aws.iam import moto_store
    from surveyor_emulator.aws.iam.caller import user

    found = moto_store.key(access_key)
    if found is None:
        return None
    account, name, secret = found
    caller = user(account, name)
    return Credential(secret, account, caller.principal.arn, caller=caller)


def _caller(session: sessions.Session) -> Caller:
    from surveyor_emulator.aws.iam.caller import Caller
    from surveyor_policies.model import Principal

    grant = session.grant
    kind: PrincipalKind = "assumed-role" if grant.holder[0] == "role" else "user"
    principal = Principal(session.principal, session.account, kind, grant.issuer or None)
    return Caller(principal, grant.holder, grant.user_id, grant.policies, grant.managed, grant.tags)


def _wire(name: str, service: Service) -> Wire:
    model = api_models.service_model(service.model)
    if name == "json":
        return JsonWire(model)
    if name == "cbor":
        from surveyor_emulator.protocols.cbor import (
            CborWire,  # the others are imported when first needed, to start fast
        )

        return CborWire(model)
    if name == "rest-json":
        from surveyor_emulator.protocols.rest_json import RestJsonWire

        return RestJsonWire(model)
    if name == "rest-xml":
        from surveyor_emulator.protocols.rest_xml import RestXmlWire

        return RestXmlWire(model)
    from surveyor_emulator.protocols.query import QueryWire

    return QueryWire(model, ec2=name == "ec2")


def _spoken(request: Request, prepared: _Prepared) -> Wire:
    """The content type decides, not the order in the model."""
    wires = prepared.wires
    if "cbor" in wires and ("cbor" in request.headers.get("content-type", "") or "smithy-protocol" in request.headers):
        return wires["cbor"]
    return wires[prepared.service.wires[0]]


def _uuid(bits: int) -> str:
    text = f"{bits:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _text(status: int, text: str) -> Response:
    return Response(status, f"{text}\n".encode(), {"Content-Type": "text/plain; charset=utf-8"})
