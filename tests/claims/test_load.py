"""Files of claims are read strictly, and errors name file and line."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from surveyor.claims import Reason, load_claims
from surveyor.claims.selection import Selection
from surveyor.errors import UsageError

GOOD = """\
title = "DNS answers"

# The first of two.
[[claim]]
id = "dns.srv.value"
statement = \"\"\"
The value of an SRV record has a priority
of = 1.
\"\"\"
level = "must"
source = "servicediscovery/DnsRecord.Type"
features = ["dns"]
check = "Ask."

[[claim]]
id = "dns.later"
statement = "Later."
level = "observed"
source = "report: aws/containers-roadmap#343"
confirmed = 2026-11-30

[claim.unproven]
reason = "later"
note = "Needs ECS."
"""

ARTICLES = """\
title = "What an article says"

[[article]]
ref = "A01"
said = "Priorities are one."
verdict = "agrees"
documented = "They are."
sources = ["servicediscovery/DnsRecord.Type"]
claims = ["dns.srv.value"]
"""


def write(folder: Path, dns: str = GOOD, articles: str = "") -> Path:
    """Create a folder with the name claims, as errors show it, and return it."""
    claims = folder / "claims"
    claims.mkdir()
    (claims / "dns.toml").write_text(dns)
    if articles:
        (claims / "articles.toml").write_text(articles)
    return claims


def test_a_file_is_read_completely(tmp_path: Path) -> None:
    """Values have types, line breaks inside a sentence become spaces, and each claim has its line."""
    claims = load_claims(write(tmp_path, articles=ARTICLES))
    value, later = claims.by_id.values()
    assert value.statement == "The value of an SRV record has a priority of = 1."
    assert (value.area, str(value.location), value.features, value.unproven) == (
        "dns",
        "claims/dns.toml:4",
        ("dns",),
        None,
    )
    assert value.confirmed is None
    assert later.unproven is not None
    assert later.unproven.reason is Reason.LATER
    assert (str(later.source), later.check) == ("report: aws/containers-roadmap#343", "")
    assert later.confirmed == date(2026, 11, 30)
    assert [article.ref for article in claims.articles_on("dns.srv.value")] == ["A01"]


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        (
            'level = "must"',
            'level = "muts"',
            "dns.toml:10: claim 'dns.srv.value': level: expected must, should or",
        ),
        ('id = "dns.srv.value"', 'id = "srv.value"', "dns.toml:5: id 'srv.value' begins with 'srv'; in this file ids"),
        ('id = "dns.srv.value"', 'id = "dns"', "dns.toml:5: id 'dns' must be lower-case words"),
        (
            'id = "dns.later"',
            'id = "dns.srv.value"',
            "dns.toml:15: duplicate claim 'dns.srv.value', first at claims/dns",
        ),
        ('features = ["dns"]', 'features = ["dsn"]', "dns.toml:12: unknown feature 'dsn'; did you mean 'dns'?"),
        (
            'features = ["dns"]',
            'features = "dns"',
            "dns.toml:12: claim 'dns.srv.value': features: expected a list, got text",
        ),
        ('check = "Ask."', 'chek = "Ask."', "dns.toml:13: claim 'dns.srv.value': unknown key 'chek'; did you mean"),
        ('check = "Ask."\n', "", "dns.toml:4: claim 'dns.srv.value': check is missing"),
        ('check = "Ask."', 'check = " "', "dns.toml:13: claim 'dns.srv.value': check: expected text"),
        ('id = "dns.later"\n', "", "dns.toml:15: this claim: id is missing"),
        ("servicediscovery/DnsRecord.Type", "DnsRecord", "dns.toml:11: source 'DnsRecord' is not of a known form"),
        (
            "report: aws/containers-roadmap#343",
            "rapport: x",
            "dns.toml:19: unknown kind of source 'rapport'; did you mean 'report'?",
        ),
        (
            "report: aws/containers-roadmap#343",
            "xyz: x",
            "dns.toml:19: unknown kind of source 'xyz'; expected service/Operation, ",
        ),
        ("report: aws/containers-roadmap#343", "report: x", "dns.toml:19: source 'report: x' names no report"),
        ("report: aws/containers-roadmap#343", "guide: x", "dns.toml:19: source 'guide: x' names no page"),
        ("2026-11-30", '"November"', "dns.toml:20: claim 'dns.later': confirmed: invalid RFC3339"),
        (
            'reason = "later"',
            'reason = "never"',
            "dns.toml:23: claim 'dns.later': reason: expected client, undocumented",
        ),
        ('note = "Needs ECS."\n', "", "dns.toml:22: claim 'dns.later': note is missing"),
        ('title = "DNS answers"', 'titel = "DNS answers"', "dns.toml:1: unknown key 'titel'; did you mean"),
        ('level = "must"', "level = must", "dns.toml:10: not valid TOML: Invalid value"),
        ('note = "Needs ECS."', 'note = "Needs', "dns.toml:24: not valid TOML"),
    ],
)
def test_an_error_names_file_and_line(tmp_path: Path, old: str, new: str, error: str) -> None:
    """The error is one line with the location, the actual value and the accepted values."""
    assert old in GOOD
    with pytest.raises(UsageError) as raised:
        load_claims(write(tmp_path, GOOD.replace(old, new, 1)))
    assert str(raised.value).startswith(f"claims/{error}")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        (
            '"dns.srv.value"',
            '"dns.srv.valu"',
            "articles.toml:9: article 'A01' links the unknown claim 'dns.srv.valu'; did",
        ),
        ('claims = ["dns.srv.value"]\n', "", "articles.toml:3: article 'A01' needs either claims or decided_by"),
        (
            'claims = ["dns.srv.value"]',
            'decided_by = "later: dns"',
            "articles.toml:9: article 'A01': decided_by: expected outside the project, got 'later: dns'",
        ),
        (
            'verdict = "agrees"',
            'verdict = "agree"',
            "articles.toml:6: article 'A01': verdict: expected agrees, imprecise",
        ),
    ],
)
def test_articles_are_read_strictly(tmp_path: Path, old: str, new: str, error: str) -> None:
    """A statement of an article must link existing claims or be outside the project."""
    with pytest.raises(UsageError) as raised:
        load_claims(write(tmp_path, articles=ARTICLES.replace(old, new, 1)))
    assert str(raised.value).startswith(f"claims/{error}")


def test_a_folder_without_claims_is_an_error(tmp_path: Path) -> None:
    """An empty or missing folder is an error, not an empty list of claims."""
    with pytest.raises(match="no claims in"):
        load_claims(tmp_path)
    with pytest.raises(match="no folder of claims at"):
        load_claims(tmp_path / "nowhere")


OTHER = """\
title = "Health"

[[claim]]
id = "health.basic"
statement = "It is checked."
level = "must"
source = "servicediscovery/HealthCheckConfig.Type"
check = "Look."
"""


def test_single_areas_are_read_alone(tmp_path: Path) -> None:
    """The files of the others may be wrong, and so may the articles; an area that does not exist has no claims."""
    folder = write(tmp_path, articles="nonsense")
    (folder / "health.toml").write_text("nonsense")
    assert list(load_claims(folder, {"dns", "nowhere"}).by_id) == ["dns.srv.value", "dns.later"]
    with pytest.raises(UsageError, match=r"health\.toml:1"):
        load_claims(folder, {"health"})


@pytest.mark.parametrize(
    ("selection", "areas"),
    [
        (Selection(claims=("dns.later",)), ["dns"]),
        (Selection(claims=("dns.later", "health.basic")), ["dns", "health"]),
        (Selection(claims=("dns.latr",)), ["dns", "health"]),
        (Selection(claims=("nowhere.later",)), ["dns", "health"]),
        (Selection(areas=("dns",), claims=("dns.later",)), ["dns", "health"]),
        (Selection(), ["dns", "health"]),
    ],
    ids=["one", "two", "unknown claim", "unknown area", "with an area", "all"],
)
def test_a_selection_loads_the_areas_of_its_claims(tmp_path: Path, selection: Selection, areas: list[str]) -> None:
    """All are loaded where the error must name the nearest one, or the known areas."""
    folder = write(tmp_path, articles=ARTICLES)
    (folder / "health.toml").write_text(OTHER)
    assert [area.name for area in selection.load(folder).areas] == areas
