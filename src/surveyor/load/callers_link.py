"""The link between a conductor and the Locust process of its callers: lines of JSON, and one answer.

The conductor sends the service's endpoints, each phase, the end of the phases, and that it waits for the tally, which
is in the folder of the scenario when the line `saved` arrives.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import asdict
from typing import IO

from surveyor.callers import ServiceEndpoints
from surveyor.errors import SurveyorError
from surveyor.load.scenario import Phase

__all__ = ["SAVED", "CallersLink"]

SAVED = "saved"
SAVE_TIMEOUT = 60.0
"""Wall seconds; Locust collects the counts of its workers within ten."""


class CallersLink:
    """The callers of a scenario, as their conductor reaches them. Raises SurveyorError if they have ended.

    `abort`: ends callers that do not save their counts in time.
    """

    def __init__(self, send: IO[str], answers: IO[str], abort: Callable[[], object] = lambda: None) -> None:
        self._send, self._answers, self._abort = send, answers, abort

    def begin(self, endpoints: ServiceEndpoints) -> None:
        """Call the service from now on."""
        self.send({"endpoints": asdict(endpoints)})

    def enter(self, phase: Phase) -> None:
        """Print the phase that begins."""
        self.send({"phase": phase.name, "seconds": phase.seconds})

    def end(self) -> None:
        """Stop calling."""
        self.send({"phases": "ended"})

    def collect(self) -> bool:
        """Return whether the callers have saved their tally, when they have, have ended, or have been aborted."""
        timer = threading.Timer(SAVE_TIMEOUT, self._abort)
        timer.start()
        try:
            self.send({"waiting": "tally"})
            return any(line.strip() == SAVED for line in self._answers)
        except SurveyorError:
            return False
        finally:
            timer.cancel()

    def send(self, value: object) -> None:
        """Send one message."""
        try:
            self._send.write(json.dumps(value) + "\n")
            self._send.flush()
        except OSError:
            raise SurveyorError("the callers ended before the scenario did") from None
