"""The page has the content of the reports, loads nothing, and contains no markup from a target."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest
from msgspec import structs

from surveyor.claims import Claims
from surveyor.evidence import EvidenceEntry
from surveyor.report.model import ConformanceReport
from surveyor.report.page import render
from surveyor.report.score import SCORE_RULE, score
from surveyor.verdicts import Verdict

LOADING = {"src", "srcset", "data", "poster", "background", "action", "formaction", "ping", "style"}


class Parsed(HTMLParser):
    """A parsed page: every tag with its attributes, and the contents of scripts and styles by id or tag."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.raw: dict[str, str] = {}
        self._inside = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Record the tag."""
        self.tags.append((tag, dict(attrs)))
        self._inside = dict(attrs).get("id") or tag if tag in ("script", "style") else ""

    def handle_endtag(self, tag: str) -> None:
        """End raw text."""
        self._inside = ""

    def handle_data(self, data: str) -> None:
        """Record the content of a script or style."""
        if self._inside:
            self.raw[self._inside] = self.raw.get(self._inside, "") + data

    def json(self, block: str) -> Any:
        """Return the value of a JSON block."""
        return json.loads(self.raw[block])

    @property
    def policy(self) -> str:
        """Return the content security policy."""
        return next(str(a["content"]) for tag, a in self.tags if a.get("http-equiv") == "Content-Security-Policy")


@pytest.fixture(scope="module")
def pages(
    make_report: Callable[..., ConformanceReport], hostile_report: ConformanceReport, claims: Claims
) -> dict[str, str]:
    """Return pages of one report, of three reports, and of a hostile target."""
    return {
        "single": render([make_report(unexpected=("dns.srv.value",))], claims),
        "three": render([make_report("embedded", "0.1.0"), make_report(), make_report("ministack", "1.4.21")], claims),
        "hostile": render([hostile_report, hostile_report], claims),
    }


@pytest.mark.soak
@pytest.mark.parametrize("name", ["single", "three", "hostile"])
def test_a_page_loads_nothing(pages: dict[str, str], name: str) -> None:
    """No element loads anything, links go to documents only, and the policy forbids everything else."""
    page = Parsed(pages[name])
    assert {tag for tag, _ in page.tags}.isdisjoint(
        {"img", "link", "iframe", "object", "embed", "base", "audio", "video"}
    )
    loading = [(tag, name) for tag, attributes in page.tags for name in attributes if name in LOADING]
    assert loading == []
    handlers = [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
    assert handlers == []
    targets = {str(attributes["href"]) for tag, attributes in page.tags if "href" in attributes}
    assert all(target.startswith("#") for target in targets)
    assert page.policy.startswith("default-src 'none'; ")
    assert "unsafe" not in page.policy
    assert "url(" not in page.raw["style"]
    assert "@import" not in page.raw["style"]


@pytest.mark.soak
@pytest.mark.parametrize("name", ["single", "three", "hostile"])
def test_the_policy_allows_only_the_script_and_style_of_the_page(pages: dict[str, str], name: str) -> None:
    """The policy has the hashes of the only script and style sheet; JSON blocks are not scripts."""
    page = Parsed(pages[name])
    allowed = re.findall(r"'sha256-([^']+)'", page.policy)
    ours = [base64.b64encode(hashlib.sha256(page.raw[tag].encode()).digest()).decode() for tag in ("style", "script")]
    assert allowed == ours
    scripts = [attributes for tag, attributes in page.tags if tag == "script"]
    assert [attributes for attributes in scripts if attributes.get("type") != "application/json"] == [{}]


@pytest.mark.soak
def test_a_hostile_target_stays_text(pages: dict[str, str], hostile: str) -> None:
    """Text of a target is never markup, is complete in the evidence, and the page is UTF-8 without controls."""
    text = pages["hostile"]
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\ufeff]", text)
    page = Parsed(text.encode().decode())
    assert len([tag for tag, _ in page.tags if tag == "script"]) == text.count("<script")
    evidence = page.json("evidence-0-0")
    assert evidence["entries"][0]["service"] == hostile
    assert evidence["entries"][0]["response"]["a"] == [hostile, "nan", {"b": hostile}]
    assert evidence["entries"][1]["answer"] == hostile


def test_every_claim_has_a_row_and_every_report_a_column(pages: dict[str, str], claims: Claims) -> None:
    """The matrix has a row per claim and a cell per report; its data is in the same order."""
    page = Parsed(pages["three"])
    cells = [attributes for tag, attributes in page.tags if tag == "button" and "data-row" in attributes]
    assert len(cells) == 3 * len(claims.by_id)
    data = page.json("data")
    assert sorted(claim["id"] for claim in data["claims"]) == sorted(claims.by_id)
    assert [column["label"] for column in data["columns"]] == ["embedded", "moto", "ministack"]
    for cell in cells:
        shown = str(cell["class"]).split()[1].removeprefix("mark-")
        assert data["cells"][int(str(cell["data-row"]))][int(str(cell["data-column"]))]["mark"] == shown


def test_a_claim_has_its_document_and_articles(pages: dict[str, str]) -> None:
    """The data has level, source address, check, and the statements of articles about the claim."""
    data = Parsed(pages["single"]).json("data")
    claim = next(claim for claim in data["claims"] if claim["id"] == "dns.multivalue.fails-open")
    assert claim["level"] == "must"
    assert claim["href"].startswith("https://docs.aws.amazon.com/Route53/")
    assert "Clients never get unhealthy instances." in [article["said"] for article in claim["articles"]]
    assert all(article["documented"] for article in claim["articles"])


def test_failed_claims_come_first(make_report: Callable[..., ConformanceReport], claims: Claims) -> None:
    """The matrix has the failed claims of all areas, then the others; the score keeps the order of areas."""
    red = ("dns.srv.value", "services.delete.needs-no-instances")
    text = render([make_report(verdicts=dict.fromkeys(red, Verdict.FAIL))], claims)
    data = Parsed(text).json("data")
    assert {claim["id"] for claim in data["claims"][:2]} == set(red)
    assert "fail" not in {cells[0]["mark"] for cells in data["cells"][2:]}
    order = re.findall(r'<th scope="row"><a href="#area=([^"]+)">', text)
    assert order == [area.name for area in claims.areas if area.claims]


def test_what_to_fix_first_is_at_the_top(make_report: Callable[..., ConformanceReport], claims: Claims) -> None:
    """The groups of failures precede the score by area, each with its weight and with links to its claims."""
    report = make_report(verdicts={"dns.srv.value": Verdict.FAIL, "services.delete.needs-no-instances": Verdict.FAIL})
    text = render([report], claims)
    above, _, below = text.partition('id="score-title"')
    assert "What to fix first" in above
    assert "What to fix first" not in below
    assert above.count('<span class="weight">2 claims</span>') == len(report.fix_first) == 1
    assert 'href="#cell=dns.srv.value%40moto"' in above
    assert '<h2 id="fix-first' not in render([make_report(verdicts={"x": Verdict.PASS})], claims)


def test_the_headline_has_the_one_denominator(make_report: Callable[..., ConformanceReport], claims: Claims) -> None:
    """The score counts judged claims, on the page as everywhere, and the page says so."""
    report = make_report(verdicts={"dns.srv.value": Verdict.FAIL, "dns.multivalue.caps-at-eight": Verdict.UNSUPPORTED})
    whole = score(report.claims)
    text = render([report], claims)
    heading = re.sub("<[^>]+>", "", text.partition("<h1>")[2].partition("</h1>")[0])
    assert heading == f"{whole.held} of {whole.judged} judged claims hold on moto 5.2.5 ({whole.percent} %)"
    assert SCORE_RULE in text
    nothing = make_report(verdicts=dict.fromkeys(claims.by_id, Verdict.UNSUPPORTED))
    assert "No claim was judged on moto 5.2.5" in render([nothing], claims)


@pytest.mark.parametrize("name", ["single", "three", "hostile"])
def test_a_page_has_one_legend(pages: dict[str, str], name: str) -> None:
    """Signs and words are explained in one place."""
    assert pages[name].count('id="legend"') == 1


def test_evidence_of_a_test_is_included_once(make_report: Callable[..., ConformanceReport], claims: Claims) -> None:
    """Two claims with the same test have one block of evidence, with snippets that reproduce it."""
    report = make_report(only=("dns.srv.value", "dns.multivalue.caps-at-eight"), verdicts={"x": Verdict.PASS})
    test = report.claims[0].tests[0]
    shared = tuple(structs.replace(claim, tests=(test,)) for claim in report.claims)
    page = Parsed(render([structs.replace(report, claims=shared)], claims))
    assert [name for name in page.raw if name.startswith("evidence-")] == ["evidence-0-0"]
    evidence = page.json("evidence-0-0")
    assert "cloudmap.create_service(" in evidence["boto3"]
    assert evidence["dig"].splitlines()[-1] == "dig @127.0.0.2 -p 5353 web.shop.example.com A"


def test_reports_of_different_versions_are_combined(
    make_report: Callable[..., ConformanceReport], claims: Claims
) -> None:
    """A claim missing from a report has no cell there; a claim missing from the files keeps its reported text."""
    old = make_report("moto", "5.2.4", only=("dns.srv.value",))
    gone = structs.replace(old.claims[0], id="dns.forgotten", statement="Once claimed.")
    old = structs.replace(old, claims=(*old.claims, gone))
    new = make_report("moto", "5.2.5", only=("dns.srv.value", "services.delete.needs-no-instances"))
    data = Parsed(render([old, new], claims)).json("data")
    assert [column["label"] for column in data["columns"]] == ["moto 5.2.4", "moto 5.2.5"]
    ids = [claim["id"] for claim in data["claims"]]
    cells = dict(zip(ids, data["cells"], strict=True))
    assert cells["dns.forgotten"][1] is None
    assert cells["services.delete.needs-no-instances"][0] is None
    assert None not in cells["dns.srv.value"]
    forgotten = next(claim for claim in data["claims"] if claim["id"] == "dns.forgotten")
    assert (forgotten["statement"], forgotten["href"]) == ("Once claimed.", "")


def test_two_runs_of_one_version_have_different_labels(
    make_report: Callable[..., ConformanceReport], claims: Claims
) -> None:
    """No two columns have the same label."""
    data = Parsed(render([make_report(), make_report(), make_report("ministack")], claims)).json("data")
    assert [column["label"] for column in data["columns"]] == ["moto 5.2.5", "moto 5.2.5 #2", "ministack"]


def test_problems_of_the_run_are_at_the_top(make_report: Callable[..., ConformanceReport], claims: Claims) -> None:
    """A broken or interrupted run, leaked resources, unexpected results and absent features precede everything else."""
    report = make_report()
    report = structs.replace(
        report,
        failure="the target died",
        interrupted=True,
        leaked_resources=("namespace ns-1",),
        unexpected=("an odd expectation",),
        target=structs.replace(report.target, absent={"dns": "nothing answered"}),
    )
    head = render([report], claims).partition("</header>")[0]
    for text in ("the target died", "interrupted", "namespace ns-1", "an odd expectation", "nothing answered"):
        assert text in head


def test_ten_thousand_entries_are_included(make_report: Callable[..., ConformanceReport], claims: Claims) -> None:
    """All evidence of a large report is in the page as data, and no entry is an element."""
    entry: EvidenceEntry = {
        "kind": "call",
        "service": "servicediscovery",
        "operation": "DiscoverInstances",
        "params": {"a": 1},
    }
    report = make_report(only=("dns.srv.value",), entries=(entry,) * 10_000, verdicts={"dns.srv.value": Verdict.FAIL})
    text = render([report], claims)
    assert len(Parsed(text).json("evidence-0-0")["entries"]) == 10_000
    opened = [attributes for tag, attributes in Parsed(text).tags if tag == "details"]
    assert len(opened) == 2  # the legend and the only group of failures
