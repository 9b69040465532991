"""A proxy's certificates are replaced before the clock is advanced further, whatever time Envoy needs to read them."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from surveyor_emulator.runtime.envoy.admin import AdminUnavailable
from surveyor_emulator.runtime.service_connect.sidecar import Sidecar
from surveyor_emulator.runtime.service_connect.values import Secrets

OLD, NEW = frozenset({"01"}), frozenset({"02"})


class ScriptedEnvoy:
    """Answers from a list, one for each question about its certificates; an exception is raised."""

    def __init__(self, *answers: frozenset[str] | Exception) -> None:
        self.answers = list(answers)

    async def certificates(self) -> frozenset[str]:
        """Return the next answer."""
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def replace_certificates(envoy: Any, certificate: str | None = "certificate.json", *, writes: bool = True) -> int:
    """Replace the certificates of a proxy with this Envoy; return how often the files were written."""
    written = 0

    def write() -> bool:
        nonlocal written
        written += 1
        return writes

    plan: Any = SimpleNamespace(secrets=Secrets("trusted.pem", certificate))
    asyncio.run(Sidecar(plan, envoy).replace_certificates(write))
    return written


def test_a_proxy_is_waited_for_until_it_presents_the_new_certificate() -> None:
    """It is asked until the answer is another."""
    envoy = ScriptedEnvoy(OLD, OLD, OLD, OLD, NEW, NEW)
    assert replace_certificates(envoy) == 1
    assert envoy.answers == [NEW]


@pytest.mark.parametrize(
    ("answers", "certificate", "writes"),
    [
        ([], None, True),
        ([OLD], "certificate.json", False),
        ([AdminUnavailable("paused")], "certificate.json", True),
        ([OLD, AdminUnavailable("ended")], "certificate.json", True),
    ],
    ids=["presents none", "authority deleted", "paused", "ends meanwhile"],
)
def test_a_proxy_that_will_not_present_another_is_not_waited_for(
    answers: list[frozenset[str] | Exception], certificate: str | None, writes: bool
) -> None:
    """The files are written all the same."""
    envoy = ScriptedEnvoy(*answers)
    assert replace_certificates(envoy, certificate, writes=writes) == 1
    assert not envoy.answers
