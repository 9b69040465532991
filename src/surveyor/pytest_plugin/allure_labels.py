"""Tell Allure's pytest plugin what each test of a suite is about, if that plugin writes results (--alluredir).

The area becomes the feature, the claim the story, its level the severity, its document a link, and the evidence an
attachment. The status is that of Surveyor's verdict: allure-pytest would show an unsupported feature as broken.
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from surveyor.output_files import write_text
from surveyor.pytest_plugin.collection import CLAIMS, claims_of
from surveyor.pytest_plugin.options import SETTINGS, is_experiment, is_judged
from surveyor.pytest_plugin.safe_output import safe_text
from surveyor.pytest_plugin.session import SESSION, ledger_folder
from surveyor.pytest_plugin.verdict import RESULT
from surveyor.report.test_results import TestResult
from surveyor.typed_json import parse_json

if TYPE_CHECKING:
    from surveyor.claims import Claim

__all__: list[str] = []

LISTENER = "allure_listener"
"""The name under which allure-pytest registers what writes results."""


@pytest.hookimpl(trylast=True)  # after allure-pytest
def pytest_configure(config: pytest.Config) -> None:
    listener = config.pluginmanager.get_plugin(LISTENER)
    if listener is not None:
        import allure_commons

        config.pluginmanager.register(_Labels(config, listener), "surveyor-allure")
        cleaner = _cleaner()
        allure_commons.plugin_manager.register(cleaner)
        config.add_cleanup(lambda: allure_commons.plugin_manager.unregister(cleaner))


def _cleaner() -> object:
    """Return a plugin of Allure that makes results and fixtures safe before they are written."""
    from allure_commons import hookimpl

    class Cleaner:
        """Handles the events of Allure before its own writer of files does."""

        @hookimpl(tryfirst=True)
        def report_result(self, result: object) -> None:
            """Handle the result of a test."""
            _make_safe(result)

        @hookimpl(tryfirst=True)
        def report_container(self, container: object) -> None:
            """Handle the fixtures of a test."""
            _make_safe(container)

    return Cleaner()


def _make_safe(item: Any) -> Any:
    """Make all texts in an item of Allure safe, in place, and return it."""
    if isinstance(item, str):
        return safe_text(item)
    if isinstance(item, list):
        return [_make_safe(inner) for inner in item]
    for name, value in getattr(item, "__dict__", {}).items():
        setattr(item, name, _make_safe(value))
    return item


class _Labels:
    """Adds to the results of `listener` what Surveyor knows about a test."""

    def __init__(self, config: pytest.Config, listener: Any) -> None:
        import allure

        self._allure: Any = allure  # its functions have no types
        self._config = config
        self._listener = listener

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None]:
        """Add labels, links and the target before the test may be refused for a feature that the target lacks."""
        if is_judged(item):
            target = item.config.stash[SESSION].target
            self._allure.dynamic.parameter("target", f"{target.name} {target.version()}".strip())
            if is_experiment(item):
                self._allure.dynamic.feature("Experiments")
            else:
                known = item.config.stash[CLAIMS]
                titles = {area.name: area.title for area in known.areas}
                self._label([known.by_id[claim] for claim in claims_of(item)], titles)
        yield

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add the verdict and the evidence at the end of the last phase; the listener has not yet closed the test."""
        from surveyor.report.allure import STATUS, describe_claim
        from surveyor.report.jsontext import dumps

        value = getattr(report, RESULT, None)
        test = self._listener.allure_logger.get_test(None)
        if value is None or test is None:  # the process that only collects the reports of xdist's workers has no test
            return
        result = parse_json(value, TestResult)
        test.status = STATUS[result.verdict]
        if test.statusDetails is not None and result.detail:
            test.statusDetails.message = result.detail
        self._allure.dynamic.tag(str(result.verdict))
        if CLAIMS in self._config.stash and result.claims:
            known = self._config.stash[CLAIMS]
            self._allure.dynamic.description("\n\n".join(describe_claim(known.by_id[claim]) for claim in result.claims))
        if result.evidence:
            self._allure.attach(dumps(list(result.evidence), indent=1), "evidence", self._allure.attachment_type.JSON)
        if result.history:
            history = ledger_folder(self._config.stash[SETTINGS]) / result.history
            if history.is_file():
                self._allure.attach.file(str(history), "history", "application/x-ndjson", "jsonl")

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the environment and the categories beside the results."""
        from surveyor import __version__
        from surveyor.report.allure import CATEGORIES, environment_text
        from surveyor.report.jsontext import dumps

        if hasattr(session.config, "workerinput"):
            return
        folder = Path(session.config.getoption("allure_report_dir"))
        target, settings = session.config.stash[SESSION].target, session.config.stash[SETTINGS]
        values = {
            "target": target.name,
            "target.version": target.version(),
            "surveyor": __version__,
            "seed": str(settings.seed),
        }
        folder.mkdir(parents=True, exist_ok=True)
        write_text(folder / "environment.properties", environment_text(values))
        write_text(folder / "categories.json", dumps(CATEGORIES, indent=1) + "\n")

    def _label(self, claims: list[Claim], titles: dict[str, str]) -> None:
        from surveyor.report.allure import SEVERITY
        from surveyor.report.links import href

        dynamic = self._allure.dynamic
        dynamic.feature(*dict.fromkeys(titles[claim.area] for claim in claims))
        dynamic.story(*(claim.id for claim in claims))
        highest = min((claim.level for claim in claims), key=list(SEVERITY).index)
        dynamic.severity(SEVERITY[highest])
        for claim in claims:
            if address := href(claim.source):
                dynamic.link(address, name=str(claim.source))
