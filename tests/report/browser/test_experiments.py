"""Experiments in a browser: the chart is there and can be read, in light and dark, on a phone, on a desk, on paper."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from surveyor.claims import Claims
from surveyor.report.page import render
from tests.report.browser.test_page import POOR_CONTRAST, quiet
from tests.report.test_experiments import experiment, report, world_with_a_resurrection
from tests.report.test_felt import CLIENTS, scenario

if TYPE_CHECKING:
    from tests.report.browser.conftest import Browser

# The share of a drawing's texts that another text of it covers, as pairs.
OVERLAPPING = """(() => {
  const boxes = [...document.querySelectorAll('.experiment-chart text:not(.count)')].map((one) => [one.textContent, one.getBBox()]);
  const meet = ([, a], [, b]) => a.x < b.x + b.width && b.x < a.x + a.width && a.y + 2 < b.y + b.height && b.y + 2 < a.y + a.height;
  return boxes.flatMap((one, i) => boxes.slice(i + 1).filter((other) => meet(one, other)).map((other) => `${one[0]} | ${other[0]}`));
})()"""  # noqa: E501  # a script of the page


@pytest.fixture
def page(claims: Claims, tmp_path: Path) -> Path:
    """A failed experiment alone on its page."""
    path = tmp_path / "experiment.html"
    path.write_text(render([report(experiment(world_with_a_resurrection()))], claims), encoding="utf-8")
    return path


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("dark", [False, True])
def test_an_experiment_can_be_read(browser: Browser, page: Path, width: int, dark: bool) -> None:
    """The chart has all that happened, no name covers another, and nothing is wider than the page."""
    browser.open(page, width=width, height=900, dark=dark)
    assert browser.run("document.querySelector('h1').innerText") == (
        "0 of 1 experiments ended as they should on embedded 0.1.0"
    )
    assert browser.run("document.documentElement.scrollWidth") == width
    assert browser.run(POOR_CONTRAST) == []
    assert browser.run(OVERLAPPING) == []
    assert browser.run("document.querySelectorAll('.life').length") >= 3
    assert browser.run("document.querySelectorAll('.call-fail').length") > 2
    assert browser.run("document.querySelector('.fault').textContent") == "task.kill"
    told = browser.run("document.querySelector('.experiment').innerText")
    assert "no resurrection" in told
    assert told.count("event ") == 3 + 5 + 2  # of the resurrection, five failed calls, and that it was not gone
    assert not browser.run("document.getElementById('claims').checkVisibility()")
    quiet(browser, page)


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("dark", [False, True])
def test_what_clients_felt_can_be_read(
    browser: Browser, claims: Claims, tmp_path: Path, width: int, dark: bool
) -> None:
    """Tables that are wider than a phone scroll by themselves; what failed stands out, and not by its colour alone."""
    page = tmp_path / "felt.html"
    page.write_text(render([report(scenario("lose-one", *CLIENTS), scenario("deploy", "dns"))], claims), "utf-8")
    browser.open(page, width=width, height=900, dark=dark)
    assert browser.run("document.documentElement.scrollWidth") == width
    assert browser.run(POOR_CONTRAST) == []
    assert browser.run("document.querySelectorAll('table.clients').length") == 4
    hurt, fine = (f"getComputedStyle(document.querySelector('.clients b{one}'))" for one in (".hurt", ":not(.hurt)"))
    assert browser.run(f"{hurt}.color") != browser.run(f"{fine}.color")
    assert browser.run(f"{hurt}.fontWeight") != browser.run(f"{fine}.fontWeight")
    quiet(browser, page)


def test_lives_and_faults_differ_in_colour(browser: Browser, page: Path) -> None:
    """In light and in dark: what is told by colour is told by different ones."""
    for dark in (False, True):
        browser.open(page, width=1280, height=900, dark=dark)
        kinds = ("life running", "call-fail", "stairs", "band")
        fills = [browser.run(f"getComputedStyle(document.getElementsByClassName('{kind}')[0]).fill") for kind in kinds]
        assert len(set(fills)) >= 3
        assert "rgb(0, 0, 0)" not in fills


def test_it_prints(browser: Browser, page: Path) -> None:
    """One experiment is a page or two, with its chart."""
    browser.open(page, width=1280, height=900)
    paper = base64.b64decode(browser.call("Page.printToPDF", printBackground=True)["data"])
    assert paper.startswith(b"%PDF")
    assert 1 <= paper.count(b"/Type /Page\n") + paper.count(b"/Type /Page ") <= 3
