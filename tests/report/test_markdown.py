"""The CI summary has unexpected results first, is never too large, and cannot be formatted by a target."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from msgspec.structs import replace

from surveyor.claims import Claims
from surveyor.evidence import EvidenceEntry
from surveyor.report import markdown
from surveyor.report.model import ClaimReport, ConformanceReport, TargetReport, TestReport
from surveyor.verdicts import Verdict

MIB = 1024 * 1024
ANYTHING = st.text(st.characters(codec=None, categories=None))


def test_unexpected_results_are_first(make_report: Callable[..., ConformanceReport], claims: Claims) -> None:
    """Unexpected results with document and calls precede the table, and known failures follow it."""
    verdicts = {"dns.srv.value": Verdict.FAIL, "dns.multivalue.caps-at-eight": Verdict.FAIL}
    text = markdown.render(make_report(verdicts=verdicts, unexpected=("dns.srv.value",)), claims)
    order = [
        " judged claims hold (",
        "### Fix first",
        "### Unexpected: 1",
        "**fail** `dns.srv.value`",
        "### By area",
        "### Known failures: 1",
        "\n- `dns.multivalue.caps-at-eight`",
    ]
    positions = [text.index(part) for part in order]
    assert positions == sorted(positions)
    assert "[servicediscovery/DnsRecord.Type](https://docs.aws.amazon.com/cloud-map/" in text
    assert "last request: `servicediscovery CreateService: 400 ServiceAlreadyExists`" in text
    assert "**1 outcome is unexpected**" in text


def test_the_table_adds_up(make_report: Callable[..., ConformanceReport], claims: Claims) -> None:
    """The last row of the table is the sum of each column."""
    lines = [line for line in markdown.render(make_report(), claims).splitlines() if line.startswith("| ")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]
    *areas, whole = [[int(cell or 0) for cell in row[1:]] for row in rows]
    assert [sum(column) for column in zip(*areas, strict=True)] == whole
    assert whole[0] == len(claims.by_id)


def test_what_to_fix_first_names_its_claims(make_report: Callable[..., ConformanceReport], claims: Claims) -> None:
    """Each group has its weight, operation and symptom, claims and users' reports; failures precede other results."""
    ids = [claim for claim, entry in claims.by_id.items() if not entry.unproven][:8]
    verdicts = dict.fromkeys(ids[1:], Verdict.FAIL) | {ids[0]: Verdict.INCONCLUSIVE}
    report = make_report(verdicts=verdicts, unexpected=tuple(ids))
    failing = TestReport("t", Verdict.FAIL, "", "", (), "CreateService", "accepted an `invalid` request")
    rows = tuple(
        replace(claim, tests=(failing,), reports=("aws/containers-roadmap#343",))
        if claim.verdict is Verdict.FAIL
        else claim
        for claim in report.claims
    )
    text = markdown.render(replace(report, claims=rows), claims)
    first = next(line for line in text.splitlines() if line.startswith("1. "))
    assert first.startswith("1. **7 claims, 1 user report**: ``CreateService: accepted an `invalid` request`` (`")
    assert first.endswith("` and 1 more; reported as `aws/containers-roadmap#343`)")
    unexpected = text[text.index("### Unexpected: 8") :]
    assert unexpected.index(f"`{ids[7]}`") < unexpected.index(f"`{ids[0]}`")


def test_many_unexpected_claims_get_one_line_each(
    make_report: Callable[..., ConformanceReport], claims: Claims
) -> None:
    """The first twenty have their document and calls; a long list stays readable."""
    ids = [claim for claim, entry in claims.by_id.items() if not entry.unproven][:60]
    text = markdown.render(make_report(verdicts=dict.fromkeys(ids, Verdict.FAIL), unexpected=tuple(ids)), claims)
    section = text[text.index("### Unexpected: 60") : text.index("### By area")]
    assert section.count("  - documented (") == 20
    assert section.count("\n- ") == 60


@pytest.mark.soak
@pytest.mark.parametrize("limit", [MIB - 1, 20_000, 2_000])
def test_it_is_never_larger_than_allowed(
    limit: int, make_report: Callable[..., ConformanceReport], claims: Claims
) -> None:
    """With 10,000 entries of evidence and long texts the summary fits the limit, and says what it leaves out."""
    entry: EvidenceEntry = {"kind": "call", "service": "s", "operation": "o" * 1000, "params": {"a": "x" * 3000}}
    report = make_report(
        verdicts=dict.fromkeys(claims.by_id, Verdict.FAIL),
        unexpected=tuple(claims.by_id),
        entries=(entry,) * 10_000,
        text="€" * 100_000,
    )
    text = markdown.render(report, claims, limit)
    assert len(text.encode()) <= limit
    if limit < MIB - 1:
        assert re.search(r"_Cut here: \d+ more lines would not fit\. The whole is in report\.json\._\n$", text)


def test_a_huge_report_is_cut_at_one_mebibyte(claims: Claims) -> None:
    """By default a large report is cut at the limit of CI services."""
    claim = ClaimReport("a.b", "a", "x" * 600, Verdict.FAIL, False, "€" * 600, "", "€" * 600, (), None, None)
    target = TargetReport("moto", "1", "started", (), {})
    report = ConformanceReport(target, "0", 1, (), (), "", "", 1, 1, (claim,) * 1000)
    text = markdown.render(report, claims)
    assert MIB - 10_000 < len(text.encode()) < MIB
    assert "Cut here" in text


def test_a_hostile_target_formats_nothing(hostile_report: ConformanceReport, claims: Claims) -> None:
    """A Markdown parser finds no HTML, no image and no links except those to documents; the text is UTF-8."""
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
    assert "@everyone" not in plain  # ... and mention no user


@given(ANYTHING)
def test_any_text_stays_within_its_code_span(text: str) -> None:
    """No text of a target can end its code span."""
    claim = ClaimReport("a.b", "a", "It holds.", Verdict.FAIL, False, text, "", "", (), None, None)
    target = TargetReport("moto", "1", "started", (), {})
    whole = markdown.render(ConformanceReport(target, "0", 1, (), (), "", "", 1, 1, (claim,)), Claims(()))
    tokens = MarkdownIt("commonmark").parse(whole)
    kinds = [child.type for token in tokens for child in token.children or ()]
    assert not set(kinds) & {"html_inline", "image", "link_open", "em_open"}
