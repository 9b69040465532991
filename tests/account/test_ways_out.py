"""Tasks start in an account where images are pulled by routes, with a default VPC and without one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.account.conftest import flowing
from tests.account.kills import list_resources
from tests.account.test_runs import conform, surveyor

CLAIMS = (
    "ecs.dns.ipv6-is-registered",
    "ecs.life.registered-before-running",
    "service-connect.network.other-vpcs-need-a-path",
)


@pytest.mark.soak
@pytest.mark.parametrize("default_vpc", ["present", "none"])
def test_tasks_start_where_images_are_pulled_by_routes(tmp_path: Path, default_vpc: str) -> None:
    """Tasks in default subnets have a public address, and VPCs of the run a gateway, which is deleted before them."""
    with flowing(egress="routed", default_vpc=default_vpc) as emulator:
        before = list_resources(emulator.clients())
        claims = [word for claim in CLAIMS for word in ("--claim", claim)]
        done = surveyor(emulator, *conform(emulator, tmp_path), *claims, "--enable", "ecs-processes", "--workers", "1")
        assert done.returncode == 0, done.stdout + done.stderr
        assert f"{len(CLAIMS)} of {len(CLAIMS)} judged claims hold" in done.stdout
        assert list_resources(emulator.clients()) == before
