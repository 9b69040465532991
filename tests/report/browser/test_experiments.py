"""Charts and tables of experiments are readable in a browser: light and dark, narrow and wide, and printed."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from surveyor.claims import Claims
from surveyor.report.page import render
from tests.report.browser.test_page import POOR_CONTRAST, quiet
from tests.report.test_client_tables import CLIENTS, scenario
from tests.report.test_experiments import experiment, report, service_with_a_resurrection

if TYPE_CHECKING:
    from tests.report.browser.conftest import Browser

# Pairs of texts in a drawing that overlap.
OVERLAPPING = """(() => {
  const boxes = [...document.querySelectorAll('.experiment-chart text:not(.count)')].map((text) => [text.textContent, text.getBBox()]);
  const meet = ([, a], [, b]) => a.x < b.x + b.width && b.x < a.x + a.width && a.y + 2 < b.y + b.height && b.y + 2 < a.y + a.height;
  return boxes.flatMap((box, i) => boxes.slice(i + 1).filter((other) => meet(box, other)).map((other) => `${box[0]} | ${other[0]}`));
})()"""  # noqa: E501  # a script of the page


@pytest.fixture
def page(claims: Claims, tmp_path: Path) -> Path:
    """Return the page of one failed experiment."""
    path = tmp_path / "experiment.html"
    path.write_text(render([report(experiment(service_with_a_resurrection()))], claims), encoding="utf-8")
    return path


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("dark", [False, True])
def test_an_experiment_is_readable(browser: Browser, page: Path, width: int, dark: bool) -> None:
    """The chart shows everything, no names overlap, and nothing is wider than the page."""
    browser.open(page, width=width, height=900, dark=dark)
    assert browser.run("document.querySelector('h1').innerText") == ("0 of 1 experiments passed on embedded 0.1.0")
    assert browser.run("document.documentElement.scrollWidth") == width
    assert browser.run(POOR_CONTRAST) == []
    assert browser.run(OVERLAPPING) == []
    assert browser.run("document.querySelectorAll('.life').length") >= 3
    assert browser.run("document.querySelectorAll('.call-fail').length") > 2
    assert browser.run("document.querySelector('.fault').textContent") == "task.kill"
    text = browser.run("document.querySelector('.experiment').innerText")
    assert "no resurrection" in text
    assert text.count("event ") == 3 + 5 + 2  # of the resurrection, five failed calls, and the late removal
    assert not browser.run("document.getElementById('claims').checkVisibility()")
    quiet(browser, page)


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("dark", [False, True])
def test_client_impact_is_readable(browser: Browser, claims: Claims, tmp_path: Path, width: int, dark: bool) -> None:
    """Tables wider than a phone scroll separately; failures stand out, and not by colour alone."""
    page = tmp_path / "impact.html"
    page.write_text(render([report(scenario("lose-one", *CLIENTS), scenario("deploy", "dns"))], claims), "utf-8")
    browser.open(page, width=width, height=900, dark=dark)
    assert browser.run("document.documentElement.scrollWidth") == width
    assert browser.run(POOR_CONTRAST) == []
    assert browser.run("document.querySelectorAll('table.clients').length") == 4
    styles = (f"getComputedStyle(document.querySelector('.clients b{kind}'))" for kind in (".failed", ":not(.failed)"))
    failed, fine = styles
    assert browser.run(f"{failed}.color") != browser.run(f"{fine}.color")
    assert browser.run(f"{failed}.fontWeight") != browser.run(f"{fine}.fontWeight")
    quiet(browser, page)


def test_tasks_and_faults_differ_in_colour(browser: Browser, page: Path) -> None:
    """Different states have different colours, in light and in dark."""
    for dark in (False, True):
        browser.open(page, width=1280, height=900, dark=dark)
        kinds = ("life running", "call-fail", "stairs", "band")
        fills = [browser.run(f"getComputedStyle(document.getElementsByClassName('{kind}')[0]).fill") for kind in kinds]
        assert len(set(fills)) >= 3
        assert "rgb(0, 0, 0)" not in fills


def test_it_prints(browser: Browser, page: Path) -> None:
    """One experiment prints on one to three sheets, with its chart."""
    browser.open(page, width=1280, height=900)
    paper = base64.b64decode(browser.call("Page.printToPDF", printBackground=True)["data"])
    assert paper.startswith(b"%PDF")
    assert 1 <= paper.count(b"/Type /Page\n") + paper.count(b"/Type /Page ") <= 3
