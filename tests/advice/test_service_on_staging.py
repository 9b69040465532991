"""A service with two windows: the advice of a watched deployment is taken, and the next one has none."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from surveyor.clock import WallClock
from tests.account.conftest import ACCOUNT
from tests.chaos.services_on_staging import CLUSTER, Staged, staged
from tests.watch.services_of_others import SERVER

pytestmark = pytest.mark.soak

SCALE = 10.0
STEADY_WITHIN = 120.0  # wall seconds
WINDOW = re.compile(r"Window: \d+ - \d+ = \d+ s in which clients call a task that does not answer")


@pytest.fixture(scope="module")
def shop() -> Iterator[Staged]:
    """Yield an account in use with a service that ends at SIGTERM at once, and has a health check."""
    with staged(SCALE) as made:
        define = made.shop.define

        def with_check(name: str, command: list[str]) -> None:
            define(name, command)
            ecs = made.shop.ecs
            found = ecs.describe_task_definition(taskDefinition=name)["taskDefinition"]
            accepted = ecs.meta.service_model.operation_model("RegisterTaskDefinition").input_shape.members
            [container] = found["containerDefinitions"]
            container["healthCheck"] = {"command": ["CMD", "true"], "interval": 5, "retries": 2}
            ecs.register_task_definition(
                **{key: value for key, value in found.items() if key in accepted and key != "containerDefinitions"},
                containerDefinitions=[container],
            )

        made.shop.define = with_check  # type: ignore[method-assign]  # the definition that the service is made of
        made.create("windy", 1, SERVER)
        yield made


def advise(shop: Staged, out: Path) -> tuple[int, str]:
    """Run `surveyor advise --service` with a forced deployment; return exit code and output."""
    at = ("--target", "aws", "--account", ACCOUNT, "--endpoint", shop.account.endpoint, "--dns", "control")
    words = ("advise", "--service", f"{CLUSTER}/windy", "--deploy", *at, "--region", "us-east-1", "--out", str(out))
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-m", "surveyor", *words], env={**kept, **shop.account.environment}, capture_output=True,
        text=True, check=False, timeout=400,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def run_aws(shop: Staged, command: str) -> None:
    """Carry out a command of the AWS CLI, which has an option for each parameter of an operation."""
    words = shlex.split(command)
    assert words[0] == "aws"
    client, method = shop.shop.client(words[1]), words[2].replace("-", "_")
    operation = client.meta.method_to_api_mapping[method]
    members = client.meta.service_model.operation_model(operation).input_shape.members
    names = {name.lower(): name for name in members}
    params: dict[str, Any] = {}
    for option, value in zip(words[3::2], words[4::2], strict=True):
        if option == "--cli-input-json":
            params |= json.loads(Path(value.removeprefix("file://")).read_text("utf-8"))
        elif option != "--region":
            params[names[option.removeprefix("--").replace("-", "")]] = json.loads(value) if value[0] == "{" else value
    getattr(client, method)(**params)


def has_changed(shop: Staged, old: str) -> bool:
    """Return whether all tasks have another definition, and none of the old ones is being stopped any more.

    The first reads after a change may still show what was before.
    """
    ecs = shop.shop.client("ecs")
    deployments = ecs.describe_services(cluster=CLUSTER, services=["windy"])["services"][0]["deployments"]
    if deployments[0]["taskDefinition"] == old or not shop.shop.is_steady("windy"):
        return False
    found = ecs.list_tasks(cluster=CLUSTER, desiredStatus="STOPPED")["taskArns"]
    tasks = ecs.describe_tasks(cluster=CLUSTER, tasks=found)["tasks"] if found else []
    return all(task["lastStatus"] == "STOPPED" for task in tasks)


def test_the_advice_closes_both_windows(shop: Staged, tmp_path: Path) -> None:
    """The first deployment has both windows; after the commands of the first advice the next has none, and exit 0."""
    code, output = advise(shop, tmp_path / "before")
    assert code == 1, output
    assert WINDOW.search(output), output
    assert "The registry had no healthy instance for" in output
    first = output[
        output.index("\n1. ") : output.index("\n2. ")
        if "\n2. " in output
        else output.index("\nThe deployment that brings")
    ]
    commands = [line.strip() for line in first.splitlines() if line.startswith("   aws ")]
    assert commands
    [service] = shop.shop.ecs.describe_services(cluster=CLUSTER, services=["windy"])["services"]
    for command in commands:
        run_aws(shop, command)
    WallClock().eventually(lambda: has_changed(shop, service["taskDefinition"]), within=STEADY_WITHIN)
    code, output = advise(shop, tmp_path / "after")
    assert code == 0, output
    assert "No window: every task answered for longer than it was called." in output
    assert "The registry always had a healthy instance." in output
