"""`surveyor gate --watch` on canary deployments: a bad one is rolled back while few calls have moved."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from surveyor.history import load_history
from tests.account.conftest import EmulatorAccount
from tests.gate.test_watched_deployments import RULES, Deployed, emulator, server

__all__ = ["emulator"]

CANARY = {
    "strategy": "CANARY",
    "canaryConfiguration": {"canaryPercent": 10.0, "canaryBakeTimeInMinutes": 3},
    "bakeTimeInMinutes": 0,
}
BY_STEP = f"""{RULES}
[[threshold]]
scenario = "watch"
phase = "shift-10"
figure = "error-rate"
at-most = 20
"""


@pytest.fixture(scope="module")
def shop(emulator: EmulatorAccount, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """Yield the account with a service that has Service Connect and canary deployments."""
    made = Deployed(emulator, tmp_path_factory.mktemp("canaries"))
    made.open()
    made.connected("linked", command=server(0.0))
    yield made
    made.control.close()


def deploy(shop: Deployed, folder: Path, share: float) -> tuple[int, str, float, list[str]]:
    """Deploy a canary that answers this share of calls with 500, with a gate.

    Return the exit code, the status, the largest share of traffic that had moved, in percent, and the phases.
    """
    shop.folder = folder
    shop.define("linked", server(share))
    gate = shop.gate("linked", BY_STEP)
    shop.ecs.update_service(cluster="store", service="linked", taskDefinition="linked", deploymentConfiguration=CANARY)
    output, errors = gate.communicate(timeout=300)
    assert gate.returncode in (0, 1), output + errors
    [history] = sorted((folder / "out").rglob("*.history.jsonl")) or sorted((folder / "out").rglob("*.jsonl"))
    phases = [phase.name for phase in load_history(history).phases]
    moved = [float(name.partition("-")[2]) for name in phases if name.startswith("shift-")]
    full = {"post-production-traffic-shift", "bake-time", "clean-up"} & set(phases)
    return gate.returncode, shop.record()["deployment"]["status"], 100.0 if full else max(moved, default=0.0), phases


@pytest.mark.soak
@pytest.mark.parametrize(("share", "code", "status"), [(0.6, 1, "ROLLBACK_SUCCESSFUL"), (0.0, 0, "SUCCESSFUL")])
def test_a_bad_canary_is_rolled_back_early(
    shop: Deployed, tmp_path: Path, share: float, code: int, status: str
) -> None:
    """A canary whose new revision fails is rolled back before a quarter of the traffic has moved, a good one is not."""
    found = deploy(shop, tmp_path, share)
    assert found[:2] == (code, status)
    if code:
        assert found[2] < 25
    else:
        assert "shift-10" in found[3]
