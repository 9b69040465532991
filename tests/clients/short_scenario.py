"""Run runtimes through a scenario of less than a minute, and print the figures as JSON.

python -m tests.clients.short_scenario NAME...
"""

from __future__ import annotations

import json
import sys

from surveyor.clients.models import RUNTIME_MODELS
from surveyor.clients.runtimes import RUNTIMES, FoundSoftware
from surveyor.clients.scenario import play_scenario
from surveyor.clients.scenarios import kill_gap_drain
from surveyor.sandbox import enter_or_explain

SHORT = kill_gap_drain("short", "short", steady=6, kill=14, gap=5, back=14, drain=10, negative_ttl=10)


def main(names: list[str]) -> None:
    """Print by client and behaviour the seconds, None for never."""
    software = {name: RUNTIMES[name].software.find() for name in names}
    here = {name: (RUNTIMES[name], found) for name, found in software.items() if isinstance(found, FoundSoftware)}
    models = [RUNTIME_MODELS[name] for name in ("dns-once", "dns-pool")]
    result = play_scenario(here, models, SHORT, 7, lambda text: None)
    figures = {
        name: {behaviour: None if found.is_never else round(found.high, 2) for behaviour, found in measures.items()}
        for name, measures in result.measures.items()
    }
    missing = {
        name: found.why for name, found in software.items() if name not in here and not isinstance(found, FoundSoftware)
    }
    sys.stdout.write(json.dumps({"figures": figures, "missing": missing, "failed": dict(result.not_started)}) + "\n")


if __name__ == "__main__":
    enter_or_explain()
    main(sys.argv[1:])
