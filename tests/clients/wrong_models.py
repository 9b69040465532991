"""Run `surveyor load --runtimes` in a scenario of less than a minute, with models that are made wrong.

python -m tests.clients.wrong_models WORD...
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from unittest import mock

from surveyor.callers.resolvers import FOREVER
from surveyor.cli import main
from surveyor.clients.models import RUNTIME_MODELS, RuntimeModel
from surveyor.clients.scenarios import SCENARIOS
from tests.clients.short_scenario import KILL

WRONG: Mapping[str, RuntimeModel] = {
    "dns-once": RuntimeModel("dns-once", "asks again"),
    "dns-pool": replace(RUNTIME_MODELS["dns-pool"], positive=FOREVER),
    "dns-poll-5": replace(RUNTIME_MODELS["dns-poll-5"], positive=60.0),
    "curl": replace(RUNTIME_MODELS["curl"], positive=60.0),
}
"""Models by name, each wrong in when it asks again."""

if __name__ == "__main__":
    sys.argv = ["surveyor", "load", "--runtimes", "--scenario", KILL.name, *sys.argv[1:]]
    with (
        mock.patch.dict("surveyor.clients.models.RUNTIME_MODELS", WRONG),
        mock.patch.dict(SCENARIOS, {KILL.name: KILL}),
    ):
        sys.exit(main())
