"""`surveyor gate --watch` on deployments of a service that is not Surveyor's: rolling, blue/green, good and bad.

The gate may do what its policy allows, and nothing else.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from surveyor.clock import WallClock
from surveyor.targets.control import Control
from tests.account.conftest import ACCOUNT, EmulatorAccount, flowing
from tests.account.limited import limited, policies_for
from tests.watch.services_of_others import PORT, Shop

SCALE = 8.0
RULES = """
inconclusive = "pass"
[[threshold]]
scenario = "watch"
figure = "error-rate"
by = "revision"
at-most-more = 10
"""
CLIENTS = {"web": "api-healthy", "linked": "tasks"}
"""By service: what calls new tasks before traffic is shifted, too."""

ONE_BY_ONE = {"minimumHealthyPercent": 50, "maximumPercent": 100}
"""A rolling deployment that takes long enough for a gate to be certain before it is over, on a busy machine too."""
PAUSED = {
    "strategy": "BLUE_GREEN",
    "bakeTimeInMinutes": 0,
    "lifecycleHooks": [{"targetType": "PAUSE", "lifecycleStages": ["POST_SCALE_UP"]}],
}
SERVER = """
import http.server, random
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(500 if random.random() < {share} else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()
    def log_message(self, *arguments): pass
http.server.ThreadingHTTPServer(("0.0.0.0", {port}), Handler).serve_forever()
"""


def server(share: float) -> list[str]:
    """Return the command of a server that answers this share of requests with 500."""
    return ["python", "-c", SERVER.format(share=share, port=PORT)]


class Deployed(Shop):
    """A service in the account of an emulator, and gates on it."""

    def __init__(self, emulator: EmulatorAccount, folder: Path) -> None:
        self.control = Control(emulator.endpoint, emulator.token)
        clients = emulator.clients()
        super().__init__(lambda name: clients.client(name, ACCOUNT), WallClock(SCALE, self.control.now))
        self.emulator, self.folder = emulator, folder
        self.environment = limited(emulator, *policies_for("gate", ("watch",), service="store/*"))

    def settled(self, name: str) -> bool:
        """Return whether no deployment is in progress."""
        going = ["PENDING", "IN_PROGRESS", "ROLLBACK_IN_PROGRESS"]
        listed = self.ecs.list_service_deployments(cluster="store", service=name, status=going)
        return not listed["serviceDeployments"]

    def gate(self, name: str, rules: str, *more: str, wait: str = "calls per second") -> subprocess.Popen[str]:
        """Start a gate, and return when it watches."""
        self.clock.eventually(lambda: self.settled(name), within=900)
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "gate.toml").write_text(rules, "utf-8")
        words = ["gate", str(self.folder / "gate.toml"), "--ecs", f"store/{name}", "--watch", "--target", "aws"]
        words += ["--account", ACCOUNT, "--endpoint", self.emulator.endpoint, "--dns", "control", "--rate", "60"]
        words += ["--client", CLIENTS[name], "--out", str(self.folder / "out"), "--within", "15m", *more]
        kept = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}
        started = subprocess.Popen(
            [sys.executable, "-m", "surveyor", *words],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**kept, **self.environment},
        )  # fmt: skip
        assert started.stderr is not None
        line = "-"
        while line and wait not in line:
            line = started.stderr.readline()
        return started

    def record(self) -> dict[str, Any]:
        """Return the decision that was kept."""
        found: dict[str, Any] = json.loads((self.folder / "out" / "gate.json").read_text("utf-8"))
        return found


@pytest.fixture(scope="module")
def emulator() -> Iterator[EmulatorAccount]:
    """Run an account whose time flows."""
    with flowing(SCALE) as running, pytest.MonkeyPatch.context() as patch:
        for name, value in running.environment.items():
            patch.setenv(name, value)
        yield running


@pytest.fixture(scope="module")
def shop(emulator: EmulatorAccount, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """Yield the account with two services, one of them with Service Connect."""
    made = Deployed(emulator, tmp_path_factory.mktemp("gates"))
    made.open()
    made.registered("web", command=server(0.0))
    made.connected("linked", command=server(0.0))
    yield made
    made.control.close()


@pytest.mark.soak
@pytest.mark.parametrize(("share", "code", "status"), [(0.9, 1, "ROLLBACK_SUCCESSFUL"), (0.0, 0, "SUCCESSFUL")])
@pytest.mark.parametrize(
    ("name", "configuration"),
    [("web", ONE_BY_ONE), ("linked", PAUSED)],
    ids=["rolling", "blue-green"],
)
def test_bad_deployments_are_rolled_back_and_good_ones_continue(
    shop: Deployed, tmp_path: Path, share: float, code: int, status: str, name: str, configuration: dict[str, Any]
) -> None:
    """The decision, the record and the comment have the deployment and the reason."""
    shop.folder, comment = tmp_path, tmp_path / "comment.md"
    shop.define(name, server(share))
    gate = shop.gate(name, RULES, "--comment", str(comment))
    shop.ecs.update_service(cluster="store", service=name, taskDefinition=name, deploymentConfiguration=configuration)
    output, errors = gate.communicate(timeout=120)
    assert gate.returncode == code, output + errors
    record = shop.record()
    assert (record["open"], record["deployment"]["status"]) == (code == 0, status)
    assert record["deployment"]["arn"] in errors
    assert record["reason"].rstrip(".") in output
    assert f"page: {tmp_path / 'out' / 'report.html'}" in output
    assert f"store/{name}" in (tmp_path / "out" / "report.html").read_text("utf-8")
    assert f"Surveyor's gate is {'open' if code == 0 else 'closed'}." in comment.read_text("utf-8")
    if name == "linked" or code:
        assert record["deployment"]["done"] in ("continued", "rolled-back")


FLAGGED = """
import http.server, pathlib
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(500 if pathlib.Path({flag!r}).exists() else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()
    def log_message(self, *arguments): pass
http.server.ThreadingHTTPServer(("0.0.0.0", {port}), Handler).serve_forever()
"""
"""A server that answers with 500 once a file exists: it is bad only when the deployment has reached its hook."""

STRICT = RULES.replace("at-most-more = 10", "at-most-more = 0.5").replace(
    'inconclusive = "pass"', "wait-at-hook = 3600"
)
"""A limit that takes more calls to be met for certain than are made until the hook."""


@pytest.mark.soak
def test_a_deployment_that_is_bad_only_at_its_hook_is_answered_with_rollback(shop: Deployed, tmp_path: Path) -> None:
    """The gate waits at the hook of a blue/green deployment after test traffic, and answers it when it is certain."""
    shop.folder, flag = tmp_path, tmp_path / "bad"
    shop.define("linked", ["python", "-c", FLAGGED.format(flag=str(flag), port=PORT)])
    gate = shop.gate("linked", STRICT)
    hook = {"targetType": "PAUSE", "lifecycleStages": ["POST_TEST_TRAFFIC_SHIFT"]}
    configuration = {**PAUSED, "lifecycleHooks": [hook]}
    shop.ecs.update_service(
        cluster="store", service="linked", taskDefinition="linked", deploymentConfiguration=configuration
    )
    assert gate.stderr is not None
    line = next(line for line in gate.stderr if "a PAUSE hook at " in line)
    assert "POST_TEST_TRAFFIC_SHIFT waits for certainty" in line
    flag.touch()
    began = shop.clock.now()
    line = next(line for line in gate.stderr if "its hook was answered with " in line)
    seconds = shop.clock.now() - began
    output, errors = gate.communicate(timeout=120)
    assert gate.returncode == 1, output + errors
    assert "answered with ROLLBACK" in line
    assert "not met: error-rate of the new revision" in line.lower()
    record = shop.record()
    assert (record["deployment"]["status"], record["deployment"]["done"]) == ("ROLLBACK_SUCCESSFUL", "rolled-back")
    assert record["reason"].startswith("Rolled back (ROLLBACK_SUCCESSFUL): not met: ")
    assert seconds <= 300, seconds  # a busy machine makes fewer calls than --rate says


@pytest.mark.soak
def test_a_rolled_back_deployment_and_evidence_of_another_one(shop: Deployed, tmp_path: Path) -> None:
    """After a rollback a gate is closed whatever the evidence; evidence is of one deployment alone."""
    shop.folder = tmp_path
    shop.define("web", server(0.9))
    gate = shop.gate("web", RULES)
    shop.ecs.update_service(cluster="store", service="web", taskDefinition="web", deploymentConfiguration=ONE_BY_ONE)
    gate.communicate(timeout=120)
    at = ["--ecs", "store/web", "--target", "aws", "--account", ACCOUNT, "--endpoint", shop.emulator.endpoint]
    words = [sys.executable, "-m", "surveyor", "gate", str(tmp_path / "gate.toml"), str(tmp_path / "out"), *at]
    kept = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}
    done = subprocess.run(
        words, capture_output=True, text=True, env={**kept, **shop.emulator.environment}, timeout=60, check=False
    )
    assert done.returncode == 1, done.stderr
    assert "was rolled back: the service is stable with the previous revision" in done.stdout
    shop.clock.eventually(lambda: shop.settled("web"), within=900)
    shop.define("web", server(0.0))
    shop.ecs.update_service(cluster="store", service="web", taskDefinition="web")
    done = subprocess.run(
        words, capture_output=True, text=True, env={**kept, **shop.emulator.environment}, timeout=60, check=False
    )
    assert done.returncode == 2, done.stdout
    assert "it is of another deployment" in done.stderr
