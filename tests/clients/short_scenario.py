"""Run runtimes through a scenario of less than a minute, and print the figures as JSON.

python -m tests.clients.short_scenario SCENARIO NAME...
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace

from surveyor.clients.models import RUNTIME_MODELS
from surveyor.clients.runtimes import RUNTIMES, FoundSoftware
from surveyor.clients.scenario import play_scenario
from surveyor.clients.scenarios import Behaviour, ClientScenario, Step, kill_gap_drain
from surveyor.sandbox import enter_or_explain

SHORT = kill_gap_drain("short", "short", steady=6, kill=14, gap=5, back=14, drain=10, negative_ttl=10)
KILL = replace(
    SHORT,
    name="kill",
    steps=(*SHORT.steps[:2], SHORT.steps[-1]),
    behaviours=(Behaviour("kill", "killed", "kill", "kill", "end", (1,)),),
)
CACHED = replace(KILL, name="cached", cache="dnsmasq", with_models=False)
ENDINGS = ClientScenario(
    "endings",
    "a task is stopped and drains for three seconds, and a task and its address vanish; each has an IPv6 address",
    (
        Step("begin", "begin", 4, (0,)),
        Step("stop", "stop", 12, (1,), (0,), "stop"),
        Step("vanish", "vanish", 10, (2,), (1,)),
        Step("end", "end", 0),
    ),
    (
        Behaviour("stop", "stopped", "stop", "stop", "vanish", (1,), lasting=True),
        Behaviour("vanish", "vanished", "vanish", "vanish", "end", (2,)),
    ),
    3,
    ipv6=True,
    vanish=True,
    drain=3,
)
SHORTS = {scenario.name: scenario for scenario in (SHORT, CACHED, ENDINGS)}


def main(scenario: ClientScenario, names: list[str]) -> None:
    """Print by client and behaviour the seconds, None for never, and the calls that failed."""
    software = {name: RUNTIMES[name].software.find() for name in names}
    here = {name: (RUNTIMES[name], found) for name, found in software.items() if isinstance(found, FoundSoftware)}
    models = [RUNTIME_MODELS[name] for name in ("dns-once", "dns-pool")] if scenario.with_models else []
    result = play_scenario(here, models, scenario, 7, lambda text: None)
    figures = {
        name: {behaviour: None if found.is_never else round(found.high, 2) for behaviour, found in measures.items()}
        for name, measures in result.measures.items()
    }
    errors = {
        name: {behaviour: found.errors for behaviour, found in measures.items()}
        for name, measures in result.measures.items()
    }
    missing = {
        name: found.why for name, found in software.items() if name not in here and not isinstance(found, FoundSoftware)
    }
    shown = {"figures": figures, "errors": errors, "missing": missing, "failed": dict(result.not_started)}
    sys.stdout.write(json.dumps(shown) + "\n")


if __name__ == "__main__":
    enter_or_explain()
    main(SHORTS[sys.argv[1]], sys.argv[2:])
