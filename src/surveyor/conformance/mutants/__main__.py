"""Run the embedded target behind a mutant proxy. Prints one line of JSON when ready, as targets do."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile

from surveyor.conformance.mutants.model import FORGED, load_mutants
from surveyor.errors import SurveyorError
from surveyor.layout import find_layout

__all__ = ["main"]

_EMBEDDED = (
    "-m",
    "surveyor_emulator",
    "--clock",
    "advance",
    "--probe-loopback",
    "--die-with-parent",
)
_PRELOADED = ("servicediscovery", "ec2", "route53", "ecs")
_PRELOADED_FOR_IAM = ("servicediscovery", "iam")
"""What most tests ask: it loads while pytest starts."""

# A request that the proxy changes has the signature of the original.
_ACCEPT_EVERY_SIGNATURE = {
    "in": "server.signature:verify",
    "find": "if not hmac.compare_digest(",
    "with": "if False and not hmac.compare_digest(",
}


def main() -> None:
    """``python -m surveyor.conformance.mutants SEED [AREA...]``: serve until the process ends.

    The command that starts this program checks whether the claims of the mutants exist.
    """
    seed, *areas = sys.argv[1:]
    mutants = load_mutants(find_layout().mutants, None, areas or None)
    edits = {mutant.id: dict(mutant.details) for mutant in mutants.values() if mutant.operator == "edit"}
    edits[FORGED] = _ACCEPT_EVERY_SIGNATURE
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(edits, file)
        file.flush()
        services = _PRELOADED_FOR_IAM if "iam" in areas else _PRELOADED
        preload = [word for service in services for word in ("--preload", service)]
        command = [sys.executable, *_EMBEDDED, *preload, "--edits", file.name, "--seed", seed]
        target = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert target.stdout is not None
        from surveyor.conformance.mutants.http_proxy import MutantProxy  # here, while the target starts

        first_line = target.stdout.readline()  # the target has read the edits now
    try:
        ready = json.loads(first_line)
        proxy = MutantProxy(ready["endpoint"], ready["token"], mutants)
        sys.stdout.write(json.dumps({"endpoint": proxy.url, "token": ready["token"]}) + "\n")
        sys.stdout.flush()
        proxy.serve()
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        target.terminate()
        target.wait()


if __name__ == "__main__":
    try:
        main()
    except SurveyorError as error:
        sys.exit(f"surveyor.conformance.mutants: {error}")
