"""Write the table of options and claims in docs/inside-the-vpc.md: how many claims each option unlocks in an account.

python -m tests.option_table            # write it
python -m tests.option_table --check    # exit code 1 if it is not current
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from surveyor.claims import load_claims
from surveyor.claims.features import FEATURES
from surveyor.conformance.unjudged import INSIDE
from surveyor.layout import find_layout
from surveyor.targets import load_target
from surveyor.targets.options import TargetOptions

__all__ = ["current", "main", "possible_features"]

LAYOUT = find_layout()
PAGE = LAYOUT.root / "docs" / "inside-the-vpc.md"
BEGIN, END = "## Which option unlocks how many claims\n", "<!-- end of the table -->\n"
_ARN = "arn:aws:iam::111122223333:role/surveyor"
_ENABLE = ("quotas", "throttling", "regions", "private-ca", "resolver")
_PRINCIPALS = "principals"
_PLAIN = TargetOptions(account="111122223333")
_ROLE = replace(_PLAIN, role=_ARN)
_VANTAGE = replace(_ROLE, from_vpc="default")
_SERVICES = replace(_VANTAGE, service_role=_ARN)
_ENABLED = replace(_SERVICES, enable=_ENABLE)
_LIMITED = replace(_ENABLED, enable=(*_ENABLE, _PRINCIPALS))
ALL = replace(_LIMITED, consumer_profile="other")
ROWS = (
    ("none", _PLAIN),
    ("`--role ARN`", _ROLE),
    ("`--role ARN --from-vpc`", _VANTAGE),
    ("and `--service-role ARN`", _SERVICES),
    (f"and `--enable {','.join(_ENABLE)}`", _ENABLED),
    (f"and `--enable {_PRINCIPALS}`", _LIMITED),
    ("and `--consumer-profile NAME`", ALL),
)
"""The options of each row of the table."""


def possible_features(options: TargetOptions = ALL) -> frozenset[str]:
    """Return the features that the target `aws` has with these options; without a vantage those of this machine."""
    target = load_target("aws", LAYOUT.targets, options, "describe")
    missing: frozenset[str] = frozenset() if target.from_vpc is not None else INSIDE
    return (target.features or frozenset()) - missing


def current() -> str:
    """Return the section of the page, by the claims as they are."""
    claims = [claim for claim in load_claims(LAYOUT.claims).by_id.values() if claim.unproven is None]
    lines = [
        BEGIN,
        f"{len(claims)} claims have a suite. What each option adds on AWS, by the features of the claims:",
        "",
        f"| options | claims that can be judged | of {len(claims)} |",
        "|---|---|---|",
    ]
    for label, options in ROWS:
        count = sum(possible_features(options).issuperset(claim.features) for claim in claims)
        lines.append(f"| {label} | {count} | {100 * count / len(claims):.0f} % |")
    lacking = Counter(min(missing) for claim in claims if (missing := set(claim.features) - possible_features()))
    reasons = [f"{count}: {FEATURES[feature]} (`{feature}`)" for feature, count in lacking.most_common()]
    lines += [
        "",
        f"The other {lacking.total()} need what a run never has in an account. {'; '.join(reasons)}.",
        "",
        END,
    ]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or check the table, and return the exit code."""
    text = PAGE.read_text("utf-8")
    before, _, rest = text.partition(BEGIN)
    written = f"{before}{current()}{rest.partition(END)[2]}"
    if written == text:
        return 0
    if "--check" in (sys.argv[1:] if arguments is None else arguments):
        sys.stderr.write(f"{PAGE.relative_to(LAYOUT.root)} is not current: run `python -m tests.option_table`\n")
        return 1
    Path(PAGE).write_text(written, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
