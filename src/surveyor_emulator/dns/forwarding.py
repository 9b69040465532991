"""Ask the servers that a rule of a VPC names.

A question that is being asked already is not asked again: the second one gets the answer of the first. So a loop of
forwarders ends: its question arrives here a second time, waits for itself, and both get SERVFAIL after the time in
which the targets must answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Hashable
from random import Random
from typing import TYPE_CHECKING

from surveyor_emulator.aws.resolver.vpc_policy import Route

if TYPE_CHECKING:
    from .forwarded_messages import Found

__all__ = ["QuestionForwarder"]


class QuestionForwarder:
    """The questions that are being asked, for all VPCs."""

    def __init__(self, generator: Random) -> None:
        self._generator = generator
        self._asked: dict[Hashable, asyncio.Task[Found | None]] = {}

    async def ask(self, key: Hashable, name: str, qtype: int, route: Route, wait: float) -> Found | None:
        """Return the answer of the first target that has one, in random order; None if none answers.

        ``key`` is what makes two questions the same, ``wait`` the wall seconds that each target has.
        """
        task = self._asked.get(key)
        if task is None:
            task = self._asked[key] = asyncio.get_running_loop().create_task(self._ask(name, qtype, route, wait))
            task.add_done_callback(lambda _: self._asked.pop(key, None))
        return await asyncio.shield(task)

    def close(self) -> None:
        """Stop asking."""
        for task in self._asked.values():
            task.cancel()

    async def _ask(self, name: str, qtype: int, route: Route, wait: float) -> Found | None:
        from .forwarded_messages import ask_server

        targets = list(route.targets)
        self._generator.shuffle(targets)
        for target in targets:
            answer = await ask_server(name, qtype, target, route.source, wait)
            if answer is not None:
                return answer
        return None
