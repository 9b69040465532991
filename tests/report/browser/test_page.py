"""The page in a browser: filters and evidence work by keyboard, nothing is loaded or executed, all is readable."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from surveyor.claims import Claims
from surveyor.evidence import EvidenceEntry
from surveyor.recordings import Confidence, Relation
from surveyor.recordings.status import ClaimStatus
from surveyor.report.model import ConformanceReport, KnownReport, RecordingReport
from surveyor.report.page import render
from surveyor.verdicts import Verdict

pytestmark = pytest.mark.soak  # each test starts a browser

if TYPE_CHECKING:
    from tests.report.browser.conftest import Browser

RED = "dns.srv.value"

SHOWN = "[...document.querySelectorAll('tr.claim')].filter(row => row.checkVisibility()).length"

# Every visible text whose contrast is lower than WCAG AA requires, as "text: ratio".
POOR_CONTRAST = """(() => {
  const channel = (value) => { value /= 255; return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4; };
  const numbers = (colour) => { const n = colour.match(/[\\d.]+/g).map(Number); return n.length < 4 ? [...n, 1] : n; };
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const behind = (element) => {
    for (let parent = element; parent; parent = parent.parentElement) {
      const colour = numbers(getComputedStyle(parent).backgroundColor);
      if (colour[3] === 1) return colour;
      if (colour[3] > 0) throw new Error("half transparent: " + parent.className);
    }
    return [255, 255, 255, 1];
  };
  const poor = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.checkVisibility() || element.closest("script, style, .unseen, noscript, option")) continue;
    const style = getComputedStyle(element);
    const [a, b] = [light(numbers(style.color)), light(behind(element))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5)) poor.push(`${walker.currentNode.data.trim().slice(0, 30)}: ${ratio.toFixed(2)} (${element.className})`);
  }
  return [...new Set(poor)];
})()"""  # noqa: E501  # a script of the page


@pytest.fixture
def page(make_report: Callable[..., ConformanceReport], claims: Claims, tmp_path: Path) -> Path:
    """Return a page of two targets; the second has one unexpected failure and two expected problems."""
    known = {"services.delete.needs-no-instances": Verdict.FAIL, "dns.multivalue.caps-at-eight": Verdict.INCONCLUSIVE}
    reports = [
        make_report("embedded", "0.1.0", verdicts={RED: Verdict.PASS}),
        make_report(verdicts={RED: Verdict.FAIL, **known}, unexpected=(RED,)),
    ]
    path = tmp_path / "page.html"
    path.write_text(render(reports, claims), encoding="utf-8")
    return path


def quiet(browser: Browser, page: Path) -> None:
    """Assert that the browser requested only the page itself and logged no problem."""
    assert [address.partition("#")[0] for address in browser.requests] == [page.as_uri()]
    assert browser.complaints == []


@pytest.mark.soak
def test_a_keyboard_finds_the_red_cell_and_its_evidence(browser: Browser, page: Path, claims: Claims) -> None:
    """Search, filter by verdict, move to the remaining row, open it, and read the deciding call."""
    browser.open(page)
    assert browser.run(SHOWN) == len(claims.by_id)
    browser.press("/", "/")
    browser.write("srv")
    assert 1 < browser.run(SHOWN) < len(claims.by_id)
    browser.run("document.querySelector('input[name=verdict][value=fail]').focus()")
    browser.press(" ")
    assert browser.run(SHOWN) == 1
    assert browser.run("location.hash") == "#q=srv&verdict=fail"
    browser.run("document.querySelector('tr.claim:not([hidden]) button.cell').focus()")
    browser.press("ArrowRight")
    assert "unexpected" in browser.run("document.activeElement.textContent")
    browser.press("Enter")
    panel = browser.run("document.getElementById('panel').innerText")
    assert claims.by_id[RED].statement in panel
    assert "moto 5.2.5 does not behave as documented: expected the error InvalidInput, got no error" in panel
    assert "null" not in panel
    assert "servicediscovery/DnsRecord.Type" in panel
    assert "documented, not confirmed by an answer of AWS" in panel
    assert "ServiceAlreadyExists" in browser.run("document.querySelector('.exchange[open] pre + h5 + pre').innerText")
    assert "dig @127.0.0.2 -p 5353 web.shop.example.com A" in panel
    assert browser.run("document.activeElement.id") == "panel-title"
    browser.press("Escape")
    assert browser.run("document.getElementById('panel').hidden")
    assert browser.run("document.activeElement.dataset.column") == "1"
    quiet(browser, page)


@pytest.mark.soak
def test_the_address_restores_filters_and_cell(browser: Browser, page: Path, claims: Claims) -> None:
    """The address holds the filters and the open cell, so that opening it shows the same."""
    browser.open(page, f"#area=dns&target=moto&verdict=fail,inconclusive&cell={RED}@moto")
    assert browser.run(SHOWN) == 2
    assert browser.run("document.getElementById('tally').textContent") == f"2 of {len(claims.by_id)}"
    assert claims.by_id[RED].statement in browser.run("document.getElementById('panel').innerText")
    browser.run("location.hash = '#expected=no'")
    browser.run("new Promise((done) => setTimeout(done, 50))")
    assert browser.run(SHOWN) == 1
    assert browser.run("document.getElementById('panel').hidden")
    browser.run("document.querySelector('#filters button[type=reset]').click()")
    browser.run("new Promise((done) => setTimeout(done, 50))")
    assert browser.run(SHOWN) == len(claims.by_id)
    quiet(browser, page)


def test_claims_that_aws_confirmed_are_found(
    browser: Browser, make_report: Callable[..., ConformanceReport], claims: Claims, tmp_path: Path
) -> None:
    """A filter leaves the confirmed claims; the panel has the recording and the address of its source."""
    recording = RecordingReport("r", Relation.CONFIRMS, "It was 1.", "aws/aws-cli a.rst", "2024", Confidence.HIGH)
    report = make_report(verdicts={RED: Verdict.FAIL})
    rows = [
        replace(claim, status=ClaimStatus.CONFIRMED, recordings=(recording,)) if claim.id == RED else claim
        for claim in report.claims
    ]
    (path := tmp_path / "page.html").write_text(render([replace(report, claims=tuple(rows))], claims), encoding="utf-8")
    browser.open(path, f"#known=confirmed&cell={RED}@moto")
    assert browser.run(SHOWN) == 1
    assert "confirmed" in browser.run("document.querySelector('tr.claim:not([hidden])').innerText")
    panel = browser.run("document.getElementById('panel').innerText")
    assert "confirmed 2024 by aws/aws-cli a.rst (high confidence)" in panel
    assert "It was 1." in panel
    assert browser.run("document.querySelector('#panel a[href*=\"aws-cli\"]').href") == "https://github.com/aws/aws-cli"
    quiet(browser, path)


def test_what_to_fix_first_opens_a_claim(browser: Browser, page: Path, claims: Claims) -> None:
    """A group of failures lists its claims, and each of them opens its evidence by keyboard."""
    browser.open(page)
    group = "document.querySelector('.fix-first li details')"
    browser.run(f"{group}.querySelector('summary').focus()")
    browser.press("Enter")
    assert browser.run(f"{group}.open")
    browser.run(f"[...{group}.querySelectorAll('a')].find((link) => link.textContent === {RED!r}).focus()")
    browser.press("Enter")
    assert claims.by_id[RED].statement in browser.run("document.getElementById('panel').innerText")
    assert browser.run("document.activeElement.id") == "panel-title"
    assert browser.run("location.hash") == f"#cell={RED.replace('.', '.')}%40moto"
    quiet(browser, page)


@pytest.mark.soak
def test_a_count_is_explained_on_focus(browser: Browser, page: Path) -> None:
    """What a number means is shown to the pointer and to the keyboard, inside the page."""
    browser.open(page, width=390, height=844)
    tips = "[...document.querySelectorAll('.facts .tip')].filter((tip) => tip.getBoundingClientRect().width > 1)"
    assert browser.run(f"{tips}.length") == 0
    browser.run("document.querySelector('.skip').focus()")
    browser.press("Tab")
    assert "meaning" not in browser.run(f"{tips}[0].textContent")
    assert browser.run(f"{tips}.length") == 1
    assert browser.run("document.documentElement.scrollWidth") == 390
    quiet(browser, page)


@pytest.mark.soak
def test_an_invalid_address_is_harmless(browser: Browser, page: Path, claims: Claims) -> None:
    """An address with unknown values shows everything or the empty result, without an error."""
    browser.open(page, "#area=nowhere&cell=x@y&verdict=&%E0%A4%A&level=%00")
    assert browser.run(SHOWN) == len(claims.by_id)
    browser.open(page, "#q=no-claim-has-this-in-it")
    assert browser.run("document.getElementById('none').checkVisibility()")
    quiet(browser, page)


def test_a_known_cell_shows_its_expectation(
    browser: Browser, make_report: Callable[..., ConformanceReport], claims: Claims, tmp_path: Path
) -> None:
    """The cell shows the expectation of its target: the reason, the link, and the date of review."""
    report = make_report(verdicts={RED: Verdict.FAIL}, only=(RED,))
    known = KnownReport(Verdict.FAIL, "a <b>ghost</b> stays", "https://example.com/ghosts/1", "2027-11-20")
    path = tmp_path / "known.html"
    path.write_text(
        render([replace(report, claims=(replace(report.claims[0], known=known),))], claims), encoding="utf-8"
    )
    browser.open(path, f"#cell={RED}@moto")
    texts = browser.run("[...document.querySelectorAll('.expectation')].map((element) => element.innerText)")
    assert texts == [
        "Known: fail is expected of this target, until a review on 2027-11-20.",
        "Expectation of this target: a <b>ghost</b> stays https://example.com/ghosts/1",
    ]
    assert browser.run("document.querySelector('.expectation a').href") == "https://example.com/ghosts/1"
    quiet(browser, path)


@pytest.mark.soak
def test_a_hostile_target_executes_nothing(
    browser: Browser, hostile_report: ConformanceReport, claims: Claims, tmp_path: Path
) -> None:
    """With every cell and entry opened, text of a target is text: no script runs, nothing is loaded."""
    path = tmp_path / "hostile.html"
    path.write_text(render([hostile_report], claims), encoding="utf-8")
    browser.open(path)
    # The browser warns of more than 200 changes of the address in ten seconds; a person makes fewer.
    browser.run("history.pushState = history.replaceState = () => {}; 0")
    browser.run(
        """for (const cell of document.querySelectorAll('button.cell')) {
          cell.click();
          for (let i = 0; i < 2; i++) {
            document.querySelectorAll('#panel details').forEach((details) => { details.open = true; });
          }
        }"""
    )
    browser.run("new Promise((done) => setTimeout(done, 50))")
    assert browser.run("typeof window.stolen") == "undefined"
    assert browser.run("document.querySelectorAll('img, #panel script, iframe').length") == 0
    assert "window.stolen=1" in browser.run("document.body.innerText")
    quiet(browser, path)


@pytest.mark.soak
@pytest.mark.parametrize("width", [360, 1440])
@pytest.mark.parametrize("dark", [False, True])
def test_everything_is_readable(browser: Browser, page: Path, width: int, dark: bool) -> None:
    """On a phone and a desktop, light and dark: contrast is AA, and nothing is wider than its container."""
    browser.open(page, f"#cell={RED}@moto", width=width, height=844, dark=dark)
    assert browser.run(POOR_CONTRAST) == []
    assert browser.run("document.documentElement.scrollWidth") == width
    too_wide = (
        "[...document.querySelectorAll('.cell, .badge, .chip')]"
        ".filter((element) => element.scrollWidth > element.clientWidth)"
    )
    assert browser.run(f"{too_wide}.map((element) => element.textContent)") == []
    assert (
        browser.run("document.getElementById('panel').scrollWidth - document.getElementById('panel').clientWidth") == 0
    )


def test_ten_thousand_entries_do_not_all_become_elements(
    browser: Browser, make_report: Callable[..., ConformanceReport], claims: Claims, tmp_path: Path
) -> None:
    """Of 10,000 entries the last are shown, and more on request; the rest stays data."""
    entry: EvidenceEntry = {
        "kind": "call",
        "service": "servicediscovery",
        "operation": "DiscoverInstances",
        "params": {"a": 1},
    }
    report = make_report(verdicts={RED: Verdict.FAIL}, entries=(entry,) * 10_000, only=(RED,))
    path = tmp_path / "large.html"
    path.write_text(render([report], claims), encoding="utf-8")
    browser.open(path, f"#cell={RED}@moto")
    assert browser.run("document.querySelectorAll('.exchange').length") == 100
    more = "[...document.querySelectorAll('#panel button')].find((button) => button.textContent.startsWith('Show'))"
    assert browser.run(f"{more}.textContent") == "Show 1,000 earlier of 9,900"
    browser.run(f"{more}.click()")
    assert browser.run("document.querySelectorAll('.exchange').length") == 1100
    quiet(browser, path)


@pytest.mark.soak
def test_on_a_phone_the_panel_takes_the_focus(browser: Browser, page: Path) -> None:
    """If the panel covers the page, elements under it cannot take the focus until it is closed."""
    browser.open(page, width=390, height=844)
    browser.run("document.querySelector('button.cell.new').click()")
    assert browser.run("document.getElementById('list').inert")
    browser.press("Escape")
    assert not browser.run("document.getElementById('list').inert")
    assert browser.run("document.activeElement.classList.contains('new')")
    quiet(browser, page)


def test_timeline_is_drawn_and_described(
    browser: Browser, make_report: Callable[..., ConformanceReport], claims: Claims, tmp_path: Path
) -> None:
    """A change that an observer saw is drawn and described, without an error."""
    call: EvidenceEntry = {"kind": "call", "service": "servicediscovery", "operation": "ListInstances"}
    entries: list[EvidenceEntry] = [
        {**call, "params": {"ServiceId": "srv-1"}, "response": {"Instances": [{"Id": "<b>i-1"}]}, "at": 10.0},
        {**call, "params": {"ServiceId": "srv-1"}, "response": {"Instances": []}, "at": 40.0, "until": 70.0},
    ]
    report = make_report("embedded", "0.1.0", verdicts={RED: Verdict.PASS})
    changed = tuple(
        replace(claim, tests=tuple(replace(test, evidence=tuple(entries)) for test in claim.tests))
        if claim.id == RED
        else claim
        for claim in report.claims
    )
    path = tmp_path / "timeline.html"
    path.write_text(render([replace(report, claims=changed)], claims), encoding="utf-8")
    for dark in (False, True):
        browser.open(path, f"#cell={RED}@embedded", width=390, height=844, dark=dark)
        states = browser.run(
            "[...document.querySelectorAll('.timeline rect:not(.pattern)')].map((shape) => shape.classList[0])"
        )
        assert sorted(states) == ["state-absent", "state-change", "state-well"]
        assert browser.run("document.querySelector('.observed ul').textContent").startswith("<b>i-1 by ListInstances")
        assert "changed between 0 s and 30 s" in browser.run("document.querySelector('.observed ul').textContent")
        assert browser.run("document.documentElement.scrollWidth") == 390
        assert browser.complaints == []
