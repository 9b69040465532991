"""Alarms that stop an experiment, and names and tags that say production."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from surveyor.chaos.production_signs import production_signs
from surveyor.chaos.safety_limits import ExperimentStopped, check_opt_in
from surveyor.chaos.stop_alarms import LOOK_EVERY, UNSEEN_FOR, StopAlarms
from surveyor.errors import TargetUnavailable, UsageError
from tests.chaos.test_parts import SERVICE, Ecs


class CloudWatch:
    """A CloudWatch with alarms by name, metric ones and, with `composite` in their name, composite ones."""

    def __init__(self, **states: str) -> None:
        self.states = states
        self.refused = ""
        self.looks = 0

    def describe_alarms(self, *, AlarmNames: list[str], AlarmTypes: list[str], **_: Any) -> dict[str, Any]:  # noqa: N803  # of the API
        """Describe alarms; without AlarmTypes composite ones would be left out."""
        self.looks += 1
        if self.refused:
            raise ClientError({"Error": {"Code": self.refused, "Message": ""}}, "DescribeAlarms")
        assert set(AlarmTypes) == {"MetricAlarm", "CompositeAlarm"}
        found = [{"AlarmName": name, "StateValue": self.states[name]} for name in AlarmNames if name in self.states]
        kinds = [[one for one in found if ("composite" in one["AlarmName"]) is kind] for kind in (False, True)]
        return {"MetricAlarms": kinds[0], "CompositeAlarms": kinds[1]}


def test_an_alarm_that_rings_stops_an_experiment() -> None:
    """Alarms are looked at every few seconds, by name or ARN; INSUFFICIENT_DATA is not ALARM."""
    cloudwatch = CloudWatch(errors="OK", composite="INSUFFICIENT_DATA")
    names = ("arn:aws:cloudwatch:us-east-1:111122223333:alarm:errors", "composite")
    alarms = StopAlarms(names, lambda service: cloudwatch)
    alarms.check_start()
    for now in (0.0, 1.0, LOOK_EVERY - 0.1, LOOK_EVERY):
        alarms.check(now)
    assert cloudwatch.looks == 3
    cloudwatch.states["composite"] = "ALARM"
    with pytest.raises(ExperimentStopped, match="stopped by the alarm 'composite': it is in ALARM"):
        alarms.check(2 * LOOK_EVERY)
    del cloudwatch.states["composite"]
    with pytest.raises(ExperimentStopped, match="'composite' was deleted"):
        alarms.check(3 * LOOK_EVERY)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("eror", "has no alarm 'eror'"),
        ("", "expected the name"),
        ("bad\x1b[2J", "has no alarm 'bad"),
        ("loud", "ALARM already"),
    ],
)
def test_a_wrong_alarm_is_refused_at_the_start(name: str, message: str) -> None:
    """An alarm that does not exist, and one that is in ALARM already, are refused in one line."""
    with pytest.raises(UsageError, match=message) as refused:
        StopAlarms([name], lambda service: CloudWatch(loud="ALARM")).check_start()
    assert str(refused.value).isprintable()


def test_alarms_that_cannot_be_read_stop_an_experiment_after_a_while() -> None:
    """Without the permission nothing starts; looks that fail for a minute stop an experiment, one alone does not."""
    cloudwatch = CloudWatch(errors="OK")
    alarms = StopAlarms(["errors"], lambda service: cloudwatch)
    alarms.check(0.0)
    cloudwatch.refused = "ThrottlingException"
    for now in range(5, int(UNSEEN_FOR), 5):
        alarms.check(float(now))
    with pytest.raises(ExperimentStopped, match=r"could not be read for 60 s.*ThrottlingException"):
        alarms.check(UNSEEN_FOR)
    cloudwatch.refused = "AccessDenied"
    with pytest.raises(TargetUnavailable, match="refused with AccessDenied: allow cloudwatch:DescribeAlarms"):
        alarms.check_start()


def test_without_alarms_nothing_is_asked() -> None:
    """CloudWatch is not called for an experiment without alarms."""
    cloudwatch = CloudWatch()
    alarms = StopAlarms((), lambda service: cloudwatch)
    alarms.check_start()
    alarms.check(0.0)
    assert cloudwatch.looks == 0


@pytest.mark.parametrize(
    ("name", "tags"),
    [
        ("prod", {}), ("shop-prod", {}), ("prod_eu", {}), ("ShopProd", {}), ("PRODCluster", {}), ("prod1", {}),
        ("live", {}), ("shop", {"environment": "production"}), ("shop", {"Production": "yes"}),
        ("shop", {"env": "PROD"}),
        ("shop", {"prod": ""}), ("prod-non", {}),
    ],
)  # fmt: skip
def test_production_is_recognised(name: str, tags: dict[str, str]) -> None:
    """The words prod, production and live in a name, a tag's value or its key say production."""
    assert list(production_signs("cluster", name, tags))


@pytest.mark.parametrize(
    ("name", "tags"),
    [
        ("product-api", {}), ("delivery", {}), ("alive", {}), ("nonprod", {}), ("non-prod", {}), ("pre_production", {}),
        ("preprod", {}), ("reproduction", {}), ("shop", {"environment": "non-production"}), ("shop", {"live": "false"}),
        ("shop", {"surveyor:chaos": "prod"}), ("", {}),
    ],
)  # fmt: skip
def test_other_words_do_not_say_production(name: str, tags: dict[str, str]) -> None:
    """Words that only contain those, and denials, do not say production."""
    assert list(production_signs("cluster", name, tags)) == []


def test_production_needs_a_word_of_the_user() -> None:
    """A service that has opted in and says production is refused without --yes-production."""
    ecs = Ecs({"surveyor:chaos": "allowed", "env": "prod"})
    with pytest.raises(UsageError, match=r"the tag env=prod of the cluster shop and .* add --yes-production"):
        check_opt_in(ecs, SERVICE)
    check_opt_in(ecs, SERVICE, yes_production=True)
