"""What a command finds in a sandbox: addresses, ports, files, raw sockets, its user, and no way out."""

from __future__ import annotations

import json
import os
import socket
import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest

from surveyor.sandbox import entrance
from tests.sandbox.conftest import Sandbox

pytestmark = pytest.mark.soak  # each test starts a program in a sandbox

BIND = """
import socket
held = []
for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
    for address, port in (("172.31.0.2", 53), ("10.0.0.2", 53), ("10.0.0.7", 80), ("127.0.0.1", 80), ("0.0.0.0", 443)):
        own = socket.socket(type=kind)
        own.bind((address, port))
        held.append(own)
listener = socket.create_server(("10.1.2.3", 80))
print(socket.create_connection(("10.1.2.3", 80), timeout=5).getpeername())
"""

RAW = """
import socket
packets = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
packets.bind(("lo", 0))
packets.settimeout(5)
socket.socket(type=socket.SOCK_DGRAM).sendto(b"seen by a raw socket", ("10.9.9.9", 9))
while b"seen by a raw socket" not in packets.recv(2048):
    pass
socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
print("seen")
"""

RESOLVE = """
import socket, threading
server = socket.socket(type=socket.SOCK_DGRAM)
server.bind(("172.31.0.2", 53))
def answer():
    question, client = server.recvfrom(512)
    head, record = bytes.fromhex("81800001000100000000"), bytes.fromhex("c00c000100010000003c00040a000009")
    server.sendto(question[:2] + head + question[12:] + record, client)
threading.Thread(target=answer, daemon=True).start()
print(*map(socket.gethostbyname, ("web.corp.internal", "localhost", socket.gethostname())))
"""

FACTS = """
import json, os
print(json.dumps({"user": [os.getuid(), os.geteuid(), os.getgid()], "folder": os.getcwd(),
                  "environment": dict(os.environ), "arguments": __import__("sys").argv[1:]}))
"""


def test_addresses_and_ports_are_free_whatever_runs_outside(box: Sandbox) -> None:
    """Ports 53 and 80 of any address can be bound, also while both are in use outside, and connections arrive."""
    with ExitStack() as busy:
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            for port in (53, 80):
                outside = busy.enter_context(socket.socket(type=kind))
                try:
                    outside.bind(("127.0.0.1", port))
                except OSError:  # this user may not, or it is busy already, which is as good
                    continue
        assert box.program(BIND) == "('10.1.2.3', 80)\n"


def test_raw_sockets_send_and_capture(box: Sandbox) -> None:
    """A packet socket sees what is sent in the sandbox."""
    assert box.program(RAW) == "seen\n"


def test_the_resolver_of_the_system_asks_that_of_the_default_vpc(box: Sandbox) -> None:
    """The C library asks 172.31.0.2 at port 53; localhost and the name of the machine are in /etc/hosts."""
    assert box.program(RESOLVE) == "10.0.0.9 127.0.0.1 127.0.0.1\n"


def test_files_by_which_names_are_resolved_are_of_the_sandbox_only(box: Sandbox) -> None:
    """Each is covered inside, and the machine's stay as they are; nothing else of /etc changes, and no file is left."""
    paths = ("/etc/hosts", "/etc/resolv.conf", "/etc/nsswitch.conf", "/etc/passwd")
    before = {path: Path(path).read_bytes() for path in paths if Path(path).exists()}
    text = f"import json; print(json.dumps({{path: open(path).read() for path in {[*before]!r}}}))"
    inside = json.loads(box.program(text))
    assert f"nameserver {entrance.RESOLVER}\n" in inside["/etc/resolv.conf"]
    assert inside["/etc/hosts"].startswith(f"127.0.0.1 localhost {socket.gethostname()}\n")
    if "/etc/nsswitch.conf" in before:
        hosts = [line for line in inside["/etc/nsswitch.conf"].splitlines() if line.startswith("hosts:")]
        assert hosts == ["hosts: files dns"]
    assert inside["/etc/passwd"].encode() == before["/etc/passwd"]
    assert {path: Path(path).read_bytes() for path in before} == before
    assert not list(Path(tempfile.gettempdir()).glob("surveyor-sandbox-*"))


def test_nothing_gets_out_and_nothing_gets_in(box: Sandbox) -> None:
    """A server outside is not reached from inside, nor the other way round."""
    with socket.create_server(("127.0.0.1", 0)) as outside:
        port = outside.getsockname()[1]
        text = (
            "import socket\n"
            f"try: socket.create_connection(('127.0.0.1', {port}), timeout=5)\n"
            "except ConnectionRefusedError: print('refused')\n"
        )
        assert box.program(text) == "refused\n"
    text = (
        "import socket, sys; s = socket.create_server(('127.0.0.1', 0)); print('ready', flush=True)\nsys.stdin.read()"
    )
    process = box.start(box.python, "-I", "-c", text, stdin=-1)
    inside = Path(f"/proc/{process.pid}/net/tcp").read_text().splitlines()[1].split()[1]
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(inside.partition(":")[2], 16)), timeout=5)
    process.communicate()
    assert process.returncode == 0


def test_the_user_the_folder_and_the_arguments_stay(box: Sandbox) -> None:
    """Only the mark is added to the environment, and proxies are taken from it, since none is inside."""
    words = ["", "a b", "--join", "é\n", "$HOME"]
    environment = {"PATH": os.defpath, "ODD": "x=y", "HTTPS_PROXY": "http://proxy.example:3128", "http_proxy": "x"}
    done = box.run(box.python, "-I", "-c", FACTS, *words, env=environment)
    facts = json.loads(done.stdout)
    assert (facts["user"][:2], facts["folder"]) == ([box.user] * 2, str(box.folder))
    assert facts["arguments"] == words
    assert facts["environment"]["ODD"] == "x=y"
    assert facts["environment"][entrance.MARK].isdecimal()
    assert not {name for name in facts["environment"] if "proxy" in name.lower()}


def test_files_belong_to_the_user(box: Sandbox) -> None:
    """What a command writes is there afterwards, and belongs to the user who started it."""
    file = box.folder / "written"
    assert box.run("sh", "-c", "echo inside > written").returncode == 0
    assert (file.read_text(), file.stat().st_uid) == ("inside\n", box.user)
    file.unlink()


def test_what_the_user_may_not_write_stays_so(box: Sandbox) -> None:
    """A sandbox gives no access to files that the user does not have."""
    if box.user == 0:
        pytest.skip("root may write everything")
    done = box.run("sh", "-c", "echo x > /etc/surveyor-test-of-a-sandbox")
    assert done.returncode != 0
    assert not Path("/etc/surveyor-test-of-a-sandbox").exists()


def test_a_sandbox_in_which_tasks_have_namespaces_of_their_own(box: Sandbox) -> None:
    """Namespaces nest: what the embedded target does for its tasks works inside too."""
    done = box.run("unshare", "-Urm", "sh", "-c", "mount -t tmpfs none /mnt && echo nested")
    assert done.stdout == "nested\n", done.stderr


def test_another_process_joins(box: Sandbox) -> None:
    """It is in the same network and sees the same files; its exit code is passed on."""
    process = box.start("sh", "-c", "echo ready; exec sleep 1000")
    try:
        text = "import os; print(os.stat('/proc/self/ns/net').st_ino, open('/etc/resolv.conf').readline().strip())"
        network = Path(f"/proc/{process.pid}/ns/net").stat().st_ino
        done = box.run("--join", str(process.pid), box.python, "-I", "-c", text)
        assert done.stdout == f"{network} nameserver {entrance.RESOLVER}\n", done.stderr
        assert box.run("--join", str(process.pid), "sh", "-c", "exit 9").returncode == 9
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    ("pid", "line"),
    [("4194305", "there is no process 4194305"), (str(os.getpid()), f"process {os.getpid()}")],
    ids=["none", "this one"],
)
def test_what_is_in_no_sandbox_cannot_be_joined(box: Sandbox, pid: str, line: str) -> None:
    """A process that does not exist, and one outside of any sandbox, are one line and 2."""
    done = box.run("--join", pid, "true")
    assert done.returncode == 2
    assert done.stderr.startswith(f"surveyor: {line}")
    assert done.stderr.count("\n") == 1
