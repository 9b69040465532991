"""With its policy each command works on an account in use; without an action it names it and blames nothing else.

Short here; with FULL=1 each action of each command is taken away in turn, which takes hours.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from surveyor.account.needed_calls import needed_operations, searching_operations
from surveyor.account.permissions import quick_actions, required_actions
from surveyor.account.scopes import Place
from surveyor.clock import WallClock
from surveyor.conformance.least_privilege import (
    ACCOUNT,
    CHECKED,
    PolicyAccount,
    check_actions,
    check_policy,
    policy_account,
)
from surveyor.gate.cloudwatch import PERIOD
from surveyor.gate.deployments import GatedDeployment, find_deployment
from surveyor.targets.control import Control
from surveyor_policies.dependent import DEPENDENT
from tests.account.permission_trials import Trials, actions_of
from tests.account.shop import GOOD, Shop
from tests.gate.test_tool_figures import locust

FULL = bool(os.environ.get("FULL"))
RULES = 'inconclusive = "fail"\n[[threshold]]\nscenario = "made"\nfigure = "error-rate"\nat-most = 1\n'
HERE = Place(ACCOUNT, "us-east-1")

pytestmark = pytest.mark.soak


@pytest.fixture(scope="module")
def account() -> Iterator[PolicyAccount]:
    """Run an account in use."""
    with policy_account() as found:
        yield found


@pytest.fixture(scope="module")
def shop(account: PolicyAccount) -> Iterator[Shop]:
    """Yield the account with a cluster and a service that is in a registry."""
    control = Control(account.endpoint, account.token)
    made = Shop(account, WallClock(control.scale() or 1.0, control.now))
    made.client("ecs").create_cluster(clusterName="store")
    made.serve("web", serviceRegistries=[{"registryArn": made.registry()}])
    yield made
    control.close()


@pytest.fixture(scope="module")
def trials(account: PolicyAccount, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trials]:
    """Yield the trials of commands in the account."""
    control = Control(account.endpoint, account.token)
    clock = WallClock(control.scale() or 1.0, control.now)
    made = Trials(account, clock, tmp_path_factory.mktemp("trials"))
    yield made
    control.close()


def some(actions: list[str], *chosen: str) -> list[str]:
    """Return all actions with FULL=1, else the chosen ones."""
    assert set(chosen) <= set(actions)
    return actions if FULL else list(chosen)


def closed_gate(folder: Path, service: str) -> list[str]:
    """Return the arguments of a gate on a service that a load test closes."""
    (folder / "gate.toml").write_text(RULES, "utf-8")
    return [str(folder / "gate.toml"), str(locust(folder / "run", 1_000, 300)), "--ecs", service]


def test_a_gate_rolls_a_bad_deployment_back_with_its_four_actions(shop: Shop, tmp_path: Path) -> None:
    """A rolling deployment; without an action that this needs nothing is done, and it is named."""
    words = closed_gate(tmp_path, "store/web")
    actions = actions_of("gate")
    place = Place(ACCOUNT, "us-east-1", service="store/web")
    shop.deploy("web")
    for missing in ("ecs:ListServiceDeployments", "ecs:DescribeServiceDeployments", "ecs:StopServiceDeployment"):
        trial = shop.account.run([action for action in actions if action != missing], "gate", words, place)
        assert trial.code == 3, trial.text
        assert trial.problem(missing) == ""
        assert shop.deployments("web", "IN_PROGRESS")
    [bad] = shop.deployments("web", "IN_PROGRESS")
    trial = shop.account.run(actions, "gate", words, place)
    assert trial.code == 1, trial.text
    assert "stopped, and ECS rolls it back" in trial.text

    shop.clock.eventually(lambda: shop.status(bad["serviceDeploymentArn"]) == "ROLLBACK_SUCCESSFUL", within=600)


def test_a_gate_answers_a_hook_with_its_four_actions(shop: Shop, tmp_path: Path) -> None:
    """A deployment that waits at a hook is rolled back; without the action for answers it waits on."""
    hook = {"targetType": "PAUSE", "lifecycleStages": ["POST_SCALE_UP"]}
    blue_green = {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 0, "lifecycleHooks": [hook]}
    ecs = shop.client("ecs")
    shop.serve("paused")
    green = shop.define(f"{GOOD}  # green")
    ecs.update_service(cluster="store", service="paused", taskDefinition=green, deploymentConfiguration=blue_green)

    def waiting() -> GatedDeployment | None:
        found = find_deployment(ecs, "store", "paused", shop.clock.now())
        return found if found and found.hook else None

    bad = shop.clock.eventually(waiting, within=600)
    words, actions = closed_gate(tmp_path, "store/paused"), actions_of("gate")
    place = Place(ACCOUNT, "us-east-1", service="store/paused")
    missing = "ecs:ContinueServiceDeployment"
    trial = shop.account.run([action for action in actions if action != missing], "gate", words, place)
    assert trial.code == 3, trial.text
    assert trial.problem(missing) == ""
    assert waiting()
    trial = shop.account.run(actions, "gate", words, place)
    assert trial.code == 1, trial.text
    shop.clock.eventually(lambda: shop.status(bad.arn) == "ROLLBACK_SUCCESSFUL", within=600)


def test_a_gate_reads_alarms_and_metrics_with_its_policy(shop: Shop, tmp_path: Path) -> None:
    """That of `gate --watch`; without one of its three actions nothing is decided, and it is named."""
    shop.client("cloudwatch").put_metric_alarm(
        AlarmName="store-errors", MetricName="Errors", Namespace="Store", Statistic="Sum", Period=60,
        EvaluationPeriods=1, Threshold=1, ComparisonOperator="GreaterThanThreshold",
    )  # fmt: skip
    shop.client("cloudwatch").set_alarm_state(AlarmName="store-errors", StateValue="OK", StateReason="quiet")
    shop.serve("alarmed")
    shop.deploy("alarmed")
    shop.clock.wait(2 * PERIOD)  # metrics are read of whole minutes
    words = closed_gate(tmp_path, "store/alarmed")
    watched = '[[threshold]]\nalarm = "store-errors"\n[[threshold]]\nmetric = "Store Errors"\nat-most = 1\n'
    (tmp_path / "gate.toml").write_text(RULES + watched, "utf-8")
    actions = required_actions(needed_operations("gate", ("watch",), service=True), DEPENDENT)
    place = Place(ACCOUNT, "us-east-1", service="store/alarmed")
    for missing in ("cloudwatch:DescribeAlarms", "cloudwatch:DescribeAlarmHistory", "cloudwatch:GetMetricData"):
        trial = shop.account.run(sorted(actions - {missing}), "gate", words, place)
        assert trial.problem(missing) == "", trial.text
        assert trial.code == 3, trial.text
        assert shop.deployments("alarmed", "IN_PROGRESS")
    trial = shop.account.run(sorted(actions), "gate", words, place)
    assert (trial.code, trial.problem()) == (1, ""), trial.text


def test_an_audit_reads_with_its_policy(shop: Shop) -> None:
    """All of it, and without an action exit code 3 with the action, instead of findings."""
    actions = actions_of("audit")
    asked = [action for action in actions if action != "iam:GetRole"]  # that is asked of AWS itself only
    chosen = some(asked, "ecs:DescribeClusters", "servicediscovery:ListInstances", "route53:ListResourceRecordSets")
    said: list[str] = []
    words = ["--cluster", "store"]
    assert check_actions(shop.account, "audit", actions, lambda _: words, HERE, said.append, chosen) == [], said


def test_claims_are_judged_with_the_policy(account: PolicyAccount) -> None:
    """And without an action that a test asks for in its midst, it is named and no claim fails."""
    words = ["--claim", "services.create-is-synchronous", "--workers", "1"]
    said: list[str] = []
    chosen, actions = ["servicediscovery:GetService"], actions_of("conform")
    assert check_actions(account, "conform", actions, lambda _: words, HERE, said.append, chosen) == [], said


def test_a_sweep_searches_with_its_policy(account: PolicyAccount) -> None:
    """All of it, and without a read exit code 3 with the action."""
    actions = actions_of("sweep")
    reads = [action for action in actions if action.partition(":")[2].startswith(("List", "Describe"))]
    unused = {  # asked for what a ledger or a search has found only
        "acm-pca:DescribeCertificateAuthority", "acm-pca:ListTags", "ecs:DescribeServices",
        "ecs:DescribeTasks", "ecs:ListTaskDefinitions", "events:ListTargetsByRule",
        "route53:ListResourceRecordSets", "servicediscovery:ListInstances", "servicediscovery:ListServices",
        "servicediscovery:ListTagsForResource", "s3:ListBucket",
        "servicediscovery:ListOperations", "route53resolver:ListFirewallRuleGroupAssociations",
        "route53resolver:ListFirewallRules", "route53resolver:ListResolverRuleAssociations",
        "route53resolver:GetFirewallRuleGroupAssociation", "route53resolver:GetResolverEndpoint",
        "route53resolver:GetResolverRuleAssociation",
    }  # fmt: skip
    searched = [action for action in reads if action not in unused]
    chosen = some(
        searched, "ec2:DescribeInternetGateways", "route53resolver:ListResolverEndpoints", "logs:DescribeLogGroups"
    )
    said: list[str] = []
    words = ["--dry-run"]
    assert check_actions(account, "sweep", actions, lambda _: words, HERE, said.append, chosen) == [], said


def test_a_sweep_searches_with_the_policy_of_conform(account: PolicyAccount) -> None:
    """The page about a first run uses one role for both: also what only runs with more options make is searched."""
    own = required_actions(searching_operations("conform"), DEPENDENT)
    trial = account.run(sorted({*actions_of("conform"), *own}), "sweep", ["--dry-run"], HERE)
    assert (trial.code, trial.problem()) == (0, ""), trial.text
    assert "nothing is left behind" in trial.text


def test_a_quick_run_and_a_sweep_need_only_the_policy_of_quick_runs(account: PolicyAccount) -> None:
    """It is the first role of the page on a first run: claims are judged, what was made is deleted, all is searched."""
    own = required_actions(searching_operations("conform"), DEPENDENT)
    actions = sorted(quick_actions({*actions_of("conform"), *own}))
    words = ["--quick", "--workers", "1", "--claim", "services.delete.needs-no-instances"]
    trial = account.run(actions, "conform", words, HERE)
    assert (trial.code, trial.problem()) == (0, ""), trial.text
    trial = account.run(actions, "sweep", ["--dry-run"], HERE)
    assert (trial.code, trial.problem()) == (0, ""), trial.text


@pytest.mark.skipif(not FULL, reason="hours: FULL=1")
@pytest.mark.parametrize("command", CHECKED)
def test_policies_are_complete_and_minimal(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each command with all its actions, and without each."""
    features = ("cloudmap", "dns", "public-dns", "route53", "ec2", "custom-health", "ecs", "events", "ipv6",
                "service-connect", "signatures")  # fmt: skip
    said: list[str] = []
    report: Callable[[str], object] = said.append
    assert check_policy(command, actions_of(command), features, report) == [], said


CLEAN_UPS = (
    ("sweep", "acm-pca:ListTags"), ("sweep", "ec2:DetachInternetGateway"), ("sweep", "iam:RemoveUserFromGroup"),
    ("sweep", "route53resolver:GetFirewallRuleGroupAssociation"), ("chaos", "servicediscovery:ListTagsForResource"),
    ("load", "elasticloadbalancing:DescribeTargetGroups"), ("recordings", "sqs:GetQueueUrl"),
)  # fmt: skip


@pytest.mark.parametrize(("command", "action"), CLEAN_UPS)
def test_a_clean_up_names_the_action_that_it_lacks(trials: Trials, command: str, action: str) -> None:
    """And with all actions it deletes what is left. tests.account.permission_trials tries all of them."""
    outcome = trials.clean_up(command, action)
    assert outcome.problem == "", outcome


def test_a_watch_reads_with_its_policy(shop: Shop) -> None:
    """All of it, and without an action exit code 3 with the action, instead of figures; UpdateService for --deploy."""
    actions = actions_of("watch")
    by_revision = "servicediscovery:DiscoverInstancesRevision"
    chosen = some(actions, "ecs:ListServiceDeployments", "servicediscovery:ListInstances", by_revision)
    unused = "elasticloadbalancing:"
    place, said = Place(ACCOUNT, "us-east-1", service="store/web"), list[str]()
    path = ["--path", "/health"]

    def words_for(missing: str) -> list[str] | None:
        client = ["--client", "api-revision"] if missing == by_revision else []
        return None if missing.startswith(unused) else ["--service", "store/web", "--for", "3s", *path, *client]

    wanted = [action for action in chosen if words_for(action)]
    assert check_actions(shop.account, "watch", actions, words_for, place, said.append, wanted) == [], said
    forced = shop.account.run(actions, "watch", ["--service", "store/web", "--deploy", "--before", "2s", *path], place)
    assert forced.code == 3, forced.text
    assert "ecs:UpdateService is not permitted" in forced.text
