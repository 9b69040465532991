"""Callers of the service: an open loop of attempts, each at one address that was found as a client finds it."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Callable
from typing import Any

import dns.exception
from botocore.exceptions import BotoCoreError, ClientError

from surveyor.callers import attempt
from surveyor.chaos.experiment_clock import Flow
from surveyor.chaos.observers import Seen
from surveyor.chaos.service_under_test import ServiceUnderTest
from surveyor.errors import NoAnswer
from surveyor.history import Outcome, Recorder

__all__ = ["Caller", "Finder"]

NOBODY = 1.0
"""Service seconds until who found nobody asks again."""

BEFORE = 0.05
"""Wall seconds before an answer has run out that it is not used any more: a call begins after it was decided on."""


class Finder:
    """A client's knowledge of addresses: asked for again when it has run out, kept while nobody answers.

    `look`: what it asks; `keeps`: service seconds for which it keeps an answer, None for the answer's own TTL.
    """

    def __init__(
        self,
        view: str,
        look: Callable[[], Seen],
        recorder: Recorder,
        flow: Flow,
        keeps: float | None,
        *,
        serves_stale: bool,
    ) -> None:
        self.view, self._look, self._recorder, self._flow = view, look, recorder, flow
        self._keeps, self._serves_stale = keeps, serves_stale
        self.addresses: list[str] = []
        self.by = 0
        self._until = 0.0

    def is_known(self) -> bool:
        """Whether what is known may still be used."""
        return self._flow.now() < self._until - BEFORE * self._flow.scale

    def ask(self) -> None:
        """Ask, and keep what was answered. Takes as long as the answer does."""
        began = self._recorder.invoke("client", "look", view=self.view)
        asked = self._flow.now()
        try:
            seen = self._look()
        except (ClientError, BotoCoreError, NoAnswer, dns.exception.DNSException, OSError) as silent:
            refused = isinstance(silent, ClientError)
            code = str(silent.response.get("Error", {}).get("Code", "")) if isinstance(silent, ClientError) else ""
            self._recorder.end(began, Outcome.FAIL if refused else Outcome.INFO, error=code or type(silent).__name__)
            self._until = self._flow.now() + NOBODY
            if not self._serves_stale:
                self.addresses, self.by = [], 0
            return
        self._recorder.saw(began, seen.members, revision=seen.revision, ttl=seen.ttl)
        self.addresses = sorted(member.address or name for name, member in seen.members.items())
        self.by = began
        # Counted from when it was asked: later is longer than the answer holds.
        self._until = asked + ((seen.ttl if self._keeps is None else self._keeps) or NOBODY)


class Caller(threading.Thread):
    """Calls `rate` times a wall second, each call with a limit of `within` wall seconds, whatever became of others.

    `local`: all tasks are on this machine, so that no other address is called whatever somebody registers.
    """

    def __init__(
        self,
        scene: ServiceUnderTest,
        finder: Finder,
        recorder: Recorder,
        rate: float,
        within: float,
        chance: random.Random,
        *,
        local: bool = True,
    ) -> None:
        super().__init__(name="caller", daemon=True)
        self._scene, self._finder, self._recorder = scene, finder, recorder
        self._rate, self.within, self._chance, self.local = rate, within, chance, local
        self._over = threading.Event()
        self._recent: list[bool] = []
        self.broken: BaseException | None = None

    def run(self) -> None:
        """Call until told to stop."""
        try:
            asyncio.run(self._run())
        except BaseException as broken:  # noqa: BLE001  # told by whoever waits for this thread
            self.broken = broken

    def stop(self) -> None:
        """Begin no more calls."""
        self._over.set()

    def errors(self) -> float:
        """The share of the last hundred calls that failed or had no answer in time."""
        last = self._recent[-100:]
        return 1 - sum(last) / len(last) if last else 0.0

    async def _run(self) -> None:
        start, number = time.monotonic(), 0
        begun: set[asyncio.Task[None]] = set()
        asking: asyncio.Task[None] | None = None
        while not self._over.is_set():
            await asyncio.sleep(max(0.0, start + number / self._rate - time.monotonic()))
            number += 1
            if not self._finder.is_known() and (asking is None or asking.done()):
                asking = asyncio.create_task(asyncio.to_thread(self._finder.ask))
            if asking is not None and not asking.done() and not self._finder.is_known():
                one = asyncio.create_task(self._after(asking))
            else:
                one = asyncio.create_task(self._call())
            begun.add(one)
            one.add_done_callback(begun.discard)
        if begun:
            await asyncio.wait(begun, timeout=self.within + 1)

    async def _after(self, asking: asyncio.Task[None]) -> None:
        """A client whose knowledge has run out waits for the answer, and then calls by it."""
        await asking
        await self._call()

    async def _call(self) -> None:
        addresses, by = self._finder.addresses, self._finder.by
        if not addresses:
            began = self._recorder.invoke("client", "call", address="", by=0)
            self._recorder.end(began, Outcome.FAIL, error="nobody is known")
            self._recent.append(False)
            return
        address = self._chance.choice(addresses)
        began = self._recorder.invoke("client", "call", address=address, by=by)
        try:
            found = await attempt(address, self._scene.port, self.within, self._scene.path, only_loopback=self.local)
        except ValueError as elsewhere:
            self._recorder.end(began, Outcome.FAIL, error=str(elsewhere))
            self._recent.append(False)
            return
        told: dict[str, Any] = {name: value for name in ("status", "error") if (value := getattr(found, name))}
        if found.task:
            told["task"] = found.task.rpartition("/")[2]
        self._recorder.end(began, Outcome(found.outcome), **told)
        self._recent.append(found.outcome == "ok")
