"""Run a headless Chromium over its debugging pipe, without a port, a driver or another package."""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless", "--remote-debugging-pipe", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--hide-scrollbars",
)  # fmt: skip
ANSWER_TIMEOUT = 60.0
"""Wall seconds that one answer of the browser may take."""

Message = dict[str, Any]


class Browser:
    """One page of a running browser. `events`: the events since the last `open`."""

    def __init__(self, program: str, profile: Path, *flags: str) -> None:
        browser_in, self._out = os.pipe()
        self._in, browser_out = os.pipe()
        # The browser reads from file 3 and writes to file 4; only a shell can assign these numbers.
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        command = [program, *FLAGS, *flags, *sandbox, f"--user-data-dir={profile}", "about:blank"]
        shell = ["bash", "-c", f'exec "$0" "$@" 3<&{browser_in} 4>&{browser_out}', *command]
        self._process = subprocess.Popen(
            shell, pass_fds=(browser_in, browser_out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        os.close(browser_in)
        os.close(browser_out)
        self._buffer = b""
        self._number = 0
        self._session = ""
        self.events: list[Message] = []
        pages = [target for target in self.call("Target.getTargets")["targetInfos"] if target["type"] == "page"]
        self._session = self.call("Target.attachToTarget", targetId=pages[0]["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")
        self.call("Page.setLifecycleEventsEnabled", enabled=True)

    def call(self, method: str, **params: object) -> Message:
        """Call a method of the DevTools protocol, and return its result."""
        self._number += 1
        message: Message = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == self._number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                result: Message = answer["result"]
                return result
            self.events.append(answer)

    def open(self, page: Path, fragment: str = "", *, width: int = 1440, height: int = 900, dark: bool = False) -> None:
        """Load a file in a window of this size and colour scheme."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.navigate("about:blank")  # otherwise a change of the fragment alone would load nothing
        self.events.clear()
        self.navigate(f"{page.as_uri()}{fragment}")

    def run(self, script: str) -> Any:
        """Return the value of an expression in the page."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def press(self, key: str, text: str = "") -> None:
        """Press and release a key."""
        code = {"Enter": 13, "Escape": 27, "ArrowDown": 40, "ArrowRight": 39, " ": 32, "Tab": 9}.get(key, 0)
        down: Message = {"type": "keyDown", "key": key, "windowsVirtualKeyCode": code}
        typed = {"Enter": "\r", " ": " "}.get(key, text)
        if typed:
            down |= {"text": typed}
        self.call("Input.dispatchKeyEvent", **down)
        self.call("Input.dispatchKeyEvent", **{**down, "type": "keyUp"})

    def write(self, text: str) -> None:
        """Type text into the focused element."""
        self.call("Input.insertText", text=text)

    @property
    def complaints(self) -> list[Message]:
        """Return exceptions, console messages and other log entries, such as a violated policy."""
        kinds = ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded")
        return [event for event in self.events if event["method"] in kinds]

    @property
    def requests(self) -> list[str]:
        """Return the addresses of all requests."""
        sent = [event for event in self.events if event["method"] == "Network.requestWillBeSent"]
        return [str(event["params"]["request"]["url"]) for event in sent]

    def close(self) -> None:
        """Close the browser with all its processes."""
        os.write(self._out, json.dumps({"id": 0, "method": "Browser.close"}).encode() + b"\0")
        try:
            self._process.wait(ANSWER_TIMEOUT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._out)
        os.close(self._in)

    def navigate(self, address: str) -> None:
        """Load what is at an address."""
        loader = self.call("Page.navigate", url=address)["loaderId"]
        loaded = {"name": "load", "loaderId": loader}
        while not any(loaded.items() <= event["params"].items() for event in self.events):
            self.events.append(self._receive())

    def _receive(self) -> Message:
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._in], [], [], ANSWER_TIMEOUT)
            assert ready, "the browser does not answer"
            part = os.read(self._in, 1 << 20)
            assert part, "the browser ended"
            self._buffer += part
        message, _, self._buffer = self._buffer.partition(b"\0")
        parsed: Message = json.loads(message)
        return parsed


def start_browser(profile: Path, *flags: str) -> Browser:
    """Start a browser with a new profile; skip the test if none is installed."""
    program = next((found for found in map(shutil.which, NAMES) if found), None)
    if program is None or shutil.which("bash") is None:
        pytest.skip(f"no browser: none of {', '.join(NAMES)} is installed")
    return Browser(program, profile, *flags)


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Start a headless Chromium; skip if none is installed."""
    running = start_browser(tmp_path_factory.mktemp("profile"))
    yield running
    running.close()
