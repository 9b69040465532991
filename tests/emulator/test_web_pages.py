"""Hostile pages in a real browser: they change nothing in a running emulator, and read nothing of it."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from tests.report.browser.conftest import Browser, start_browser

CHANGES = {
    "settings": '{"set": ["custom_health=1", "iam_flaw=ignores-deny"]}',
    "clock": '{"advance": 34560000}',
    "signals": '{"task": "arn:aws:ecs:us-east-1:000000000000:task/c/t", "signal": "KILL", "to": "task"}',
}
READS = (
    "settings",
    "clock",
    "events",
    "health",
    "resolvers",
    "name-servers",
    "signals",
    "resources",
    "ecs/a/b/c/d/output",
)
ZONE = "<CreateHostedZoneRequest><Name>evil.test</Name><CallerReference>1</CallerReference></CreateHostedZoneRequest>"

# What a page of another origin can do; returns all that it could read, and how many requests it made.
ATTACK = """(async (base, changes, reads, zone) => {
  const read = []; let made = 0;
  const attempt = async (url, options) => {
    made += 1;
    try {
      const answer = await fetch(url, options);
      const text = await answer.text();
      if (text) read.push(url + ' ' + text.slice(0, 80));
    } catch (error) { /* refused by the browser */ }
  };
  const json = {'Content-Type': 'application/json', Authorization: 'Bearer x'};
  for (const [name, body] of Object.entries(changes)) {
    const url = base + '/_surveyor/' + name;
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'text/plain; a=application/json'])
      await attempt(url, {method: 'POST', mode: 'no-cors', body, headers: {'Content-Type': type}});
    await attempt(url, {method: 'POST', mode: 'no-cors', body: new Blob([body])});
    await attempt(url, {method: 'POST', mode: 'no-cors', body, referrerPolicy: 'no-referrer', credentials: 'include'});
    await attempt(url, {method: 'POST', mode: 'cors', body});
    await attempt(url, {method: 'POST', mode: 'cors', body, headers: json});
    made += 1; navigator.sendBeacon(url, body);
    made += 1; navigator.sendBeacon(url, new Blob([body], {type: 'text/plain'}));
    await new Promise((resolve) => {
      made += 1;
      const request = new XMLHttpRequest();
      request.onloadend = () => { if (request.responseText) read.push(request.responseText); resolve(); };
      request.open('POST', url); request.send(body);
    });
    for (const encoding of ['text/plain', 'multipart/form-data', 'application/x-www-form-urlencoded'])
      await new Promise((resolve) => {
        made += 1;
        const frame = document.createElement('iframe'), form = document.createElement('form');
        frame.name = 'frame' + made; form.target = frame.name;
        form.method = 'POST'; form.action = url; form.enctype = encoding;
        const field = document.createElement('input');
        field.name = body.slice(0, -1) + ', "x": "'; field.value = '"}'; form.append(field);
        document.body.append(frame, form);
        frame.onload = () => {
          try { if (frame.contentDocument.body.innerText) read.push(frame.contentDocument.body.innerText); }
          catch (error) { /* of another origin */ }
          resolve();
        };
        form.submit();
      });
  }
  for (const name of reads) {
    await attempt(base + '/_surveyor/' + name, {mode: 'no-cors'});
    await attempt(base + '/_surveyor/' + name, {mode: 'cors'});
    await attempt(base + '/_surveyor/' + name, {mode: 'cors', headers: json});
    await new Promise((resolve) => {
      made += 1;
      const script = document.createElement('script');
      script.onload = script.onerror = resolve; script.src = base + '/_surveyor/' + name; document.body.append(script);
    });
  }
  for (const mode of ['no-cors', 'cors']) {
    await attempt(base + '/2013-04-01/hostedzone', {method: 'POST', mode, body: zone});
    await attempt(base + '/?Action=CreateUser&UserName=evil&Version=2010-05-08', {method: 'POST', mode, body: ''});
    await attempt(base + '/service/Route53AutoNaming_v20170314/operation/CreateHttpNamespace',
      {method: 'POST', mode, body: new Uint8Array([0xa1, 0x64, 0x4e, 0x61, 0x6d, 0x65, 0x61, 0x78]),
       headers: {'Content-Type': 'text/plain; application/cbor'}});
  }
  return {read, made, href: location.href};
})"""


@dataclass
class Emulator:
    """A running emulator."""

    ready: dict[str, Any]
    process: subprocess.Popen[str]
    port: str = field(init=False)

    def __post_init__(self) -> None:
        self.port = self.ready["endpoint"].rpartition(":")[2]

    def state(self) -> dict[str, Any]:
        """Return all that a page might have changed."""
        found = {name: self._control(name) for name in ("settings", "clock", "events")}
        arguments: dict[str, Any] = {
            "endpoint_url": self.ready["endpoint"],
            "region_name": "us-east-1",
            "aws_access_key_id": self.ready["account"],
            "aws_secret_access_key": self.ready["secret"],
            "config": Config(inject_host_prefix=False, proxies={}),
        }
        found["zones"] = boto3.client("route53", **arguments).list_hosted_zones()["HostedZones"]
        found["namespaces"] = boto3.client("servicediscovery", **arguments).list_namespaces()["Namespaces"]
        found["clusters"] = boto3.client("ecs", **arguments).list_clusters()["clusterArns"]
        found["users"] = boto3.client("iam", **arguments).list_users()["Users"]
        return found

    def _control(self, name: str) -> Any:
        headers = {"Authorization": f"Bearer {self.ready['token']}"}
        request = urllib.request.Request(f"{self.ready['endpoint']}/_surveyor/{name}", headers=headers)
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as answer:
            return json.load(answer)


@pytest.fixture(scope="module", params=["--signatures", "--no-signatures"])
def emulator(request: pytest.FixtureRequest) -> Iterator[Emulator]:
    """Run an emulator, whose clock stands still."""
    command = [sys.executable, "-m", "surveyor_emulator", "--clock", "advance", request.param]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    yield Emulator(json.loads(process.stdout.readline()), process)
    process.terminate()
    process.communicate(timeout=20)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Run a browser for which every name below .test is this machine's, as after rebinding."""
    running = start_browser(tmp_path_factory.mktemp("profile"), "--host-resolver-rules=MAP *.test 127.0.0.1")
    yield running
    running.close()


class _Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:  # the base class looks for this name
        body = b"<!doctype html><title>page</title><body></body>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def page_port() -> Iterator[int]:
    """Serve an empty page, in which a test runs its script."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Page)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


@pytest.mark.soak  # each attack makes some hundred requests
@pytest.mark.parametrize("origin", ["evil.test", "localhost", "127.0.0.1"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "rebound.test"])
def test_a_page_changes_and_reads_nothing(
    browser: Browser, emulator: Emulator, page_port: int, origin: str, host: str
) -> None:
    """By forms, fetch with and without CORS, beacons, XMLHttpRequest and scripts, at any name of this machine."""
    before = emulator.state()
    browser.navigate(f"http://{origin}:{page_port}/")
    arguments = [f"http://{host}:{emulator.port}", CHANGES, READS, ZONE]
    result = browser.run(f"{ATTACK}(...{json.dumps(arguments)})")
    assert result["href"] == f"http://{origin}:{page_port}/"
    assert result["made"] > 60
    assert result["read"] == []
    assert emulator.state() == before


@pytest.mark.soak
def test_a_rebound_name_reaches_nothing(browser: Browser, emulator: Emulator) -> None:
    """A page whose name was rebound is of the same origin; it is refused, even with the token and signatures."""
    before = emulator.state()
    host = f"rebound.test:{emulator.port}"
    browser.navigate(f"http://{host}/_surveyor/settings")
    shown = browser.run("document.body.innerText")
    assert "loopback addresses, localhost and what --host names" in shown
    assert "quotas" not in shown
    requests: list[list[Any]] = []
    for name, body in CHANGES.items():
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {emulator.ready['token']}"}
        requests.append([f"/_surveyor/{name}", "POST", headers, body])
        requests.append([f"/_surveyor/{name}", "GET", {"Authorization": headers["Authorization"]}, None])
    signed = AWSRequest(
        "POST", f"http://{host}/", data='{"clusterName": "evil"}',
        headers={"X-Amz-Target": "AmazonEC2ContainerServiceV20141113.CreateCluster",
                 "Content-Type": "application/x-amz-json-1.1"},
    )  # fmt: skip
    credentials = Credentials(emulator.ready["account"], emulator.ready["secret"])
    SigV4Auth(credentials, "ecs", "us-east-1").add_auth(signed)
    requests.append(["/", "POST", dict(signed.headers.items()), '{"clusterName": "evil"}'])
    script = """(async (requests) => {
      const statuses = [];
      for (const [path, method, headers, body] of requests) {
        const answer = await fetch(path, {method, headers, body});
        statuses.push(answer.status);
      }
      return statuses;
    })"""
    assert browser.run(f"{script}({json.dumps(requests)})") == [421] * len(requests)
    assert emulator.state() == before


@pytest.mark.soak
def test_a_person_who_opens_the_control_endpoint_reads_nothing(browser: Browser, emulator: Emulator) -> None:
    """A browser cannot send the token; the page says what is missing."""
    browser.navigate(f"http://127.0.0.1:{emulator.port}/_surveyor/settings")
    assert "SURVEYOR_TOKEN" in browser.run("document.body.innerText")
