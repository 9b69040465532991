"""Users, groups, roles and policies that a run creates in an account: their limits, and that nothing is left."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from surveyor.account.principals import LIMITS, NARROW, OF_RUNS, WIDE, limit_arn, limit_documents
from surveyor.claims.selection import Selection
from surveyor.cli import main
from surveyor.conformance.permission_check import actions_of
from surveyor.errors import TargetUnavailable
from surveyor.evidence import Evidence
from surveyor.layout import find_layout
from surveyor.report.file import load_report
from surveyor.targets.clients import Clients
from surveyor.targets.preflight import check_permissions
from surveyor.verdicts import Verdict
from tests.account.conftest import ACCOUNT, SECRET, EmulatorAccount, flowing, inventory
from tests.account.limited import limited, policies_for
from tests.account.test_marked import make_principals
from tests.account.test_runs import conform, surveyor

RUN = "0123abcd"
MINE = f"surveyor-{RUN}-web"
EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
ALL = json.dumps(EVERYTHING)
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}],
    }
)
LIMIT, OTHER = limit_arn(ACCOUNT, WIDE), limit_arn(ACCOUNT, MINE)


@pytest.fixture(scope="module")
def account() -> Iterator[EmulatorAccount]:
    """Run an account in which there are no users yet, and no limits."""
    with flowing() as running, pytest.MonkeyPatch.context() as patch:
        for name, value in running.environment.items():
            patch.setenv(name, value)
        yield running


def owner_of(account: EmulatorAccount) -> Any:
    """Return IAM as the owner of an account."""
    return account.clients().client("iam", ACCOUNT, session=Credentials(ACCOUNT, SECRET))


def make_limits(iam: Any) -> None:
    """Create the limits, as the owner does once."""
    for name, document in limit_documents(ACCOUNT).items():
        iam.create_policy(PolicyName=name, PolicyDocument=json.dumps(document))


def test_limits_have_no_names_of_runs() -> None:
    """A run may change what has the name of a run; the limits have not, and names of runs have."""
    assert [name for name in LIMITS if fnmatchcase(name, OF_RUNS)] == []
    assert fnmatchcase(MINE, OF_RUNS)


def test_limits_allow_reads_and_roles_of_runs_only() -> None:
    """Nothing else, and in no other account."""
    for document in limit_documents(ACCOUNT).values():
        for statement in document["Statement"]:
            if statement["Effect"] == "Deny":
                continue
            names = [action.partition(":")[2] for action in statement["Action"]]
            if statement["Sid"] == "Reads":
                assert [name for name in names if not name.startswith(("Describe", "Get", "List"))] == []
            else:
                assert sorted(names) == ["AssumeRole", "TagSession"]
                assert statement["Resource"] == f"arn:aws:iam::{ACCOUNT}:role/{OF_RUNS}"


def test_they_are_printed_for_the_owner(tmp_path: Path) -> None:
    """`surveyor policy conform --enable principals` writes both, and needs the account."""
    arguments = ["policy", "conform", "--enable", "principals", "--out", str(tmp_path)]
    assert main(arguments) == 2
    with pytest.raises(SystemExit) as end:
        main([*arguments, "--account", ACCOUNT])
    assert end.value.code == 0
    written = {path.stem: json.loads(path.read_text("utf-8")) for path in tmp_path.glob("surveyor-limit-*.json")}
    assert written == limit_documents(ACCOUNT)


@pytest.fixture(scope="module")
def run_iam(account: EmulatorAccount) -> Any:
    """Return IAM as a caller with the printed policy, which no guard stops."""
    owner = owner_of(account)
    make_limits(owner)
    keys = limited(account, *policies_for("conform", ["principals"], principals=True))
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    owner.create_user(UserName="alice")
    owner.create_group(GroupName="admins")
    iam = account.clients().client("iam", ACCOUNT, session=Credentials(*(keys[name] for name in names)))
    iam.create_user(UserName=MINE, PermissionsBoundary=LIMIT)
    iam.create_role(RoleName=MINE, AssumeRolePolicyDocument=TRUST, PermissionsBoundary=limit_arn(ACCOUNT, NARROW))
    iam.create_group(GroupName=MINE)
    iam.create_policy(PolicyName=MINE, PolicyDocument=ALL)
    return iam


@pytest.mark.parametrize(
    ("call", "params"),
    [
        ("create_user", {"UserName": f"{MINE}-2"}),
        ("create_user", {"UserName": f"{MINE}-2", "PermissionsBoundary": OTHER}),
        ("create_user", {"UserName": "bob", "PermissionsBoundary": LIMIT}),
        ("create_role", {"RoleName": f"{MINE}-2", "AssumeRolePolicyDocument": TRUST}),
        ("put_user_permissions_boundary", {"UserName": MINE, "PermissionsBoundary": OTHER}),
        ("delete_user_permissions_boundary", {"UserName": MINE}),
        ("delete_role_permissions_boundary", {"RoleName": MINE}),
        ("put_user_policy", {"UserName": "alice", "PolicyName": "own", "PolicyDocument": ALL}),
        ("create_access_key", {"UserName": "alice"}),
        ("add_user_to_group", {"UserName": "alice", "GroupName": "admins"}),
        ("put_group_policy", {"GroupName": MINE, "PolicyName": "own", "PolicyDocument": ALL}),
        ("attach_group_policy", {"GroupName": MINE, "PolicyArn": OTHER}),
        ("create_policy_version", {"PolicyArn": LIMIT, "PolicyDocument": ALL, "SetAsDefault": True}),
        ("create_policy", {"PolicyName": "surveyor-limit-else", "PolicyDocument": ALL}),
        ("delete_policy", {"PolicyArn": LIMIT}),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(map(str, value.values()))[:60],
)
def test_the_policy_of_a_run_keeps_principals_limited(run_iam: Any, call: str, params: dict[str, Any]) -> None:
    """A caller with it, also without Surveyor, creates nothing that may do more than the limits."""
    with pytest.raises(ClientError) as refused:
        getattr(run_iam, call)(**params)
    assert refused.value.response["Error"]["Code"] == "AccessDenied"


def test_the_policy_of_a_run_allows_what_suites_do(run_iam: Any) -> None:
    """Policies of any kind for users and roles with a limit, and the limits for groups."""
    run_iam.put_user_policy(UserName=MINE, PolicyName="own", PolicyDocument=ALL)
    run_iam.attach_role_policy(RoleName=MINE, PolicyArn=OTHER)
    run_iam.put_user_permissions_boundary(UserName=MINE, PermissionsBoundary=limit_arn(ACCOUNT, NARROW))
    run_iam.attach_group_policy(GroupName=MINE, PolicyArn=LIMIT)
    run_iam.add_user_to_group(UserName=MINE, GroupName=MINE)
    assert run_iam.get_policy(PolicyArn=LIMIT)["Policy"]["PolicyName"] == WIDE


ROLE = f"arn:aws:iam::{ACCOUNT}:role/surveyor-tests"


def actions_for(account: EmulatorAccount, claim: str) -> set[str]:
    """Return the actions of IAM that a run of one claim needs."""
    target = account.target(enable=("principals",), role=ROLE)
    actions = actions_of("conform", target, Selection(claims=(claim,)), find_layout())
    return {action for action in actions if action.startswith("iam:")}


def refusal(account: EmulatorAccount, actions: Collection[str]) -> str:
    """Return the line with which preflight refuses a run that needs these actions; "" if it does not."""
    target = account.target(enable=("principals",))
    try:
        check_permissions(target, Clients(target, account.endpoint, Evidence()), actions, RUN, "conform")
    except TargetUnavailable as refused:
        return str(refused)
    return ""


@pytest.mark.soak
def test_a_run_needs_the_limits_as_they_are_written() -> None:
    """Without them, or with another document, a run ends before it creates anything, with what to do."""
    with flowing() as account:
        owner = owner_of(account)
        users = actions_for(account, "iam.boundary-limits")
        assert refusal(account, actions_for(account, "iam.deny-wins")) == ""  # it creates no users
        line = refusal(account, users)
        assert (
            f"the policy {WIDE}, which limits users and roles of a run, does not exist in account {ACCOUNT}: " in line
        )
        assert f"`surveyor policy conform --enable principals --account {ACCOUNT} --out DIR` writes {WIDE}.json" in line
        make_limits(owner)
        assert refusal(account, users) == ""
        owner.create_policy_version(PolicyArn=LIMIT, PolicyDocument=ALL, SetAsDefault=True)
        line = refusal(account, users)
        assert f"the policy {WIDE}, which limits users and roles of a run, is not as this version writes it" in line


@pytest.mark.soak
def test_a_sweep_finds_them_by_their_names(account: EmulatorAccount, capsys: pytest.CaptureFixture[str]) -> None:
    """Users, groups, roles and policies of the run are deleted with what they have, and no others."""
    owner = owner_of(account)
    make_principals(owner, "surveyor-team-")
    before = sum("surveyor-team-" in found for found in principals_in(account))
    assert before >= 4
    make_principals(owner, f"surveyor-{RUN}-x-")
    with pytest.raises(SystemExit) as end:
        main(["sweep", "--account", ACCOUNT, "--endpoint", account.endpoint, "--region", "us-east-1", "--run", RUN])
    assert end.value.code == 0, capsys.readouterr()
    left = principals_in(account)
    assert [found for found in left if RUN in found] == []
    assert sum("surveyor-team-" in found for found in left) == before


def principals_in(account: EmulatorAccount) -> list[str]:
    """Return all users, groups, roles and policies of an account, not by the API."""
    return sorted(str(found) for found in inventory(account) if found["kind"].startswith("iam:"))


@pytest.mark.soak
def test_claims_about_principals_pass_in_an_account(tmp_path: Path) -> None:
    """As a user with the printed policy, where IAM's changes take seconds; nothing is left."""
    chosen = ("iam.boundary-limits", "iam.identity-policies-add-up", "iam.trust-policy-decides")
    with flowing(scale=20, iam_lag="1:8") as account:
        owner = owner_of(account)
        make_limits(owner)
        trust = json.loads(TRUST)
        owner.create_role(RoleName="surveyor-tests", AssumeRolePolicyDocument=json.dumps(trust))
        owner.put_role_policy(RoleName="surveyor-tests", PolicyName="all", PolicyDocument=ALL)
        user = limited(account, *policies_for("conform", ["iam", "principals"], role=ROLE, principals=True))
        before = principals_in(account)
        arguments = [*conform(account, tmp_path), "--enable", "principals", "--role", ROLE, "--workers", "2"]
        done = surveyor(account, *arguments, *(word for claim in chosen for word in ("--claim", claim)), **user)
        assert done.returncode == 0, done.stdout + done.stderr
        assert principals_in(account) == before
    verdicts = {claim.id: claim.verdict for claim in load_report(tmp_path / "report.json").claims}
    assert verdicts == dict.fromkeys(chosen, Verdict.PASS)
