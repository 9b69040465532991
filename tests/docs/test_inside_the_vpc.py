"""The table of options and claims in docs/inside-the-vpc.md has the numbers of the claims."""

from __future__ import annotations

from collections import Counter

from surveyor.claims import load_claims
from surveyor.conformance.unjudged import INSIDE
from surveyor.layout import find_layout
from surveyor.targets import load_target
from surveyor.targets.options import TargetOptions

LAYOUT = find_layout()
PAGE = (LAYOUT.root / "docs" / "inside-the-vpc.md").read_text("utf-8")
ARN = "arn:aws:iam::111122223333:role/surveyor"
VANTAGE = TargetOptions(account="111122223333", role=ARN, from_vpc="default")
ENABLE = ("quotas", "throttling", "regions", "private-ca", "resolver")
MORE = TargetOptions(account="111122223333", role=ARN, from_vpc="default", enable=ENABLE, service_role=ARN)
ROWS = (
    ("none", TargetOptions(account="111122223333")),
    ("`--role ARN`", TargetOptions(account="111122223333", role=ARN)),
    ("`--role ARN --from-vpc`", VANTAGE),
    ("and `--service-role ARN`", TargetOptions(**{**vars(VANTAGE), "service_role": ARN})),
    (f"and `--enable {','.join(ENABLE)}`", MORE),
    ("and `--consumer-profile NAME`", TargetOptions(**{**vars(MORE), "consumer_profile": "other"})),
)
"""The options of each row."""

CLAIMS = [claim for claim in load_claims(LAYOUT.claims).by_id.values() if claim.unproven is None]


def judged(options: TargetOptions) -> list[frozenset[str]]:
    """Return the features of the claims that a run judges; without a vantage those that neither ask nor call."""
    target = load_target("aws", LAYOUT.targets, options, "describe")
    missing = frozenset() if target.from_vpc is not None else INSIDE
    features = (target.features or frozenset()) - missing
    return [frozenset(claim.features) for claim in CLAIMS if features.issuperset(claim.features)]


def test_the_table_has_the_numbers_of_the_claims() -> None:
    """Each row has the number of claims that its options unlock, and their part of all that have a suite."""
    written = [line for line in PAGE.splitlines() if line.startswith("| ") and line.endswith(" % |")]
    counts = [(label, len(judged(options))) for label, options in ROWS]
    assert written == [f"| {label} | {count} | {100 * count / len(CLAIMS):.0f} % |" for label, count in counts]
    assert f"{len(CLAIMS)} claims have a suite." in PAGE


def test_what_no_option_unlocks_is_named() -> None:
    """The sentence after the table counts the other claims by the feature that an account never has."""
    target = load_target("aws", LAYOUT.targets, ROWS[-1][1], "describe")
    lacking = [set(claim.features) - (target.features or frozenset()) for claim in CLAIMS]
    counts = Counter(min(features) for features in lacking if features)
    assert counts == {"principals": counts["principals"], "ecs-instances": counts["ecs-instances"], "clock-control": 5}
    text = " ".join(PAGE.split())
    assert f"The other {counts.total()} need users and roles of their own" in text
    assert f"in no account ({counts['principals']}), EC2 instances with an agent ({counts['ecs-instances']})" in text
