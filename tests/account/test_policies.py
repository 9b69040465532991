"""The policies that `surveyor policy` prints: their limits, their size, and that each action is where it belongs."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore import xform_name
from botocore.session import Session

from surveyor.account import marked
from surveyor.account.needed_calls import COMMANDS, CONSUMER, needed_operations, searching_operations
from surveyor.account.permissions import MAX_SIZE, make_policies, policy_size, required_actions
from surveyor.account.scopes import Place, limits_of
from surveyor.cli import main
from surveyor.layout import find_layout
from surveyor.targets import load_target
from surveyor.targets.options import TargetOptions
from surveyor_policies.dependent import DEPENDENT

FEATURES = ("iam", "ecs-processes", "private-ca", "quotas", "regions", "throttling")
AUDIT = {
    "ecs:DescribeClusters", "ecs:DescribeServices", "ecs:DescribeTaskDefinition", "ecs:DescribeTasks",
    "ecs:ListServices", "ecs:ListTasks", "iam:GetRole", "route53:ListResourceRecordSets",
    "servicediscovery:GetService", "servicediscovery:ListInstances", "servicediscovery:ListNamespaces",
    "servicediscovery:ListServices",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcAttribute",
    "ec2:DescribeVpcs",
    "route53:ListHostedZonesByVPC",
    "route53resolver:GetResolverEndpoint", "route53resolver:GetResolverRule",
    "route53resolver:ListFirewallDomains",
    "route53resolver:ListFirewallRuleGroupAssociations",
    "route53resolver:ListFirewallRules",
    "route53resolver:ListResolverRuleAssociations",
    "servicediscovery:GetOperation",
    "servicediscovery:ListOperations",
}  # fmt: skip


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, Any]]:
    """Return the policies that the command prints."""
    with pytest.raises(SystemExit) as end:
        main(["policy", *arguments])
    assert end.value.code == 0
    text, decoder, found = capsys.readouterr().out.strip(), json.JSONDecoder(), []
    while text:
        policy, length = decoder.raw_decode(text)
        found.append(policy)
        text = text[length:].strip()
    return found


def statements(policies: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield all statements of policies."""
    for policy in policies:
        yield from policy["Statement"]


def actions_of(policies: list[dict[str, Any]]) -> set[str]:
    """Return all actions of policies."""
    return {action for statement in statements(policies) for action in statement["Action"]}


def with_action(policies: list[dict[str, Any]], action: str) -> list[dict[str, Any]]:
    """Return the statements that allow an action."""
    return [statement for statement in statements(policies) if action in statement["Action"]]


def test_actions_are_those_called_and_those_they_depend_on() -> None:
    """Actions that an operation depends on are added, operations that need no permission are left out."""
    called = ["servicediscovery:RegisterInstance", "sts:GetCallerIdentity", "ec2:CreateVpc"]
    dependent = {"servicediscovery:RegisterInstance": ("route53:GetHealthCheck",), "servicediscovery:X": ("a:B",)}
    wanted = {"servicediscovery:RegisterInstance", "route53:GetHealthCheck", "ec2:CreateVpc", "ec2:CreateTags"}
    assert required_actions(called, dependent) == wanted


def test_the_sweep_may_call_what_its_code_calls() -> None:
    """Each name of an operation in the modules that find and delete what runs made is in the policy of `sweep`.

    Most of them are called in rare cases only, which no run with the policy may meet.
    """
    needed, session = needed_operations("sweep"), Session()
    methods: dict[str, set[str]] = {}
    for service in sorted({operation.partition(":")[0] for operation in needed}):
        for operation in session.get_service_model(service).operation_names:
            methods.setdefault(xform_name(operation), set()).add(f"{service}:{operation}")
    account = Path(marked.__file__).parent
    called: dict[str, str] = {}
    for module in (account / "marked.py", *(account / "removal").glob("*.py")):
        for node in ast.walk(ast.parse(module.read_text("utf-8"))):
            name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "value", None)
            if isinstance(name, str) and name in methods:  # a call, or the name of a paginator
                called[name] = module.name
    assert len(called) > 40
    assert {name: where for name, where in called.items() if not methods[name] & needed} == {}


def test_actions_have_the_prefixes_of_iam() -> None:
    """Botocore's name of a service may be another, and a request without an operation needs no action."""
    called = ["elbv2:CreateListener", "servicediscovery:POST /", "ecs:RunTask"]
    assert required_actions(called, {}) == {"elasticloadbalancing:CreateListener", "ecs:RunTask"}


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_policies_of_the_size_of_aws(capsys: pytest.CaptureFixture[str], command: str) -> None:
    """With all features, account, Region and role, each document fits, and Sids are letters and digits, once each."""
    words = [command, "--account", "111122223333", "--region", "ap-southeast-2"]
    if command == "conform":
        words += ["--role", "arn:aws:iam::111122223333:role/surveyor", "--vpc", "vpc-0123456789abcdef0"]
        words += ["--enable", "ecs-processes,private-ca,quotas,throttling,regions,resolver"]
    policies = printed(capsys, *words)
    assert [policy for policy in policies if policy_size(policy) > MAX_SIZE] == []
    for policy in policies:
        names = [statement["Sid"] for statement in policy["Statement"]]
        assert len(names) == len(set(names))
        assert [name for name in names if not name.isalnum()] == []


@pytest.mark.parametrize("words", [["--from-vpc"], ["--from-vpc", "subnet-0123456789abcdef0"]])
def test_a_vantage_needs_more(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    """`--from-vpc` is written as for `conform`, with or without subnets."""
    assert {"s3:CreateBucket", "ec2:DescribeManagedPrefixLists"} <= actions_of(printed(capsys, "conform", *words))


def test_the_role_of_services_is_passed_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    """A run may pass it to three services; it may invoke functions and shift traffic of runs only."""
    role = "arn:aws:iam::111122223333:role/surveyor-services"
    place = ["--account", "111122223333", "--region", "eu-west-1"]
    *own, trust, policy = printed(capsys, "conform", *place, "--service-role", role)
    [passing] = with_action(own, "iam:PassRole")
    services = ["ecs.amazonaws.com", "ecs-tasks.amazonaws.com", "lambda.amazonaws.com"]
    assert passing["Resource"] == role
    assert passing["Condition"] == {"StringEquals": {"iam:PassedToService": services}}
    [listener] = with_action(own, "elasticloadbalancing:CreateRule")
    assert listener["Resource"].endswith(":listener/app/surveyor-*/*")
    [created] = with_action(own, "lambda:CreateFunction")
    assert created["Resource"] == "arn:aws:lambda:eu-west-1:111122223333:function:surveyor-*"
    trusted = [statement["Principal"]["Service"] for statement in trust["Statement"]]
    assert trusted == [["ecs.amazonaws.com", "lambda.amazonaws.com"], "ecs-tasks.amazonaws.com"]
    wide = [statement["Action"] for statement in policy["Statement"] if statement["Resource"] == "*"]
    assert [action for actions in wide for action in actions if ":Describe" not in action] == []
    assert not with_action(printed(capsys, "conform", *place), "iam:PassRole")


def test_audit_and_gate_have_their_few_actions(capsys: pytest.CaptureFixture[str]) -> None:
    """An audit only reads, and a gate has what its page documents, on the service that it is for."""
    assert actions_of(printed(capsys, "audit")) == AUDIT
    [gate] = printed(capsys, "gate", "--service", "shop/web", "--account", "111122223333", "--region", "eu-west-1")
    page = (find_layout().root / "docs" / "gate.md").read_text("utf-8")
    [statement] = gate["Statement"]
    assert [action for action in statement["Action"] if f"`{action}`" not in page] == []
    assert len(statement["Action"]) == 4
    prefix = "arn:aws:ecs:eu-west-1:111122223333:service"
    assert statement["Resource"] == [f"{prefix}/shop/web", f"{prefix}-deployment/shop/web/*"]
    watching = actions_of(printed(capsys, "gate", "--watch", "--service", "shop/web"))
    both = {*gate["Statement"][0]["Action"], *actions_of(printed(capsys, "watch", "--service", "shop/web"))}
    assert set(watching) == both | {
        *("cloudwatch:DescribeAlarmHistory", "cloudwatch:DescribeAlarms", "cloudwatch:GetMetricData")
    }


@pytest.mark.parametrize("command", ["conform", "recordings", "model", "chaos", "load", "advise", "sweep", CONSUMER])
def test_changes_are_limited_to_what_runs_made(command: str) -> None:
    """Only reads, and changes for which AWS offers nothing narrower, are allowed on everything."""
    actions = required_actions(needed_operations(command, FEATURES), DEPENDENT)
    wide = {
        action
        for statement in statements(make_policies(actions, Place()))
        if statement["Resource"] == "*" and "Condition" not in statement
        for action in statement["Action"]
    }
    reads = ("Describe", "Discover", "Get", "List", "Test", "Filter")
    changes = {action for action in wide if not action.partition(":")[2].startswith(reads)}
    assert {action.partition(":")[0] for action in changes} <= {"route53", "servicediscovery", "ecs"}, changes
    assert {action for action in changes if not action.startswith("route53:")} <= {
        "ecs:DeregisterTaskDefinition", "servicediscovery:TagResource", "servicediscovery:UntagResource",
    }  # fmt: skip
    assert "route53:ChangeResourceRecordSets" not in changes


@pytest.mark.parametrize("command", ["conform", "recordings", "model", "chaos", "load", "advise", CONSUMER])
def test_a_policy_of_one_region_creates_nothing_in_another(command: str) -> None:
    """It could not be deleted there. IAM and Route 53 are of no Region, nor are the names of buckets."""
    actions = required_actions(needed_operations(command, FEATURES), DEPENDENT)
    here = {"aws:RequestedRegion": "eu-west-1"}
    for statement in statements(make_policies(actions, Place("1" * 12, "eu-west-1"))):
        creates = any(re.match("(?!iam|route53|s3)[a-z0-9-]+:Create", action) for action in statement["Action"])
        limited = statement.get("Condition", {}).get("StringEquals", {}).items() >= here.items()
        assert not creates or limited or all(":eu-west-1:" in arn for arn in _list(statement)), statement


def test_deployments_may_be_in_a_cluster_of_the_users() -> None:
    """Services of runs may be in the cluster of the target file; of its other services nothing may be changed."""
    [limit] = limits_of("ecs:StopServiceDeployment", Place("1" * 12, "eu-west-1", cluster="staging"))
    prefix = f"arn:aws:ecs:eu-west-1:{'1' * 12}:service"
    assert limit.resources == (
        f"{prefix}/surveyor-*/*", f"{prefix}-deployment/surveyor-*/*/*", f"{prefix}/staging/surveyor-*",
        f"{prefix}-deployment/staging/surveyor-*/*",
    )  # fmt: skip


def test_what_others_have_cannot_be_deleted() -> None:
    """By its name, or by the tag of a run."""
    actions = required_actions(needed_operations("conform"), DEPENDENT)
    policies = make_policies(actions, Place("111122223333", "us-east-1"))
    [cluster] = with_action(policies, "ecs:DeleteCluster")
    assert cluster["Resource"] == "arn:aws:ecs:us-east-1:111122223333:*/surveyor-*"
    tag = {"Null": {"aws:ResourceTag/surveyor:run": "false"}}
    for action in ("ec2:DeleteVpc", "ec2:TerminateInstances", "servicediscovery:DeregisterInstance"):
        conditions = [statement.get("Condition") for statement in with_action(policies, action)]
        assert tag in conditions
        for statement in with_action(policies, action):
            unlimited = "Condition" not in statement
            nothing = ("-surveyor-preflight", "-aaaaaaaaaaaaaaaa", "-00000000000000000")
            assert not unlimited or all(arn.endswith(nothing) for arn in _list(statement))


def _list(statement: dict[str, Any]) -> list[str]:
    resource = statement["Resource"]
    return resource if isinstance(resource, list) else [resource]


def test_tags_on_other_things_are_set_at_creation_only() -> None:
    """ec2:CreateTags is limited to the creations of runs."""
    policies = make_policies(required_actions(needed_operations("conform"), DEPENDENT), Place())
    [statement] = with_action(policies, "ec2:CreateTags")
    assert "CreateVpc" in statement["Condition"]["StringEquals"]["ec2:CreateAction"]


def test_features_and_role_add_their_actions(capsys: pytest.CaptureFixture[str]) -> None:
    """--enable and --role are taken into account, and no policy has PassRole or other changes of IAM."""
    plain = actions_of(printed(capsys, "conform"))
    assert "logs:CreateLogGroup" in actions_of(printed(capsys, "conform", "--enable", "ecs-processes")) - plain
    arn = "arn:aws:iam::111122223333:role/x"
    policies = printed(capsys, "conform", "--role", arn)
    assert [statement["Resource"] for statement in with_action(policies, "sts:AssumeRole")] == [arn]
    assert "sts:AssumeRole" not in plain
    iam = {action for action in actions_of(policies) if action.startswith("iam:") and ":List" not in action}
    assert iam == {"iam:CreateServiceLinkedRole", "iam:GetPolicy", "iam:GetPolicyVersion"}


def test_the_role_of_conform_may_search_as_a_sweep_does(capsys: pytest.CaptureFixture[str]) -> None:
    """The page about a first run has no other role; other commands have no more reads than they need themselves."""
    searching = required_actions(searching_operations("conform"), DEPENDENT)
    assert searching <= {*actions_of(printed(capsys, "sweep"))}
    assert searching <= {*actions_of(printed(capsys, "conform"))}
    assert not searching & {*actions_of(printed(capsys, "chaos"))}


def test_a_second_account_has_a_policy_of_its_part(tmp_path: Path) -> None:
    """It may change what the run's account shares, and its own only by name and tag; the run may share namespaces."""
    words = ["policy", "conform", "--account", "111122223333", "--region", "eu-west-1", "--out", str(tmp_path)]
    with pytest.raises(SystemExit):
        main(words)
    plain = {path.name for path in tmp_path.iterdir()}
    with pytest.raises(SystemExit):
        main([*words, "--consumer-profile", "other"])
    written = {path.name: json.loads(path.read_text("utf-8")) for path in tmp_path.iterdir()}
    consumer = [written[name] for name in written.keys() - plain]
    own = [written[name] for name in plain]
    anything = with_action(consumer, "servicediscovery:RegisterInstance")
    assert {statement["Sid"]: statement["Resource"] for statement in anything if "Condition" not in statement} == {
        "CloudMapShared": "arn:aws:servicediscovery:eu-west-1:111122223333:*/*",
        "CloudMapNothing": [
            "arn:aws:servicediscovery:eu-west-1:*:*/*-surveyor-preflight",
            "arn:aws:servicediscovery:eu-west-1:*:*/*-aaaaaaaaaaaaaaaa",
        ],
    }
    for action in ("ram:AcceptResourceShareInvitation", "ram:RejectResourceShareInvitation"):
        [statement] = with_action(consumer, action)
        assert statement["Condition"] == {"StringLike": {"ram:ResourceShareName": "surveyor-*"}}
    [share] = with_action(own, "ram:CreateResourceShare")
    assert share["Condition"]["ForAllValues:StringLike"] == {
        "ram:ResourceArn": ["arn:aws:servicediscovery:eu-west-1:111122223333:namespace/*"]
    }
    assert with_action(own, "servicediscovery:PutResourcePolicy")[0]["Resource"].endswith(":namespace/*")
    assert not with_action(own, "ram:AcceptResourceShareInvitation")


def test_tags_of_the_user_need_their_actions() -> None:
    """Each creation that gets them wants the action of its service, limited as the creation is."""
    plain = required_actions(needed_operations("conform", FEATURES), DEPENDENT)
    tagged = required_actions(needed_operations("conform", FEATURES), DEPENDENT, tagged=True)
    added = {"elasticloadbalancing:AddTags", "events:TagResource", "logs:TagResource", "sqs:TagQueue"}
    added.add("cloudwatch:TagResource")
    assert tagged - plain == added
    policies = make_policies(tagged, Place())
    assert [action for action in added if with_action(policies, action)[0]["Resource"] == "*"] == []


def test_a_small_service_has_a_small_policy(capsys: pytest.CaptureFixture[str]) -> None:
    """Chaos on a service of the user's may change that service, its tasks and registries, and create nothing."""
    policies = printed(capsys, "chaos", "--service", "shop/web")
    made = {action for action in actions_of(policies) if "Create" in action}
    assert made == {"route53:CreateHealthCheck"}  # of instances that are registered
    [update] = with_action(policies, "ecs:UpdateService")
    assert update["Resource"] == ["arn:aws:ecs:*:*:service/shop/web", "arn:aws:ecs:*:*:task/shop/*"]


def test_the_policy_of_a_quick_run_changes_only_cloud_map(capsys: pytest.CaptureFixture[str]) -> None:
    """It is one policy, and what is not limited to what runs made are reads and tags of Cloud Map."""
    [policy] = printed(capsys, "conform", "--quick", "--account", "111122223333", "--region", "eu-west-1")
    actions = actions_of([policy])
    changed = {action for action in actions if not re.search(":(?:Describe|Discover|Get|List)", action)}
    assert {action.partition(":")[0] for action in changed} == {"servicediscovery"}
    wide = {
        action
        for statement in policy["Statement"]
        if statement["Resource"] == "*" and "Condition" not in statement
        for action in statement["Action"]
    }
    assert wide & changed == {"servicediscovery:TagResource", "servicediscovery:UntagResource"}


def test_the_policies_in_the_documents_are_those_printed(tmp_path: Path) -> None:
    """docs/policies has what `surveyor policy COMMAND --out` writes."""
    for words in (*([command] for command in COMMANDS), ["conform", "--quick"]):
        with pytest.raises(SystemExit):
            main(["policy", *words, "--out", str(tmp_path)])
    kept = find_layout().root / "docs" / "policies"
    written = {path.name: path.read_text("utf-8") for path in tmp_path.iterdir()}
    assert written == {path.name: path.read_text("utf-8") for path in kept.iterdir()}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["conforn"], "there is no policy for 'conforn'; did you mean 'conform'"),
        (["emulator"], "there is one for conform, recordings, model, chaos, load, audit, watch, gate, advise, sweep"),
        (["conform", "--account", "1"], "--account: expected 12 digits, got '1'"),
        (["conform", "--region", "everywhere"], "--region: expected a Region such as eu-west-1"),
        (["conform", "--role", "surveyor"], "--role: expected the ARN of a role"),
        (["gate", "--service", "shop/*"], "--service: expected CLUSTER/SERVICE"),
        (["conform", "--enable", "nothing"], "--enable nothing: aws has "),
        (["audit", "--service", "a/b"], "--service does not go with audit"),
        (["sweep", "--enable", "quotas"], "--enable does not go with sweep"),
        (["load", "--role", "arn:aws:iam::111122223333:role/x"], "--role does not go with load"),
        (["load", "--quick"], "--quick does not go with load"),
        (["conform", "--quick", "--enable", "resolver"], "--quick does not go with --enable"),
        (["conform", "--quick", "--role", "arn:aws:iam::111122223333:role/x"], "--quick does not go with --role"),
        (["conform", "--quick", "--check"], "--quick does not go with --check"),
        (["audit", "--out", "/dev/null"], "cannot be written"),
        (["model", "--role", "arn:aws:iam::111122223333:role/x"], "--role does not go with model"),
        (["conform", "--service-role", "surveyor"], "--service-role: expected the ARN of a role"),
        (["load", "--service-role", "arn:aws:iam::111122223333:role/x"], "--service-role does not go with load"),
        (["chaos", "--consumer-profile", "other"], "--consumer-profile does not go with chaos"),
        (["conform", "--consumer-profile", "other"], "--consumer-profile needs --account ID"),
    ],
)
def test_bad_options_are_one_line(capsys: pytest.CaptureFixture[str], arguments: list[str], words: str) -> None:
    """Exit 2 with what was expected."""
    assert main(["policy", *arguments]) == 2
    errors = capsys.readouterr().err
    assert words in errors
    assert "Traceback" not in errors


def test_features_are_those_of_the_target_file() -> None:
    """What a feature adds belongs to a feature that the target `aws` has or can have."""
    target = load_target("aws", find_layout().targets, TargetOptions(account="111122223333"))
    assert {"iam", *target.on_request} >= {"iam", "ecs-processes", "private-ca"}


def test_the_task_of_a_command_has_three_policies(capsys: pytest.CaptureFixture[str]) -> None:
    """Who starts it may pass one role to tasks and nothing else; ECS may have the role; the role is the commands'."""
    role = "arn:aws:iam::111122223333:role/surveyor-inside"
    place = ["--account", "111122223333", "--region", "eu-west-1"]
    *start, trust, task = printed(capsys, "in-vpc", *place, "--task-role", role)
    [passing] = with_action(start, "iam:PassRole")
    assert (passing["Action"], passing["Resource"]) == (["iam:PassRole"], role)
    assert passing["Condition"] == {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}
    [statement] = trust["Statement"]
    assert (statement["Principal"], statement["Action"]) == ({"Service": "ecs-tasks.amazonaws.com"}, ["sts:AssumeRole"])
    assert statement["Condition"]["ArnLike"] == {"aws:SourceArn": "arn:aws:ecs:eu-west-1:111122223333:*"}
    assert not {action for action in actions_of([task]) if action.startswith(("s3:", "iam:Pass"))}
    assert {"elasticloadbalancing:CreateListener", "ecs:StopTask"} <= actions_of([task])
    words = ["--runs", "chaos", "--runs", "load", "--service", "shop/web"]
    *start, _, of_runs, of_service = printed(capsys, "in-vpc", *place, *words)
    assert [entry["Resource"] for entry in with_action(start, "ecs:RunTask")] == [
        "arn:aws:ecs:eu-west-1:111122223333:*/surveyor-*"
    ]
    update = [with_action([policy], "ecs:UpdateService")[0]["Resource"] for policy in (of_runs, of_service)]
    prefix = "arn:aws:ecs:eu-west-1:111122223333"
    assert update == [f"{prefix}:*/surveyor-*", [f"{prefix}:service/shop/web", f"{prefix}:task/shop/*"]]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["chaos", "--task-role", "arn:aws:iam::111122223333:role/x"], "--task-role does not go with chaos"),
        (["chaos", "--runs", "load"], "--runs does not go with chaos"),
        (["in-vpc", "--task-role", "x"], "--task-role: expected the ARN of a role"),
        (
            ["in-vpc", "--runs", "laod"],
            "--runs laod: in-vpc runs advise, chaos, conform, gate, load, watch; did you mean",
        ),
        (["in-vpc", "--check"], "--check does not go with in-vpc"),
    ],
)
def test_bad_options_of_a_task_are_one_line(
    capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    """Exit 2 with what was expected."""
    assert main(["policy", *arguments]) == 2
    assert words in capsys.readouterr().err
