"""A caller of the service: an open loop of attempts, each at one address that was resolved as a client resolves it."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Callable
from typing import Any

import dns.exception
from botocore.exceptions import BotoCoreError, ClientError

from surveyor.architectures.single_call import attempt
from surveyor.clock import ServiceClock
from surveyor.errors import NoAnswer
from surveyor.history import Outcome, Recorder
from surveyor.observers.service_under_test import ServiceUnderTest
from surveyor.observers.views import ViewContents

__all__ = ["AddressCache", "CallerThread"]

RETRY_AFTER = 1.0
"""Service seconds until a client that found no address asks again."""

EXPIRY_MARGIN = 0.05
"""Wall seconds before its expiry from which an answer is no longer used: a call starts after it was decided on."""


class AddressCache:
    """The addresses that a client knows, asked for again when they expire.

    `resolve`: how it asks; `lifetime`: service seconds for which it keeps an answer, None for the answer's own TTL;
    `serves_stale`: it keeps expired addresses while asking fails.
    """

    def __init__(
        self,
        view: str,
        resolve: Callable[[], ViewContents],
        recorder: Recorder,
        clock: ServiceClock,
        lifetime: float | None,
        *,
        serves_stale: bool,
    ) -> None:
        self.view, self._resolve, self._recorder, self._clock = view, resolve, recorder, clock
        self._lifetime, self._serves_stale = lifetime, serves_stale
        self.addresses: list[str] = []
        self.answer = 0
        self._expires = 0.0

    def is_fresh(self) -> bool:
        """Return whether the addresses may still be used."""
        return self._clock.now() < self._expires - EXPIRY_MARGIN * self._clock.scale

    def refresh(self) -> None:
        """Ask, and keep the answer. Blocks until the answer arrives."""
        began = self._recorder.invoke("client", "look", view=self.view)
        asked = self._clock.now()
        try:
            contents = self._resolve()
        except (ClientError, BotoCoreError, NoAnswer, dns.exception.DNSException, OSError) as error:
            refused = isinstance(error, ClientError)
            code = str(error.response.get("Error", {}).get("Code", "")) if isinstance(error, ClientError) else ""
            self._recorder.end(began, Outcome.FAIL if refused else Outcome.INFO, error=code or type(error).__name__)
            self._expires = self._clock.now() + RETRY_AFTER
            if not self._serves_stale:
                self.addresses, self.answer = [], 0
            return
        self._recorder.record_view(began, contents.members, revision=contents.revision, ttl=contents.ttl)
        self.addresses = sorted(member.address or name for name, member in contents.members.items())
        self.answer = began
        # Counted from the question: counted from the answer, it would be kept longer than it is valid.
        self._expires = asked + ((contents.ttl if self._lifetime is None else self._lifetime) or RETRY_AFTER)


class CallerThread(threading.Thread):
    """Calls `rate` times per wall second, each call limited to `timeout` wall seconds, independent of other calls.

    `local`: all tasks are on this machine, so that no other address is called whatever is registered.
    """

    def __init__(
        self,
        service: ServiceUnderTest,
        addresses: AddressCache,
        recorder: Recorder,
        rate: float,
        timeout: float,
        chance: random.Random,
        *,
        local: bool = True,
    ) -> None:
        super().__init__(name="caller", daemon=True)
        self._service, self._known, self._recorder = service, addresses, recorder
        self._rate, self.timeout, self._chance, self.local = rate, timeout, chance, local
        self._stopped = threading.Event()
        self._recent: list[bool] = []
        self.error: BaseException | None = None

    def run(self) -> None:
        """Call until stopped."""
        try:
            asyncio.run(self._run())
        except BaseException as error:  # noqa: BLE001  # raised again by the thread that waits for this one
            self.error = error

    def stop(self) -> None:
        """Start no more calls."""
        self._stopped.set()

    def error_rate(self) -> float:
        """Return the share of the last hundred calls that failed or timed out."""
        last = self._recent[-100:]
        return 1 - sum(last) / len(last) if last else 0.0

    async def _run(self) -> None:
        start, number = time.monotonic(), 0
        calls: set[asyncio.Task[None]] = set()
        refreshing: asyncio.Task[None] | None = None
        while not self._stopped.is_set():
            await asyncio.sleep(max(0.0, start + number / self._rate - time.monotonic()))
            number += 1
            if not self._known.is_fresh() and (refreshing is None or refreshing.done()):
                refreshing = asyncio.create_task(asyncio.to_thread(self._known.refresh))
            if refreshing is not None and not refreshing.done() and not self._known.is_fresh():
                call = asyncio.create_task(self._call_after(refreshing))
            else:
                call = asyncio.create_task(self._call())
            calls.add(call)
            call.add_done_callback(calls.discard)
        if calls:
            await asyncio.wait(calls, timeout=self.timeout + 1)

    async def _call_after(self, refreshing: asyncio.Task[None]) -> None:
        """Wait for the answer, as a client whose addresses have expired does, and then call."""
        await refreshing
        await self._call()

    async def _call(self) -> None:
        addresses, answer = self._known.addresses, self._known.answer
        if not addresses:
            began = self._recorder.invoke("client", "call", address="", by=0)
            self._recorder.end(began, Outcome.FAIL, error="no address known")
            self._recent.append(False)
            return
        address = self._chance.choice(addresses)
        began = self._recorder.invoke("client", "call", address=address, by=answer)
        try:
            result = await attempt(
                address, self._service.port, self.timeout, self._service.path, only_loopback=self.local
            )
        except ValueError as error:
            self._recorder.end(began, Outcome.FAIL, error=str(error))
            self._recent.append(False)
            return
        members: dict[str, Any] = {name: value for name in ("status", "error") if (value := getattr(result, name))}
        if result.task:
            members["task"] = result.task.rpartition("/")[2]
        self._recorder.end(began, Outcome(result.outcome), **members)
        self._recent.append(result.outcome == "ok")
