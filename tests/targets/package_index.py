"""A package index on disk with versions of a tiny package, so that environments are created without a network."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from dataclasses import dataclass
from pathlib import Path

from surveyor.targets import Environment

__all__ = ["PackageIndex"]

_SERVER = """
import http.server, importlib.metadata, sys

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = f"{importlib.metadata.version('tiny')} {sys.prefix} {sys.path}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


@dataclass(frozen=True)
class PackageIndex:
    """Wheels of the package `tiny`, a server that answers with its version, in `folder`."""

    folder: Path

    def add(self, version: str) -> str:
        """Add a wheel; return its line of a requirements file."""
        files = {
            "tiny.py": _SERVER,
            f"tiny-{version}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: tiny\nVersion: {version}\n",
            f"tiny-{version}.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        }
        record = "".join(f"{name},sha256={_digest(text)},{len(text)}\n" for name, text in files.items())
        path = self.folder / f"tiny-{version}-py3-none-any.whl"
        with zipfile.ZipFile(path, "w") as wheel:
            for name, text in files.items():
                wheel.writestr(name, text)
            wheel.writestr(f"tiny-{version}.dist-info/RECORD", f"{record}tiny-{version}.dist-info/RECORD,,\n")
        return f"tiny=={version} --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"

    def target(self, folder: Path, *versions: str) -> Path:
        """Write the target file tiny.toml with these versions, which the index has, and return its path."""
        requirements = folder / "requirements"
        requirements.mkdir(parents=True, exist_ok=True)
        for version in versions:
            (requirements / f"tiny-{version}.txt").write_text(self.add(version))
        path = folder / "tiny.toml"
        path.write_text(
            'package = "tiny"\n[start]\nargv = ["{python}", "-m", "tiny", "{port}"]\n'
            + "".join(f'[versions."{version}"]\n' for version in versions)
        )
        return path

    def environment(self, folder: Path, version: str) -> Environment:
        """Return the environment of a version, with its requirements in `folder`."""
        self.target(folder, version)
        return Environment("tiny", version, folder / "requirements" / f"tiny-{version}.txt", ("0.9",))


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
