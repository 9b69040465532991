"""The control endpoint of a running embedded target, asked by several threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from surveyor.targets.control import Control
from tests.account.conftest import flowing


def test_threads_ask_side_by_side() -> None:
    """Each thread has its own connection: none reads an answer, or meets the end, of another's."""
    with flowing(60) as emulator:
        control = Control(emulator.endpoint, emulator.token)
        with ThreadPoolExecutor(8) as threads:
            times = list(threads.map(lambda _: control.now(), range(800)))
        assert min(times) > 0
        assert max(times) - min(times) < 600
        control.close()
