"""Saved pages of guides are compared with the extracts that claims rest on."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from surveyor.claims.loading import load_claims
from surveyor.claims.page_drift import compare_pages, renew
from surveyor.claims.page_text import parse_page
from surveyor.claims.pages import (
    LONGEST,
    Extract,
    GuidePage,
    claims_by_page,
    digest,
    load_pages,
    unused_extracts,
    write_pages,
)
from surveyor.errors import UsageError

CLAIMS = Path(__file__).resolve().parents[2] / "claims"
SAID = 'Names end with "a dot", and can\'t have AWS_ keys of *any* kind.'
MARKDOWN = """# Names of *things*
<a name="names"></a>

+ Names end with \u201ca dot\u201d,
  and can\u2019t have `AWS_` keys of \\*any\\* [kind](kinds.md).

| Name | Default |
| --- | --- |
| Things per place | Each place: 1,000 |
"""
HTML = """<!DOCTYPE html><html><head><title>Names - Guide</title><style>p { color: red }</style></head><body>
<h1>Names of <em>things</em></h1><script>var kind = "any";</script>
<ul><li><p>Names end with &ldquo;a&nbsp;dot&rdquo;,
  and can&#39;t have <code>AWS_</code> keys of *any* <a href="kinds.html">kind</a>.</p></li></ul>
<table><tr><th>Name</th><th>Default</th></tr><tr><td>Things per place</td><td>Each place: 1,000</td></tr></table>
</body></html>"""


def page(name: str = "names", said: str = SAID, *, title: str = "", folder: str = "guide") -> GuidePage:
    """Return a page with one extract."""
    extracts = (Extract(("x.a",), said, digest(said)),) if said else ()
    note = "" if said else "not verified: nowhere"
    return GuidePage(
        f"Guide, {name}", f"https://docs.example/{folder}/{name}.html", title, date(2026, 1, 1), "", note, extracts
    )


@pytest.mark.parametrize(("text", "extension"), [(MARKDOWN, ".md"), (HTML, ".html"), (HTML, ".md")])
@pytest.mark.parametrize("said", [SAID, "Things per place Each place: 1,000", "Names of things"])
def test_markup_entities_and_white_space_do_not_count(text: str, extension: str, said: str) -> None:
    """Markdown and HTML of one page have the same words, also across the cells of a table."""
    read = parse_page(text, extension)
    assert read.contains(said)
    assert read.title == "Names of things"
    assert not read.contains("Things per place Each place: 1,001")


@pytest.mark.parametrize("name", ["names.md", "names.html", "docs.example/guide/names.html", "guide/names.htm"])
def test_an_unchanged_page_is_ok(tmp_path: Path, name: str) -> None:
    """A file belongs to the page whose address ends with its path."""
    file = tmp_path / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(HTML, "utf-8")
    found = compare_pages([page(), page("others")], tmp_path)
    assert [ok.source for ok in found.unchanged] == ["Guide, names"]
    assert [missing.source for missing in found.missing] == ["Guide, others"]
    assert (found.changed, found.wrong, found.unknown) == ((), (), ())


def test_a_changed_sentence_is_named_with_the_nearest(tmp_path: Path) -> None:
    """The extract is shown with the sentence that is most like it now, and renewing takes that over."""
    (tmp_path / "names.md").write_text(MARKDOWN.replace("can\u2019t have", "may have"), "utf-8")
    found = compare_pages([page()], tmp_path)
    [changed] = found.changed
    assert changed.extract.claims == ("x.a",)
    assert changed.nearest == "Names end with \u201ca dot\u201d, and may have AWS_ keys of *any* kind."
    [renewed] = renew([page()], found, date(2026, 11, 28))
    assert (renewed.read, renewed.extracts[0].text) == (date(2026, 11, 28), changed.nearest)
    assert not compare_pages([renewed], tmp_path).changed


def test_a_long_sentence_is_cut_when_it_is_renewed(tmp_path: Path) -> None:
    """A renewed extract has at most 25 words: those that are most like the old ones."""
    said = " ".join(f"word{number}" for number in range(25))
    (tmp_path / "names.md").write_text(f"Before it {said.replace('word12', 'other')} and after it\n", "utf-8")
    found = compare_pages([page(said=said)], tmp_path)
    [renewed] = renew([page(said=said)], found, date(2026, 11, 28))
    assert renewed.extracts[0].text == said.replace("word12", "other")
    assert len(renewed.extracts[0].text.split()) == LONGEST


def test_a_sentence_without_a_like_stays_a_drift(tmp_path: Path) -> None:
    """Nothing is renewed where a page has no similar sentence: its claim needs another source."""
    (tmp_path / "names.md").write_text("# Names of things\n\nEverything is new here.\n", "utf-8")
    known = page(title="Names of things")
    found = compare_pages([known], tmp_path)
    assert [changed.nearest for changed in found.changed] == [""]
    assert renew([known], found, date(2026, 11, 28)) == (known,)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "is not text in UTF-8"),
        (b"words\x00words", "is not text in UTF-8"),
        (b"<html><script>x</script></html>", "has no words"),
        (b"<html><title>404 Not Found</title><h1>Page not found</h1></html>", "is an error page, 'Page not found'"),
        (b"<html><h1>Access Denied</h1><p>Later.</p></html>", "is an error page, 'Access Denied'"),
        (b"# Names of people\n\nAnother page.\n", "is another page, 'Names of people'"),
    ],
)
def test_a_file_that_is_not_the_page_is_one_line(tmp_path: Path, content: bytes, message: str) -> None:
    """An empty, a binary and an error page, and a page of another title, are no drift, and the page is missing."""
    (tmp_path / "names.md").write_bytes(content)
    found = compare_pages([page(title="Names of things")], tmp_path)
    assert found.wrong == (f"{tmp_path / 'names.md'}: {message}; expected https://docs.example/guide/names.html",)
    assert len(found.missing) == 1
    assert not found.changed


def test_a_page_without_title_and_like_sentence_is_another_page(tmp_path: Path) -> None:
    """Where the title is not known, a page needs a sentence like those that claims rest on."""
    (tmp_path / "names.md").write_text("Nothing of this guide.\n", "utf-8")
    [line] = compare_pages([page()], tmp_path).wrong
    assert "is another page: it has no sentence like those that claims rest on" in line


def test_pages_of_one_name_need_their_folder(tmp_path: Path) -> None:
    """A file that could be two pages is refused; below the folder of one of them it is that one."""
    both = [page(folder="one"), page(folder="two")]
    (tmp_path / "names.md").write_text(MARKDOWN, "utf-8")
    [line] = compare_pages(both, tmp_path).wrong
    assert "https://docs.example/one/names.html or https://docs.example/two/names.html" in line
    (tmp_path / "names.md").unlink()
    (tmp_path / "two").mkdir()
    (tmp_path / "two" / "names.md").write_text(MARKDOWN, "utf-8")
    assert [ok.address for ok in compare_pages(both, tmp_path).unchanged] == ["https://docs.example/two/names.html"]


def test_a_folder_without_pages_is_refused(tmp_path: Path) -> None:
    """Neither a missing folder nor one with other files compares anything."""
    with pytest.raises(UsageError, match="no folder of saved pages"):
        compare_pages([page()], tmp_path / "none")
    (tmp_path / "people.md").write_text("x")
    with pytest.raises(UsageError, match="has no page of a claim"):
        compare_pages([page()], tmp_path)


def test_pages_are_read_back_as_written(tmp_path: Path) -> None:
    """Pages that no claim names are left out, and pages without an entry get one that says so."""
    write_pages(tmp_path, (page(), page("unused")), {"Guide, names": ("x.a",), "RFC 1035, section 4": ("x.b",)})
    known, new = load_pages(tmp_path)
    assert known == page()
    assert (new.address, new.extracts) == ("https://www.rfc-editor.org/rfc/rfc1035.txt", ())
    assert new.note.startswith("not verified")
    write_pages(tmp_path, (known, new), {"Guide, names": ("x.other",)})
    assert [left.extracts for left in load_pages(tmp_path)] == [()]


GOOD = f"""title = "Pages"

[[page]]
source = "Guide, names"
address = "https://docs.example/names.html"
read = 2026-11-28
[[page.extracts]]
claims = ["x.a"]
text = "Names end with a dot."
sha256 = "{digest("Names end with a dot.")}"
"""


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("end with", "begin with", "has another hash than"),
        ("Names end with a dot.", "word " * 26, "has an extract of 26 words"),
        ("https://", "ftp://", "expected https://"),
        ("read = 2026-11-28\n", "", "needs the day"),
        ('claims = ["x.a"]', "claims = []", "has an extract without claims"),
        ("read =", 'note = "not verified: no copy"\nread =', "needs either extracts, or a note"),
        ("read =", "raed =", "unknown key 'raed'; did you mean 'read'"),
    ],
)
def test_an_invalid_entry_is_refused_with_its_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    """An extract is short, and was not edited without its hash; each error begins with file and line."""
    (tmp_path / "pages.toml").write_text(GOOD)
    assert len(load_pages(tmp_path)) == 1
    (tmp_path / "pages.toml").write_text(GOOD.replace(old, new, 1))
    with pytest.raises(UsageError, match=rf"pages\.toml:\d+: .*{message}"):
        load_pages(tmp_path)


def test_a_page_twice_is_refused(tmp_path: Path) -> None:
    """Two entries for one page are an error."""
    (tmp_path / "pages.toml").write_text(GOOD + GOOD.partition("\n\n")[2])
    with pytest.raises(match="is a second time"):
        load_pages(tmp_path)


def test_each_guide_of_a_claim_has_an_entry() -> None:
    """Every guide that a claim rests on has an address, and extracts or the reason why it has none."""
    sources = claims_by_page(load_claims(CLAIMS))
    pages = load_pages(CLAIMS)
    assert [entry.source for entry in pages] == list(sources)
    assert unused_extracts(pages, sources) == []


def test_a_changed_copy_of_each_page_is_noticed(tmp_path: Path) -> None:
    """Pages made of the extracts are unchanged; with one word of an extract replaced its claims are named."""
    pages = [entry for entry in load_pages(CLAIMS) if entry.extracts]
    by_path: dict[tuple[str, ...], list[str]] = {}
    for entry in pages:
        by_path.setdefault(entry.path, []).extend(extract.text for extract in entry.extracts)
    for path, texts in by_path.items():
        file = tmp_path.joinpath(*path).with_name(f"{path[-1]}.txt")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("\n\n".join(texts), "utf-8")
    found = compare_pages(pages, tmp_path)
    assert {ok.source for ok in found.unchanged} == {entry.source for entry in pages}
    for entry in pages:
        file = tmp_path.joinpath(*entry.path).with_name(f"{entry.path[-1]}.txt")
        text = file.read_text("utf-8")
        words = entry.extracts[0].text.split()
        file.write_text(text.replace(entry.extracts[0].text, " ".join(["instead", *words[1:]])), "utf-8")
        changed = [change.extract.claims for change in compare_pages([entry], tmp_path).changed]
        assert entry.extracts[0].claims in changed, entry.source
        file.write_text(text, "utf-8")
