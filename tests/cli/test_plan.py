"""`--plan` of the commands that create something in an account."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from surveyor.chaos.plan import plan_programs, read_program
from surveyor.claims import load_claims
from surveyor.conformance.unjudged import describe_unjudged
from surveyor.layout import find_layout
from surveyor.targets import load_target
from surveyor.targets.options import TargetOptions

LAYOUT = find_layout()
ACCOUNT = ("--target", "aws", "--account", "111122223333", "--plan")


def run(*words: str) -> subprocess.CompletedProcess[str]:
    """Run a command without credentials: a plan needs none."""
    return subprocess.run(
        [sys.executable, "-m", "surveyor", *words], capture_output=True, text=True, timeout=120, check=False
    )


def rows(output: str) -> Mapping[str, list[str]]:
    """Return the rows of a plan by name."""
    return {line.split("\t")[0]: line.split("\t") for line in output.splitlines() if line.count("\t") == 3}


@pytest.mark.soak
@pytest.mark.parametrize(
    ("words", "tasks", "noun"),
    [
        (("chaos", "kill-half"), 6, "1 experiment"),
        (("load", "deploy", "lose-one"), 10, "2 scenarios"),
        (("load", "compare-architectures"), 7, "2 scenarios"),
    ],
)
def test_experiments_and_scenarios_have_a_plan(words: tuple[str, ...], tasks: int, noun: str) -> None:
    """It has the form of that of a run, and says that they are played in real time."""
    done = run(*words, *ACCOUNT)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"aws, account 111122223333, us-east-1: {noun} in real time" in done.stdout
    found = rows(done.stdout)
    assert list(found) == ["calls", "resources", "minutes", "dollars", "about", "at most", "", "at a time"]
    assert found["resources"][3].startswith(f"{tasks} Fargate tasks")
    assert 5 < float(found["minutes"][1]) < 40
    assert float(found["about"][1]) < 1 < float(found["at most"][1])


@pytest.mark.soak
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("chaos", "--plan"), "--plan needs an account: embedded is not one"),
        (("load", "deploy", "--plan"), "--plan needs an account: embedded is not one"),
        (("advise", "--plan"), "--plan needs an account"),
        (("model", "--plan"), "--plan needs an account"),
        (("conform", "--plan"), "--plan needs an account"),
        (("recordings", "check", "--plan"), "--plan needs an account"),
        (("chaos", "scale-10-100-10", *ACCOUNT), "needs 100 Fargate tasks at a time; --budget tasks=100 would allow"),
        (("chaos", *ACCOUNT, "--budget", "tasks=100,calls=10"), "exceeds its budget; --budget calls="),
        (("chaos", "kill-all", *ACCOUNT), "unknown experiment 'kill-all'"),
        (("load", "deploy", *ACCOUNT, "--budget", "dollars=0"), "dollars of a budget must be a number above 0, got 0"),
        (("conform", *ACCOUNT, "--budget", "calls=-1"), "calls of a budget must be a number above 0, got -1"),
        (("conform", *ACCOUNT, "--budget", "minutes=nan"), "minutes of a budget must be a number above 0, got nan"),
    ],
)
def test_what_cannot_be_planned_is_one_line(words: tuple[str, ...], message: str) -> None:
    """The line says what would allow it; exit 2."""
    done = run(*words)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.soak
@pytest.mark.parametrize(
    ("words", "noun"),
    [
        (("recordings", "check", "--claim", "services.delete.needs-no-instances"), "test"),
        (("model", "--examples", "2", "--steps", "4"), "2 call sequences"),
        (("conform", "--claim", "attributes.service-level-round-trip", "--workers", "1"), "3 tests, 1 worker"),
    ],
)
def test_what_is_rehearsed_has_a_plan(words: tuple[str, ...], noun: str) -> None:
    """A rehearsal needs no credentials, and costs less than a minute."""
    done = run(*words, *ACCOUNT)
    assert (done.returncode, done.stderr) == (0, "")
    assert "rehearsal on the embedded target as an account in use; nothing is sent to aws" in done.stdout
    assert noun in done.stdout
    assert int(rows(done.stdout)["calls"][1]) > 5


def test_a_plan_knows_the_largest_number_of_tasks() -> None:
    """Tasks are those of the scaled service and the client; a given service gets only what is scaled out."""
    chaos, load = LAYOUT.chaos, LAYOUT.loadtests
    assert read_program(chaos / "scale_10_100_10.py", own_service=True).tasks == 100
    assert read_program(chaos / "scale_10_100_10.py", own_service=False).tasks == 90
    assert read_program(chaos / "kill_half.py", own_service=False).tasks == 0
    scaled = read_program(load / "scale_out.py", own_service=True)
    assert (scaled.tasks, scaled.balancer) == (100, False)
    assert scaled.seconds == 180 + 30 + 240 + 60 + 150


@pytest.mark.parametrize("kind", ["chaos", "loadtests"])
def test_every_program_can_be_planned(kind: str) -> None:
    """All of Surveyor's have tasks, a time and calls."""
    for path in sorted(getattr(LAYOUT, kind).glob("*.py")):
        program = read_program(path, own_service=True)
        assert program.tasks >= 1
        assert 300 < program.seconds < 1_500
        assert program.calls > 300


def test_no_program_costs_nothing(tmp_path: Path) -> None:
    """A file without a definition is planned by the defaults; no file is an empty plan."""
    file = tmp_path / "mine.py"
    file.write_text("x = {1: 2, **{}}\nPhase()\n")
    assert read_program(file, own_service=True).tasks == 3
    assert plan_programs([], own_service=True).total.calls == 0


def test_claims_that_are_not_judged_are_counted_by_option() -> None:
    """Each option that would change it has its number; with the option the number is gone."""
    claims = load_claims(LAYOUT.claims).by_id.values()
    plain = load_target("aws", LAYOUT.targets, TargetOptions(account="111122223333"))
    lines = "\n".join(describe_unjudged(claims, plain))
    proven = [claim for claim in claims if claim.unproven is None]
    impossible = {"ecs-instances", "clock-control", "other-principals", "owner"}
    with_role = sum("iam" in claim.features and not impossible & {*claim.features} for claim in proven)
    assert f" of {len(proven)} claims, without these options: --from-vpc (" in lines
    assert f", --role ARN ({with_role}), " in lines
    for option in ("--consumer-profile NAME", "--enable quotas"):
        assert f", {option} (" in lines
    with_principals = sum("principals" in claim.features and not impossible & {*claim.features} for claim in proven)
    assert f", --enable principals ({with_principals})" in lines
    on_instances = sum("ecs-instances" in claim.features for claim in proven)
    assert f"which need what it lacks: ecs-instances ({on_instances})" in lines
    assert "names of private namespaces are not resolved without --from-vpc" in lines
    options = TargetOptions(
        account="111122223333", role="arn:aws:iam::111122223333:role/x", enable=("ecs-processes",), dns="10.0.0.2:53"
    )
    inside = "\n".join(describe_unjudged(claims, load_target("aws", LAYOUT.targets, options)))
    assert "--role" not in inside
    assert "ecs-processes" not in inside
    assert "--dns" not in inside
    assert describe_unjudged(claims, load_target("http://127.0.0.1:1", LAYOUT.targets)) == []
    quick = [claim for claim in claims if not claim.features]
    assert describe_unjudged(quick, plain) == []
