"""Questions to name servers on a network that blocks or intercepts them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import pytest

from surveyor.targets.control import Control

QUESTION = dns.message.make_query("www.example.net", "A")


@pytest.fixture
def name_server() -> Iterator[Callable[[str], tuple[str, int]]]:
    """Start an embedded target whose network does this to questions; return the address of its name servers."""
    started: list[subprocess.Popen[str]] = []

    def start(path: str) -> tuple[str, int]:
        command = [sys.executable, "-m", "surveyor_emulator", "--set", f"dns_path={path}"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        control = Control(ready["endpoint"], ready["token"])
        address = control.name_servers()
        control.close()
        return address.address, address.port

    yield start
    for process in started:
        process.terminate()
        process.communicate()


def test_a_blocked_question_has_no_answer(name_server: Callable[[str], tuple[str, int]]) -> None:
    """Nothing arrives."""
    address, port = name_server("blocked")
    with pytest.raises(dns.exception.Timeout):
        dns.query.udp(QUESTION, address, port=port, timeout=0.3)


def test_an_intercepted_question_is_answered_without_authority(name_server: Callable[[str], tuple[str, int]]) -> None:
    """A recursive resolver of the network answers, which knows no such name."""
    address, port = name_server("intercepted")
    answer = dns.query.udp(QUESTION, address, port=port, timeout=5)
    assert answer.rcode() == dns.rcode.NXDOMAIN
    assert answer.flags & dns.flags.RA
    assert not answer.flags & dns.flags.AA
