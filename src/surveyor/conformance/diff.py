"""Find the claims that changed between two reports, for instance of two versions of an emulator."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from surveyor.report.model import ClaimReport, ConformanceReport
from surveyor.verdicts import Verdict

__all__ = ["Change", "ChangeKind", "ReportDifference", "diff_reports"]


class ChangeKind(StrEnum):
    """How a claim changed, the most important kind first."""

    REGRESSED = "regressed"
    """It passed, and no longer does."""
    VANISHED = "vanished"
    """The new report does not have it, or did not run it."""
    FIXED = "fixed"
    """It passes now."""
    DIFFERENT = "fail differently"
    """It fails in both reports, with another symptom."""
    JUDGED_NOW = "could not be judged before, and fail"
    """It fails, and was unsupported, inconclusive or an error."""
    NOT_JUDGED = "not judged any more, or for another reason"
    """It is unsupported, inconclusive or an error, and failed before or was not judged for another reason."""
    NEW = "new"
    """The old report did not have it, or did not run it."""


@dataclass(frozen=True)
class Change:
    """The change of one claim. The symptoms are those of both runs, "" where it passed or did not run."""

    claim: str
    kind: ChangeKind
    before: Verdict | None
    after: Verdict | None
    symptom_before: str
    symptom: str

    @property
    def gone(self) -> tuple[str, ...]:
        """Return the parts of the symptom before that are no longer there: one for each test that failed so."""
        return _missing(self.symptom_before, self.symptom)

    @property
    def added(self) -> tuple[str, ...]:
        """Return the parts of the symptom that were not there before."""
        return _missing(self.symptom, self.symptom_before)


@dataclass(frozen=True)
class ReportDifference:
    """All changes, and ``caveats``: reasons why the two reports may not be comparable."""

    changes: tuple[Change, ...]
    caveats: tuple[str, ...]

    def of(self, kind: ChangeKind) -> tuple[Change, ...]:
        """Return the changes of one kind."""
        return tuple(change for change in self.changes if change.kind is kind)

    @property
    def worse(self) -> bool:
        """Return whether any claim regressed or vanished."""
        return bool(self.of(ChangeKind.REGRESSED) or self.of(ChangeKind.VANISHED))


def diff_reports(old: ConformanceReport, new: ConformanceReport) -> ReportDifference:
    """Return what changed from ``old`` to ``new``, sorted by kind and then by the order of the claims."""
    before = {claim.id: claim for claim in old.claims}
    after = {claim.id: claim for claim in new.claims}
    changes = []
    for claim in dict.fromkeys([*after, *before]):
        change = _change(claim, before.get(claim), after.get(claim))
        if change is not None:
            changes.append(change)
    order = list(ChangeKind)
    return ReportDifference(
        tuple(sorted(changes, key=lambda change: order.index(change.kind))), tuple(_caveats(old, new))
    )


def _change(claim: str, old: ClaimReport | None, new: ClaimReport | None) -> Change | None:
    before, after = _verdict(old), _verdict(new)
    if before is None and after is None:
        return None
    old_symptom = old.symptom if old is not None else ""
    new_symptom = new.symptom if new is not None else ""
    if before is None or after is None:
        kind = ChangeKind.NEW if before is None else ChangeKind.VANISHED
    elif before is not after and before is Verdict.PASS:
        kind = ChangeKind.REGRESSED
    elif before is not after and after is Verdict.PASS:
        kind = ChangeKind.FIXED
    elif (before, old_symptom) != (after, new_symptom):
        kind = _kind_of_failure(before, after)
    else:
        return None
    return Change(claim, kind, before, after, old_symptom, new_symptom)


def _missing(symptom: str, other: str) -> tuple[str, ...]:
    others = other.split(" | ")
    return tuple(part for part in symptom.split(" | ") if part and part not in others)


def _kind_of_failure(before: Verdict, after: Verdict) -> ChangeKind:
    if after is not Verdict.FAIL:
        return ChangeKind.NOT_JUDGED
    return ChangeKind.DIFFERENT if before is Verdict.FAIL else ChangeKind.JUDGED_NOW


def _verdict(claim: ClaimReport | None) -> Verdict | None:
    """Return the verdict, None if the claim was not run: that says nothing about the target."""
    return None if claim is None or claim.verdict is Verdict.NOT_RUN else claim.verdict


def _caveats(old: ConformanceReport, new: ConformanceReport) -> list[str]:
    caveats = []
    if old.target.name != new.target.name:
        caveats.append(f"two targets: {old.target.name} then, {new.target.name} now")
    if old.surveyor != new.surveyor:
        caveats.append(f"two versions of the suites: Surveyor {old.surveyor} then, {new.surveyor} now")
    if (old.areas, old.selected) != (new.areas, new.selected):
        caveats.append("the two runs did not select the same claims")
    for when, report in (("old", old), ("new", new)):
        if report.interrupted or report.failure:
            caveats.append(f"the {when} run did not complete: {report.failure or 'interrupted'}")
    return caveats
