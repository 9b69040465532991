"""The control endpoint, ``/_surveyor/``: functions that no AWS account has, in JSON.

It reads and advances the clock, returns addresses of DNS servers, changes settings, sends signals to tasks, and lists
events. Suites use it only through the harness's clock and resolvers. Every request needs the token of this start,
except ``health``, which says no more than an open port does, and a task's documents, whose path has a key of that
task.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from typing import Protocol
from urllib.parse import parse_qsl

import orjson

from surveyor_emulator.core.http import Request, Response
from surveyor_emulator.core.identifiers import is_account, is_region
from surveyor_emulator.core.world import World
from surveyor_emulator.mutations import apply_mutation, check_mutation
from surveyor_emulator.runtime.tasks.packet_filters import find_problem

from .door import RequestError, check_access, check_page
from .options import apply_setting

__all__ = ["Control", "DnsAddresses"]

MAX_ADVANCE = 400 * 86_400.0  # service seconds
MAX_SCALE = 1_000.0  # service seconds per wall second
LATEST_TIME = 7_258_118_400.0  # 2200-01-01; later dates could not be formatted
PREFIX = "/_surveyor/"
HEALTH = PREFIX + "health"
TASKS = PREFIX + "ecs/"
TASK_DOCUMENTS = PREFIX + "tasks/"
MUTATION = "mutation="

Answer = Mapping[str, object]


class DnsAddresses(Protocol):
    """The addresses of the DNS servers."""

    @property
    def name_servers(self) -> tuple[str, int]:
        """Return address and port of the name servers of all public zones."""

    def resolver(self, account: str, region: str, vpc_id: str) -> tuple[str, int]:
        """Start a VPC's resolver if necessary; return its address and port."""


class Control:
    """The handler of requests to ``/_surveyor/``, for programs that have the ``token``."""

    def __init__(self, world: World, names: DnsAddresses, token: str, mutation: str | None = None) -> None:
        self._world, self._token = world, token
        self._first_settings, self._first_mutation = world.settings, mutation
        self._mutation: str | None = None
        self._mutate(mutation)
        self._names = names
        self._advances: set[asyncio.Task[float]] = set()
        self._routes: Mapping[str, Mapping[str, Callable[[Request], Awaitable[Answer]]]] = {
            "clock": {"GET": self._read_clock, "POST": self._change_clock},
            "signals": {"GET": self._read_signals, "POST": self._signal},
            "stopped-addresses": {"GET": self._read_stopped_addresses, "POST": self._set_stopped_addresses},
            "resolvers": {"GET": self._resolver},
            "resolver-endpoints": {"GET": self._resolver_endpoints},
            "name-servers": {"GET": self._name_servers},
            "events": {"GET": self._events},
            "settings": {"GET": self._settings, "POST": self._change_settings},
            "inventory": {"GET": self._inventory},
            "health": {"GET": self._health},
        }

    async def __call__(self, request: Request) -> Response:
        """Answer a request with 200, or with 4xx and ``{"error": …}``."""
        try:
            if request.path.startswith(TASK_DOCUMENTS):
                return await self._answer_task(request)
            check_access(request, None if request.path == HEALTH else self._token)
            if request.path.startswith(TASKS):
                found = await self._read_task(request.path.removeprefix(TASKS))
                return _text(found) if isinstance(found, str) else _json(200, found)
            methods = self._routes.get(request.path.removeprefix(PREFIX))
            if methods is None:
                raise RequestError(
                    f"expected {', '.join(PREFIX + name for name in self._routes)}, got {request.path}", 404
                )
            if request.method not in methods:
                raise RequestError(f"expected {' or '.join(methods)} for {request.path}, got {request.method}", 405)
            return _json(200, await methods[request.method](request))
        except RequestError as error:
            response = _json(error.status, {"error": str(error)})
            if error.status != 401:
                return response
            return response._replace(headers={**response.headers, "WWW-Authenticate": 'Bearer realm="surveyor"'})

    async def _read_clock(self, request: Request) -> Answer:
        clock = self._world.clock
        return {"now": clock.now(), "mode": "advance" if clock.scale is None else "flow", "scale": clock.scale}

    async def _change_clock(self, request: Request) -> Answer:
        body = _body(request)
        if "flow" not in body:
            return await self._advance(body)
        scale = _number(body["flow"], 'expected a body like {"flow": 10}, in service seconds per second; 0 stops time')
        if not 0 <= scale <= MAX_SCALE:
            raise RequestError(f"expected a flow of 0 to {MAX_SCALE:g} service seconds per second, got {scale:g}")
        self._world.clock.flow(scale or None)
        return await self._read_clock(request)

    async def _advance(self, body: Mapping[str, object]) -> Answer:
        seconds = _number(body.get("advance"), 'expected a body like {"advance": 30}, in service seconds')
        if not 0 <= seconds <= MAX_ADVANCE:
            raise RequestError(f"expected an advance of 0 to {MAX_ADVANCE:.0f} s (400 days), got {seconds:g} s")
        if self._world.clock.now() + seconds > LATEST_TIME:
            raise RequestError("expected a time up to the year 2200; the clock cannot be advanced further")
        # A client that disconnects must not leave the clock between two instants.
        task = asyncio.get_running_loop().create_task(self._world.clock.advance(seconds))
        self._advances.add(task)
        task.add_done_callback(self._advances.discard)
        return {"now": await asyncio.shield(task)}

    async def _resolver_endpoints(self, request: Request) -> Answer:
        """List where the addresses of inbound endpoints of Route 53 Resolver answer."""
        from surveyor_emulator.aws.resolver.state import ResolverState

        account, region = self._place(_query(request, {"account", "region"}))
        state = self._world.peek(ResolverState, account, region)
        return {
            "addresses": [
                {"endpoint": endpoint.id, "vpc": endpoint.vpc, "ip": address.ip, **_address(address.listens_at)}
                for endpoint in state.endpoints.values()
                for address in endpoint.addresses.values()
                if address.listens_at is not None
            ]
        }

    def _place(self, query: Mapping[str, str]) -> tuple[str, str]:
        """Return the account and the Region that a request names."""
        settings = self._world.settings
        account, region = query.get("account", settings.account), query.get("region", settings.region)
        if not is_account(account):
            raise RequestError(f"expected an account of 12 digits, got {account!r}")
        if not is_region(region):
            raise RequestError(f"expected a Region of AWS such as us-east-1, got {region!r}")
        return account, region

    async def _resolver(self, request: Request) -> Answer:
        from surveyor_emulator.aws.ec2 import vpcs_of

        query = _query(request, {"account", "region", "vpc"})
        account, region = self._place(query)
        known = vpcs_of(self._world, account, region)
        vpc = query["vpc"] if "vpc" in query else next((vpc.id for vpc in known.values() if vpc.is_default), "")
        if vpc not in known:
            raise RequestError(
                f"account {account} has no VPC {vpc!r} in {region}" if vpc else "there is no default VPC"
            )
        try:
            return _address(self._names.resolver(account, region, vpc))
        except OSError as error:
            raise RequestError(f"cannot start a resolver for {vpc}: {error.strerror or error}", 503) from None

    async def _name_servers(self, request: Request) -> Answer:
        return _address(self._names.name_servers)

    async def _events(self, request: Request) -> Answer:
        query = _query(request, {"since"})
        try:
            since = float(query.get("since", "0"))
        except ValueError:
            since = math.nan
        moment = _number(since, "expected service seconds since the epoch for since")
        return {"events": [asdict(event) for event in self._world.events.since(moment)]}

    async def _inventory(self, request: Request) -> Answer:
        """List what exists in an account, or in all accounts, whatever the API says."""
        from surveyor_emulator.aws.inventory import list_resources

        account = _query(request, {"account"}).get("account")
        if account is not None and not is_account(account):
            raise RequestError(f"expected an account of 12 digits, got {account!r}")
        return {"resources": [asdict(resource) for resource in list_resources(self._world, account)]}

    async def _settings(self, request: Request) -> Answer:
        settings = {name: value for name, value in asdict(self._world.settings).items() if name != "secret"}
        return {**settings, "mutation": self._mutation, "packet_filters": not find_problem()}

    async def _change_settings(self, request: Request) -> Answer:
        """Replace all changes to the settings at the start; an empty list restores them."""
        changes = _body(request).get("set")
        if not isinstance(changes, list) or not all(isinstance(change, str) for change in changes):
            raise RequestError('expected a body like {"set": ["custom_health=5"]}')
        settings, mutation = self._first_settings, self._first_mutation
        for change in changes:
            try:
                if change.startswith(MUTATION):
                    mutation = check_mutation(change.removeprefix(MUTATION))
                else:
                    settings = apply_setting(settings, change)
            except ValueError as error:
                raise RequestError(f"{change}: {error}") from None
        try:
            self._mutate(mutation)
        except ValueError as error:
            raise RequestError(f"{MUTATION}{mutation}: {error}") from None
        self._world.settings = settings
        return await self._settings(request)

    def _mutate(self, mutation: str | None) -> None:
        """Apply this mutation instead of the current one, or none."""
        if mutation != self._mutation:
            apply_mutation(mutation)
            self._mutation = mutation

    async def _read_signals(self, request: Request) -> Answer:
        from surveyor_emulator.aws.ecs.tasks.signals import SIGNALS

        return {"signals": list(SIGNALS)}

    async def _signal(self, request: Request) -> Answer:
        from surveyor_emulator.aws.ecs.tasks.signals import SIGNALS, send_signal

        body = _body(request)
        task, name, receiver = (body.get(key) for key in ("task", "signal", "to"))
        if not isinstance(task, str) or name not in SIGNALS or receiver not in ("task", "proxy"):
            known = ", ".join(SIGNALS)
            raise RequestError(
                f'expected a body like {{"task": ARN, "signal": one of {known}, "to": "task" or "proxy"}}'
            )
        if not await send_signal(self._world, task, SIGNALS[str(name)], to_proxy=receiver == "proxy"):
            raise RequestError(f"no running {'proxy' if receiver == 'proxy' else 'process'} of {task}", 404)
        return {"sent": name}

    async def _read_stopped_addresses(self, request: Request) -> Answer:
        return {"stopped_addresses": self._world.settings.stopped_addresses}

    async def _set_stopped_addresses(self, request: Request) -> Answer:
        """Change what calls to tasks that stop from now on get, beside all other changes of settings."""
        value = _body(request).get("stopped_addresses")
        if value not in ("refuse", "vanish"):
            raise RequestError('expected a body like {"stopped_addresses": "refuse" or "vanish"}')
        self._world.settings = apply_setting(self._world.settings, f"stopped_addresses={value}")
        return await self._read_stopped_addresses(request)

    async def _read_task(self, path: str) -> Answer | str:
        from surveyor_emulator.aws.ecs.tasks.metadata import read_document

        found = await read_document(self._world, path)
        if not isinstance(found, Mapping | str):
            raise RequestError("no task has this endpoint", 404)
        return found

    async def _answer_task(self, request: Request) -> Response:
        """Answer a task, whose key is in the path: metadata, credentials of its role, the time, and fault injection."""
        from surveyor_emulator.aws.ecs.tasks.own_documents import path_of_task

        check_page(request)
        found = path_of_task(self._world, request.path.removeprefix(TASK_DOCUMENTS))
        kind = found.split("/")[4] if found is not None else ""
        if found is not None and kind == "api":
            from surveyor_emulator.aws.ecs.tasks.fault_endpoints import answer_fault_request

            answer = answer_fault_request(self._world, found, request)
            if answer is not None:
                return answer
        elif found is not None and request.method == "GET":
            document = await (self._read_clock(request) if kind == "clock" else self._read_task(found))
            if not isinstance(document, str):
                return _json(200, document)
        raise RequestError("no task has this endpoint", 404)

    async def _health(self, request: Request) -> Answer:
        return {"status": "ok"}


def _body(request: Request) -> Mapping[str, object]:
    try:
        body = orjson.loads(request.body)
    except orjson.JSONDecodeError:
        raise RequestError("expected JSON as body") from None
    if not isinstance(body, dict):
        raise RequestError("expected a JSON object as body")
    return body


def _query(request: Request, names: set[str]) -> dict[str, str]:
    query = dict(parse_qsl(request.query, keep_blank_values=True, errors="replace"))
    for name in query:
        if name not in names:
            raise RequestError(f"expected the parameters {', '.join(sorted(names))}, got {name!r}")
    return query


def _number(value: object, expected: str) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise RequestError(expected)
    return float(value)


def _address(address: tuple[str, int]) -> Answer:
    return {"address": address[0], "port": address[1]}


def _text(text: str) -> Response:
    return Response(200, text.encode(), {"Content-Type": "text/plain; charset=utf-8"})


def _json(status: int, answer: Answer) -> Response:
    return Response(status, orjson.dumps(answer), {"Content-Type": "application/json"})
