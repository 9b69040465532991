"""The pytest plugin that repeats recordings: which ones, and the features that each needs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from surveyor.claims import load_claims
from surveyor.conformance.replay.situations import MODULES, OBSERVATIONS, SITUATIONS
from surveyor.pytest_plugin.busy_machine import INSTANT
from surveyor.pytest_plugin.options import SETTINGS, is_replay
from surveyor.pytest_plugin.verdict import FEATURES
from surveyor.recordings import Recording, load_recordings
from surveyor.recordings.model import Call

__all__ = ["features_of"]

pytest_plugins = list(MODULES)

_FEATURES = {"route53": "route53", "ec2": "ec2", "ecs": "ecs", "iam": "iam", "sts": "iam", "events": "events"}
"""The feature that a target needs for the calls of a service."""

_LONGEST_WAIT = 1_800
"""Service seconds that a replay may wait on a clock that cannot be advanced."""

_CONSUMER = "sharing"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("surveyor")
    group.addoption("--recording", action="append", default=[], metavar="ID", help="repeat this recording")
    group.addoption("--recordings-from", default=None, metavar="DIR", help="folder of the recordings")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if is_replay(metafunc.definition):
        layout = metafunc.config.stash[SETTINGS].layout
        folder = Path(metafunc.config.getoption("--recordings-from") or layout.recordings)
        known = load_recordings(folder, load_claims(layout.claims).by_id).by_id
        chosen = [known[name] for name in metafunc.config.getoption("--recording")]
        metafunc.parametrize("recording", chosen, ids=[recording.id for recording in chosen])


def pytest_itemcollected(item: pytest.Item) -> None:
    if is_replay(item):
        assert isinstance(item, pytest.Function)
        recording = item.callspec.params["recording"]
        assert isinstance(recording, Recording)
        item.stash[FEATURES] = features_of(recording)
        if recording.request is not None and recording.replay is not None and not recording.replay.within:
            item.stash[INSTANT] = True


def features_of(recording: Recording) -> frozenset[str]:
    """Return the features that a target needs to repeat a recording."""
    if recording.replay is None:
        return frozenset()
    setting = OBSERVATIONS[recording.observation] if recording.observation else SITUATIONS[recording.replay.situation]
    patience = {"clock-control"} if recording.replay.within > _LONGEST_WAIT else set()
    return setting.features.union(patience, *map(_needs, _calls(recording)))


def _calls(recording: Recording) -> Iterator[Call]:
    if recording.replay is not None:
        yield from recording.replay.before
    if recording.request is not None:
        yield recording.request


def _needs(call: Call) -> set[str]:
    found = {_FEATURES[call.service]} if call.service in _FEATURES else set()
    return found | ({_CONSUMER} if call.caller == "consumer" else set())
