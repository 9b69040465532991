"""The summary for a CI job: what moved first, small enough whatever the evidence, and nobody's to format."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from surveyor.claims import Claims
from surveyor.evidence import Entry
from surveyor.report import markdown
from surveyor.report.model import ClaimReport, ConformanceReport, TargetReport
from surveyor.verdicts import Verdict

MIB = 1024 * 1024
ANYTHING = st.text(st.characters(codec=None, categories=None))


def test_the_unexpected_comes_first(make_report: Callable[..., ConformanceReport], claims: Claims) -> None:
    """First what moved, with its document and its calls; then the table; then what is known."""
    verdicts = {"dns.srv.value": Verdict.FAIL, "dns.multivalue.caps-at-eight": Verdict.FAIL}
    text = markdown.render(make_report(verdicts=verdicts, moved=("dns.srv.value",)), claims)
    order = ["### Unexpected: 1", "`dns.srv.value`", "### By area", "### Known to be wrong: 1", "caps-at-eight"]
    places = [text.index(one) for one in order]
    assert places == sorted(places)
    assert "[servicediscovery/DnsRecord.Type](https://docs.aws.amazon.com/cloud-map/" in text
    assert "last asked: `servicediscovery CreateService: 400 ServiceAlreadyExists`" in text
    assert "**1 outcome is unexpected**" in text


def test_the_table_adds_up(make_report: Callable[..., ConformanceReport], claims: Claims) -> None:
    """Each column of the table by area sums up to its last row."""
    lines = [line for line in markdown.render(make_report(), claims).splitlines() if line.startswith("| ")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]
    *areas, whole = [[int(cell or 0) for cell in row[1:]] for row in rows]
    assert [sum(column) for column in zip(*areas, strict=True)] == whole
    assert whole[0] == len(claims.by_id)


@pytest.mark.parametrize("limit", [MIB - 1, 20_000, 2_000])
def test_it_is_never_larger_than_allowed(
    limit: int, make_report: Callable[..., ConformanceReport], claims: Claims
) -> None:
    """With 10,000 entries of evidence and endless texts it stays under the limit, and says what it leaves out."""
    entry: Entry = {"kind": "call", "service": "s", "operation": "o" * 1000, "params": {"a": "x" * 3000}}
    report = make_report(
        verdicts=dict.fromkeys(claims.by_id, Verdict.FAIL),
        moved=tuple(claims.by_id),
        entries=(entry,) * 10_000,
        text="€" * 100_000,
    )
    text = markdown.render(report, claims, limit)
    assert len(text.encode()) <= limit
    if limit < MIB - 1:
        assert re.search(r"_Cut here: \d+ more lines would not fit\. The whole is in report\.json\._\n$", text)


def test_a_huge_report_is_cut_at_one_mebibyte(claims: Claims) -> None:
    """A report that cannot fit is cut at the limit of CI services, by default."""
    claim = ClaimReport("a.b", "a", "x" * 600, Verdict.FAIL, False, "€" * 600, "", "€" * 600, (), None, None)
    target = TargetReport("moto", "1", "started", (), {})
    report = ConformanceReport(target, "0", 1, (), (), "", "", 1, 1, (claim,) * 1000)
    text = markdown.render(report, claims)
    assert MIB - 10_000 < len(text.encode()) < MIB
    assert "Cut here" in text


def test_a_hostile_target_formats_nothing(hostile_report: ConformanceReport, claims: Claims) -> None:
    """A Markdown parser finds no HTML, no image and no link but those to documents, and the whole is UTF-8."""
    text = markdown.render(hostile_report, claims)
    text.encode()
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(text)
    inner = [child for token in tokens for child in token.children or ()]
    assert not {token.type for token in [*tokens, *inner]} & {"html_block", "html_inline", "image"}
    links = [str(token.attrs["href"]) for token in inner if token.type == "link_open"]
    assert links
    assert all(link.startswith("https://docs.aws.amazon.com/") for link in links)
    plain = "".join(child.content for child in inner if child.type in ("text", "text_special"))
    assert "everyone" in plain  # names and statements are text ...
    assert "@everyone" not in plain  # ... that mentions nobody


@given(ANYTHING)
def test_any_text_stays_within_its_code_span(text: str) -> None:
    """Nothing that a target says ends the code span that it stands in."""
    claim = ClaimReport("a.b", "a", "It holds.", Verdict.FAIL, False, text, "", "", (), None, None)
    target = TargetReport("moto", "1", "started", (), {})
    whole = markdown.render(ConformanceReport(target, "0", 1, (), (), "", "", 1, 1, (claim,)), Claims(()))
    tokens = MarkdownIt("commonmark").parse(whole)
    kinds = [child.type for token in tokens for child in token.children or ()]
    assert not set(kinds) & {"html_inline", "image", "link_open", "em_open"}
