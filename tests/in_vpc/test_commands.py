"""What `surveyor in-vpc` accepts: commands, options of the task, files that go in; all of it before any call."""

from __future__ import annotations

from pathlib import Path

import pytest

from surveyor.cli import main
from surveyor.cli._support.inner_commands import parse_inner
from surveyor.cli.application import COMMANDS
from surveyor.errors import UsageError
from surveyor.in_vpc import target_words
from surveyor.in_vpc.target_there import target_file_there
from surveyor.layout import find_layout
from surveyor.targets import load_target
from surveyor.targets.options import TargetOptions

ACCOUNT = "444455556666"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/surveyor-inside"
TARGETS = find_layout().targets


@pytest.fixture(autouse=True)
def _no_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have nothing that could be called."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "expected a command after two dashes"),
        (["chaso"], "there is no command 'chaso'; did you mean 'chaos'?; in-vpc runs advise, chaos, conform, gate,"),
        (["\x1b[31m"], r"there is no command '\x1b[31m'; in-vpc runs"),
        (["x" * 100_000], f"there is no command '{'x' * 100}'"),
        (["emulator"], "emulator is run on this machine: in-vpc runs"),
        (["in-vpc"], "in-vpc is run on this machine"),
        (["chaos", "--nope"], "chaos: No such option: --nope"),
        (["chaos", "kill-hlaf"], "unknown experiment 'kill-hlaf'"),
        (["load", "depoly"], "unknown scenario 'depoly'"),
        (["chaos", "--account", ACCOUNT], "--account is an option of in-vpc: write it before the two dashes"),
        (["chaos", "--out", "x"], "--out is an option of in-vpc"),
        (["chaos", "--dns", "10.0.0.2:53"], "--dns is not given inside"),
        (["conform", "--vpc", "vpc-1"], "--vpc is not given inside"),
        (["conform", "--resume", "0123abcd"], "--resume does not work inside"),
        (["conform", "--update-expectations"], "--update-expectations does not work inside"),
        (["chaos", "--kill-file", "x"], "--kill-file does not work inside"),
        (["chaos", "--list"], "`surveyor chaos --list` needs no VPC"),
        (["load", "--self-check"], "load --self-check is about this machine"),
        (["watch", "--service", "shop/web", "--", "./deploy.sh"], "watch -- COMMAND would need a program of"),
        (["gate", "pyproject.toml"], "gate without --watch only reads files"),
        (["gate", "/nonexistent.toml", "--watch", "--ecs", "shop/web"], "there is no file '/nonexistent.toml'"),
        (["chaos", "/nonexistent.py"], "there is no file '/nonexistent.py'"),
        (["watch", "--service", "shop/web", "--for", "1m", "--ca", "/nonexistent.pem"], "there is no file"),
        (["watch"], "watch: Missing option '--service'"),
    ],
)  # fmt: skip
def test_commands_that_cannot_run_inside_are_refused(
    capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    """One line with what to do, exit 2, before any call."""
    assert main(["in-vpc", "--account", ACCOUNT, "--task-role", ROLE, *(["--", *words] if words else [])]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert message in line


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "--task-role ARN is missing"),
        (["--task-role", "surveyor"], "--task-role: expected the ARN of a role"),
        (["--task-role", "arn:aws:iam::111122223333:role/x"], "is of another account than 444455556666"),
        (["--task-role", ROLE, "--cpu", "3"], "--cpu: expected 1, 2 or 4, got 3"),
        (["--task-role", ROLE, "--image", "a b"], "--image: expected an image such as public.ecr.aws/"),
        (["--task-role", ROLE, "--security-group", "web"], "--security-group: expected the id of a group"),
        (["--task-role", ROLE, *["--security-group", "sg-0123456789abcdef0"] * 5], "at most five groups"),
        (["--task-role", ROLE, "--wheels", "/nonexistent"], "--wheels: /nonexistent is no folder with wheels"),
        (["--task-role", ROLE, "--from-vpc", "vpc-1"], "--from-vpc: expected ids of subnets"),
        (["--task-role", ROLE, "--target", "embedded"], "--from-vpc does not go with embedded"),
    ],
)  # fmt: skip
def test_options_of_the_task_are_checked(capsys: pytest.CaptureFixture[str], options: list[str], message: str) -> None:
    """One line with what was expected, exit 2."""
    assert main(["in-vpc", "--account", ACCOUNT, *options, "--", "chaos", "kill-half"]) == 2
    assert message in capsys.readouterr().err


def test_a_plan_has_the_command_and_its_task(capsys: pytest.CaptureFixture[str]) -> None:
    """Calls, minutes and dollars of both; nothing is sent, and no credentials are needed."""
    words = ["in-vpc", "--account", ACCOUNT, "--task-role", ROLE, "--cpu", "2", "--plan", "--", "load", "deploy"]
    with pytest.raises(SystemExit) as end:
        main(words)
    assert end.value.code == 0
    text = capsys.readouterr().out
    for part in ("calls", "minutes", "dollars", "2 vCPU with 4 GB: about 30 calls, 4 minutes", "dollars an hour"):
        assert part in text


def test_files_go_in_and_results_come_out(tmp_path: Path) -> None:
    """A program goes in with the modules beside it, a file by its name; results are written where the user said."""
    for name in ("mine.py", "beside.py", "gate.toml"):
        (tmp_path / name).write_text("")
    chaos, _ = parse_inner(["chaos", str(tmp_path / "mine.py"), "--seed", "3"], COMMANDS)
    assert chaos.words == ("files/0/mine.py", "--seed", "3")
    assert sorted(chaos.files) == ["files/0/beside.py", "files/0/mine.py"]
    words = [str(tmp_path / "gate.toml"), str(tmp_path), f"--summary={tmp_path / 's'}", "--watch", "--ecs", "shop/web"]
    gate, _ = parse_inner(["gate", *words], COMMANDS)
    assert gate.words[:3] == ("files/0/gate.toml", f"files/1/{tmp_path.name}", "--summary=out/summary.md")
    assert [(one.inside, one.path, one.appended) for one in gate.outputs] == [("summary.md", tmp_path / "s", True)]


def test_a_command_gets_the_options_that_it_knows() -> None:
    """The account by the resolver of its VPC, or an endpoint as it is reached from here."""
    chaos, _ = parse_inner(["chaos", "kill-half"], COMMANDS)
    watch, _ = parse_inner(["watch", "--service", "shop/web", "--for", "1m"], COMMANDS)
    target = load_target("aws", TARGETS, TargetOptions(account=ACCOUNT, from_vpc="default", region="us-east-1"))
    words = target_words(target, chaos, "10.31.0.2:53", "vpc-1")
    assert words == [
        "--target=aws", f"--account={ACCOUNT}", "--region=us-east-1", "--dns=10.31.0.2:53", "--vpc=vpc-1",
        "--enable=ecs-processes", "--out={surveyor-out}",
    ]  # fmt: skip
    assert not {"--vpc=vpc-1", "--enable=ecs-processes"} & {*target_words(target, watch, "10.31.0.2:53", "vpc-1")}
    local = TargetOptions(account=ACCOUNT, endpoint="http://127.0.0.1:4566", dns="control", from_vpc="default")
    words = target_words(load_target("aws", TARGETS, local), chaos, "control", "vpc-1")
    assert "--endpoint=http://127.0.0.1:4566" in words
    assert "--vpc=vpc-1" not in words


def test_tasks_of_the_command_are_where_its_task_is(tmp_path: Path) -> None:
    """The target file there names the subnets, and the group that the task of the command may enter."""
    own = tmp_path / "staging.toml"
    text = (TARGETS / "aws.toml").read_text("utf-8")
    own.write_text(text.replace('# cluster = "staging"', 'cluster = "shop"\nsubnets = ["subnet-0123456789abcdef9"]'))
    options = TargetOptions(account=ACCOUNT, from_vpc="subnet-0123456789abcdef0", region="us-east-1")
    [(path, there)] = target_file_there(load_target(str(own), TARGETS, options), {"tasks": "sg-1"}).items()
    assert path == "surveyor/_bundle/targets/staging.toml"
    (tmp_path / "there.toml").write_text(there)
    place = load_target(str(tmp_path / "there.toml"), TARGETS, TargetOptions(account=ACCOUNT)).place
    assert (place.cluster, place.subnets) == ("shop", ("subnet-0123456789abcdef0",))
    assert place.security_groups == ("sg-1",)


def test_a_word_that_is_no_option_is_not_guessed() -> None:
    """The name of an experiment is no file, though there may be one of that name."""
    with pytest.raises(UsageError, match="there is no file"):
        parse_inner(["gate", "kill-half", "--watch", "--ecs", "a/b"], COMMANDS)
