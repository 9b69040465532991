"""The models of services are read once in a process, for each list of folders that may hold further ones."""

from __future__ import annotations

from pathlib import Path

import pytest
from botocore.session import Session

from surveyor.service_models import model_loader, share_models


def test_sessions_share_the_models(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Two sessions have the same loader; one that finds models elsewhere too (AWS_DATA_PATH) does not share it."""
    loaders = []
    for folder in ("", "", str(tmp_path)):
        monkeypatch.setenv("AWS_DATA_PATH", folder)
        session = Session()
        share_models(session)
        loaders.append(session.get_component("data_loader"))
    first, second, other = loaders
    assert first is second
    assert first is not other
    assert str(tmp_path) in other.search_paths
    assert first.load_service_model("ecs", "service-2") is model_loader("").load_service_model("ecs", "service-2")
