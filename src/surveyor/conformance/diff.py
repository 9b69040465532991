"""What changed between two reports: how an emulator's author or user follows it from version to version."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from surveyor.report.model import ClaimReport, ConformanceReport
from surveyor.verdicts import Verdict

__all__ = ["Change", "Difference", "Kind", "difference"]


class Kind(StrEnum):
    """What became of a claim, the most important first."""

    REGRESSED = "regressed"
    """It passed, and does not any more."""
    VANISHED = "vanished"
    """The new report does not have it, or did not run it."""
    DIFFERENT = "different"
    """It fails still, or is otherwise not passed, but in another way."""
    FIXED = "fixed"
    """It passes now."""
    NEW = "new"
    """The old report did not have it, or did not run it."""


@dataclass(frozen=True)
class Change:
    """One claim's change. The symptoms say what came then and now, "" where it passed or did not run."""

    claim: str
    kind: Kind
    before: Verdict | None
    after: Verdict | None
    symptom_before: str
    symptom: str


@dataclass(frozen=True)
class Difference:
    """All changes, and ``doubts``: why the two reports may not compare like with like."""

    changes: tuple[Change, ...]
    doubts: tuple[str, ...]

    def of(self, kind: Kind) -> tuple[Change, ...]:
        """The changes of one kind."""
        return tuple(change for change in self.changes if change.kind is kind)

    @property
    def worse(self) -> bool:
        """Whether anything regressed or vanished."""
        return bool(self.of(Kind.REGRESSED) or self.of(Kind.VANISHED))


def difference(old: ConformanceReport, new: ConformanceReport) -> Difference:
    """What changed from ``old`` to ``new``, the most important kinds first, each in the order of the claims."""
    before = {claim.id: claim for claim in old.claims}
    after = {claim.id: claim for claim in new.claims}
    changes = []
    for claim in dict.fromkeys([*after, *before]):
        change = _change(claim, before.get(claim), after.get(claim))
        if change is not None:
            changes.append(change)
    order = list(Kind)
    return Difference(tuple(sorted(changes, key=lambda one: order.index(one.kind))), tuple(_doubts(old, new)))


def _change(claim: str, old: ClaimReport | None, new: ClaimReport | None) -> Change | None:
    before, after = _ran(old), _ran(new)
    if before is None and after is None:
        return None
    then = old.symptom if old is not None else ""
    now = new.symptom if new is not None else ""
    if before is None or after is None:
        kind = Kind.NEW if before is None else Kind.VANISHED
    elif before is not after:
        kind = Kind.REGRESSED if before is Verdict.PASS else Kind.FIXED if after is Verdict.PASS else Kind.DIFFERENT
    elif then != now:
        kind = Kind.DIFFERENT
    else:
        return None
    return Change(claim, kind, before, after, then, now)


def _ran(claim: ClaimReport | None) -> Verdict | None:
    """The verdict, if there is one: a claim that was not run says nothing of the target."""
    return None if claim is None or claim.verdict is Verdict.NOT_RUN else claim.verdict


def _doubts(old: ConformanceReport, new: ConformanceReport) -> list[str]:
    doubts = []
    if old.target.name != new.target.name:
        doubts.append(f"two targets: {old.target.name} then, {new.target.name} now")
    if old.surveyor != new.surveyor:
        doubts.append(f"two versions of the suites: Surveyor {old.surveyor} then, {new.surveyor} now")
    if (old.areas, old.selected) != (new.areas, new.selected):
        doubts.append("the two runs did not select the same claims")
    for when, report in (("old", old), ("new", new)):
        if report.interrupted or report.failure:
            doubts.append(f"the {when} run was not whole: {report.failure or 'interrupted'}")
    return doubts
