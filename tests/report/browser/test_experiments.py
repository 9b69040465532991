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
from tests.report.test_experiments import measured_experiment, report

pytestmark = pytest.mark.soak  # each test starts a browser

if TYPE_CHECKING:
    from tests.report.browser.conftest import Browser

# Pairs of texts in a drawing that overlap.
OVERLAPPING = """(() => {
  const drawn = [...document.querySelectorAll('.experiment-chart text:not(.count)')].filter((text) => text.checkVisibility());
  const boxes = drawn.map((text) => [text.textContent, text.getBBox()]);
  const meet = ([, a], [, b]) => a.x < b.x + b.width && b.x < a.x + a.width && a.y + 2 < b.y + b.height && b.y + 2 < a.y + a.height;
  return boxes.flatMap((box, i) => boxes.slice(i + 1).filter((other) => meet(box, other)).map((other) => `${box[0]} | ${other[0]}`));
})()"""  # noqa: E501  # a script of the page


@pytest.fixture
def page(claims: Claims, tmp_path: Path) -> Path:
    """Return the page of one failed experiment."""
    path = tmp_path / "experiment.html"
    path.write_text(render([report(measured_experiment())], claims), encoding="utf-8")
    return path


# Sizes of the texts of the visible drawings in pixels, and by how much a drawing is wider than its box.
TEXT_SIZES = """[...document.querySelectorAll('.experiment-chart text')].filter((text) => text.checkVisibility()).map((text) =>
  parseFloat(getComputedStyle(text).fontSize) * text.ownerSVGElement.getBoundingClientRect().width / text.ownerSVGElement.viewBox.baseVal.width
)"""  # noqa: E501  # a script of the page
TEXT_OUTSIDE = """[...document.querySelectorAll('.experiment-chart text')].filter((text) => text.checkVisibility()).filter((text) => {
  const [a, b] = [text.getBBox(), text.ownerSVGElement.viewBox.baseVal];
  return a.x < -0.5 || a.x + a.width > b.width + 0.5 || a.y < -0.5 || a.y + a.height > b.height + 0.5;
}).map((text) => text.textContent)"""  # noqa: E501  # a script of the page
MIDDLE = """(() => {
  const box = document.querySelector('.plot').getBoundingClientRect();
  return [box.x + box.width / 2, box.y + 40];
})()"""
NAMED_FIGURES = """[...document.querySelectorAll('.clients .name')].filter((name) => name.checkVisibility())
  .map((name) => name.textContent)"""
CUT_OFF = """[...document.querySelectorAll('.plot, .chart, .scroll')].map((box) => box.scrollWidth - box.clientWidth)"""


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("dark", [False, True])
def test_an_experiment_is_readable(browser: Browser, page: Path, width: int, dark: bool) -> None:
    """The chart shows everything, no names overlap, and nothing is wider than the page."""
    browser.open(page, width=width, height=900, dark=dark)
    assert browser.run("document.querySelector('h1').innerText") == (
        "0 of 1 experiment passed on embedded 0.1.0; 16.9 % of calls failed"
    )
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
    """On a phone tables are lists of their cells; failures stand out, and not by colour alone."""
    page = tmp_path / "impact.html"
    page.write_text(render([report(scenario("lose-one", *CLIENTS), scenario("deploy", "dns"))], claims), "utf-8")
    browser.open(page, width=width, height=900, dark=dark)
    assert browser.run("document.documentElement.scrollWidth") == width
    assert browser.run(POOR_CONTRAST) == []
    assert browser.run("document.querySelectorAll('table.clients').length") == 4
    assert browser.run(CUT_OFF) == [0] * browser.run(f"({CUT_OFF}).length")
    labels = "getComputedStyle(document.querySelector('.clients td'), '::before').content"
    assert browser.run(labels) == ('"lose-one"' if width == 360 else "none")
    styles = (f"getComputedStyle(document.querySelector('.clients b{kind}'))" for kind in (".failed", ":not(.failed)"))
    failed, fine = styles
    assert browser.run(f"{failed}.color") != browser.run(f"{fine}.color")
    assert browser.run(f"{failed}.fontWeight") != browser.run(f"{fine}.fontWeight")
    quiet(browser, page)


@pytest.mark.soak
@pytest.mark.parametrize("width", [320, 390, 760, 1000, 1001, 1400])
def test_text_in_a_chart_is_legible_at_every_width(browser: Browser, page: Path, width: int) -> None:
    """The whole time axis is inside the box, and no text is smaller than nine pixels."""
    browser.open(page, width=width, height=900)
    assert browser.run(CUT_OFF) == [0] * browser.run(f"({CUT_OFF}).length")
    assert browser.run("document.documentElement.scrollWidth") == width
    sizes = browser.run(TEXT_SIZES)
    assert len(sizes) > 10
    assert browser.run(TEXT_OUTSIDE) == []
    assert min(sizes) >= 9
    visible = "[...document.querySelectorAll('.experiment-chart')].filter((chart) => chart.checkVisibility()).length"
    assert browser.run(visible) == 1


def test_a_chart_is_read_by_keyboard(browser: Browser, page: Path) -> None:
    """With the focus on a chart the arrow keys move a moment, whose values are shown and announced."""
    browser.open(page, width=1280, height=900)
    assert browser.run("document.querySelector('.readout').innerText").startswith("Point at the chart")
    browser.run("document.querySelector('.plot').focus()")
    for key in ("Home", "ArrowRight", "ArrowLeft"):
        browser.press(key)
    assert browser.run("document.querySelector('.plot').getAttribute('aria-valuenow')") == "0.0"
    browser.press("End")
    readout = browser.run("document.querySelector('.readout').innerText")
    assert "DiscoverInstances, all" in readout
    assert "running" in readout
    announced = browser.run("document.querySelector('.plot').getAttribute('aria-valuetext')")
    assert announced.startswith(readout.split("\n")[0])
    assert browser.run("getComputedStyle(document.querySelector('.cursor')).visibility") == "visible"
    browser.run("document.querySelector('.plot').blur()")
    browser.press("Home")
    assert browser.run("document.querySelector('.plot').getAttribute('aria-valuenow')") != "0.0"
    quiet(browser, page)


def test_the_pointer_reads_a_chart(browser: Browser, page: Path) -> None:
    """Where the pointer is, the values are shown as with the keyboard."""
    browser.open(page, width=390, height=900)
    browser.run("document.querySelector('.plot').scrollIntoView({block: 'start', behavior: 'instant'})")
    x, y = browser.run(MIDDLE)
    browser.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
    assert browser.run("document.querySelector('.readout b').textContent").startswith("at ")
    seconds = float(browser.run("document.querySelector('.plot').getAttribute('aria-valuenow')"))
    whole = float(browser.run("document.querySelector('.plot').getAttribute('aria-valuemax')"))
    assert seconds == pytest.approx(whole / 2, rel=0.05)


def test_one_figure_of_clients_is_shown_at_a_time(browser: Browser, claims: Claims, tmp_path: Path) -> None:
    """The arrow keys choose which figure the table shows, and paper shows all of them."""
    page = tmp_path / "impact.html"
    page.write_text(render([report(scenario("lose-one", *CLIENTS))], claims), "utf-8")
    browser.open(page, width=1280, height=900)
    cell = "document.querySelector('.clients:not(.architectures) td').innerText"
    assert "%" in browser.run(cell)
    browser.run("document.querySelector('.metrics input').focus()")
    for _ in range(4):
        browser.press("ArrowRight")
    assert browser.run(cell).endswith("ms")
    assert "%" not in browser.run(cell)
    browser.call("Emulation.setEmulatedMedia", media="print")
    assert {"after retries", "outage", "last failure", "latency"} <= set(browser.run(NAMED_FIGURES))
    browser.call("Emulation.setEmulatedMedia", media="")
    quiet(browser, page)


@pytest.mark.soak
def test_a_table_that_is_too_wide_shows_it(browser: Browser, claims: Claims, tmp_path: Path) -> None:
    """A table of many scenarios scrolls in a box with a shadow, which the keyboard reaches."""
    page = tmp_path / "wide.html"
    names = [f"scenario-{number}" for number in range(14)]
    page.write_text(render([report(*(scenario(name, "dns") for name in names))], claims), "utf-8")
    browser.open(page, width=1100, height=900)
    box = "document.querySelector('.scroll')"
    assert browser.run(f"{box}.scrollWidth > {box}.clientWidth")
    assert "gradient" in browser.run(f"getComputedStyle({box}).backgroundImage")
    assert browser.run(f"{box}.tabIndex") == 0
    assert browser.run("document.documentElement.scrollWidth") == 1100
    browser.open(page, width=390, height=900)
    assert browser.run(CUT_OFF) == [0] * browser.run(f"({CUT_OFF}).length")


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
