"""What is new in an API is reported until a claim or a reason explains it."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest

from surveyor.claims import load_claims
from surveyor.claims.documents import Documents
from surveyor.claims.surface import Knowledge, NotCovered, Surface, explain, load_not_covered, read_knowledge
from surveyor.errors import UsageError

ROOT = Path(__file__).resolve().parents[2]


def documents(*operations: str, members: dict[str, str] | None = None, values: tuple[str, ...] = ()) -> Documents:
    """Return ECS with these operations, whose request has `members` (name to shape) and `values` of the shape Kind."""
    shapes: dict[str, Any] = {
        "Request": {"type": "structure", "members": {n: {"shape": s} for n, s in (members or {}).items()}},
        "Kind": {"type": "string", "enum": list(values)},
        "Text": {"type": "string"},
        "Kinds": {"type": "list", "member": {"shape": "Kind"}},
        "Inner": {"type": "structure", "members": {"depth": {"shape": "Text"}, "again": {"shape": "Request"}}},
    }
    called = {name: {"name": name, "input": {"shape": "Request"}} for name in operations}
    return Documents({"ecs": {"metadata": {}, "operations": called, "shapes": shapes}})


def look(
    found: Documents, *words: str, sources: tuple[str, ...] = (), items: tuple[str, ...] = (), new: Collection[str] = ()
) -> Surface:
    """Explain a model by words, sources and patterns."""
    not_covered = (NotCovered(items, "Later."),) if items else ()
    return explain(found, Knowledge(sources, words, not_covered), new)


def test_an_operation_a_member_and_a_value_need_an_explanation() -> None:
    """What a claim or a suite mentions is explained: an operation also by the name of its method."""
    found = documents("RunAll", "StopAll", members={"kinds": "Kinds", "extra": "Text"}, values=("BIG", "SMALL"))
    seen = look(found, "run_all", "kinds", "BIG")
    assert sorted(seen.unexplained) == ["ecs/Kind:SMALL", "ecs/Request.extra", "ecs/StopAll"]


def test_a_source_explains_its_members_until_they_are_new() -> None:
    """A claim about a whole shape, and a mention, are no explanation of what another version added."""
    found = documents("RunAll", members={"old": "Text", "extra": "Text"})
    assert look(found, "RunAll", sources=("ecs/Request",)).unexplained == set()
    seen = look(found, "RunAll", "extra", sources=("ecs/Request",), new={"ecs/Request.extra"})
    assert seen.unexplained == {"ecs/Request.extra"}
    assert look(found, "RunAll", "old", sources=("ecs/Request.extra",), new={"ecs/Request.extra"}).unexplained == set()


def test_what_lies_below_an_uncovered_member_is_not_watched() -> None:
    """A reason for a member or an operation covers its shapes, unless another member leads to them."""
    found = documents("RunAll", members={"inner": "Inner"})
    seen = look(found, "RunAll", items=("ecs/*.inner",))
    assert (sorted(seen.paths), seen.unexplained) == (["ecs/Request.inner", "ecs/RunAll"], set())
    assert seen.reasons == {"ecs/Request.inner": "Later."}
    assert sorted(look(found, "RunAll", "inner").unexplained) == ["ecs/Inner.again", "ecs/Inner.depth"]
    assert look(documents("RunAll"), items=("ecs/Run*",)).paths == {"ecs/RunAll"}


def test_patterns_that_match_nothing_are_unused() -> None:
    """Names in braces are alternatives, also in several places; each of them must match."""
    known = Knowledge((), (), (NotCovered(("ecs/{Run,Stop}{All,One}",), "Later."),))
    seen = explain(documents("RunAll", "StopOne"), known)
    assert seen.unexplained == set()
    assert sorted(known.unused(seen)) == ["ecs/RunOne", "ecs/StopAll"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('items = ["ec2/*"]\nbecause = "x"', r"not-covered\.toml:4: 'ec2/\*' must begin with"),
        ('items = ["ecs/A", "ecs/{A,B}"]\nbecause = "x"', "'ecs/A' is a second time"),
        ('items = ["ecs/A"]\nbecause = " "', "expected a reason"),
        ('items = ["ecs/A"]', r"not-covered\.toml:3: .*because is missing"),
    ],
)
def test_an_invalid_file_is_refused_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    """Each pattern names a watched service, once, with a reason."""
    (tmp_path / "not-covered.toml").write_text(f'title = "x"\n\n[[not-covered]]\n{text}\n')
    with pytest.raises(UsageError, match=message):
        load_not_covered(tmp_path)


def test_nothing_of_the_apis_is_unexplained() -> None:
    """With the installed botocore everything has a claim or a reason, and each reason is needed."""
    knowledge = read_knowledge(load_claims(ROOT / "claims"), ROOT / "claims", ROOT / "suites")
    seen = explain(Documents(), knowledge)
    assert sorted(seen.unexplained) == []
    assert list(knowledge.unused(seen)) == []
    assert {path.partition("/")[0] for path in seen.paths} == {"ecs", "route53", "servicediscovery"}
    assert len(seen.paths) > 1500
