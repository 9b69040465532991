"""The CloudWatch alarms of a deployment: it fails when one of them is in ALARM, and is rolled back if it says so.

ECS Developer Guide, How CloudWatch alarms detect Amazon ECS deployment failures: alarms that are in ALARM when the
deployment begins are not watched during it. CloudWatch is moto's in the same process. How often ECS looks is not
documented, nor how long it watches after the last old task has stopped; here it watches until then.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from surveyor_emulator.aws.ecs.deployments import rollout, stages
from surveyor_emulator.aws.ecs.state import Deployment, Service
from surveyor_emulator.core.world import Call
from surveyor_emulator.protocols import Document

__all__ = ["format_alarms", "watch"]

PERIOD = 15.0
"""Service seconds between two looks at the alarms."""

RunAgain = Callable[[Call, Service], object]


def watch(call: Call, service: Service, deployment: Deployment, run_again: RunAgain) -> None:
    """Watch the alarms of the service while the deployment is in progress."""
    names = tuple(service.alarms.get("alarmNames") or ())
    if not service.alarms.get("enable") or not names or _in_alarm(call, names):
        return
    deployment.alarm_names = names
    call.world.clock.call_later(PERIOD, _look, call, service, deployment, run_again)


def format_alarms(deployment: Deployment) -> Document:
    """Return ecs ServiceDeploymentAlarms."""
    if not deployment.alarm_names:
        return {"status": "DISABLED"}
    names: dict[str, object] = {"alarmNames": list(deployment.alarm_names)}
    if deployment.triggered_alarms:
        return {"status": "TRIGGERED", **names, "triggeredAlarmNames": list(deployment.triggered_alarms)}
    status = "MONITORING" if deployment.rollout_state == "IN_PROGRESS" else "MONITORING_COMPLETE"
    return {"status": status, **names}


def _look(call: Call, service: Service, deployment: Deployment, run_again: RunAgain) -> None:
    if deployment.rollout_state != "IN_PROGRESS" or deployment.status != "PRIMARY":
        return
    deployment.triggered_alarms = _in_alarm(call, deployment.alarm_names)
    if not deployment.triggered_alarms:
        call.world.clock.call_later(PERIOD, _look, call, service, deployment, run_again)
    elif deployment.stage is not None and service.alarms.get("rollback"):
        stages.roll_back(call, service, deployment, run_again, rollout.ALARM_DETECTED)
    else:
        rollout.fail_by_alarm(call, service, deployment, rolls_back=bool(service.alarms.get("rollback")))
        run_again(call, service)


def _in_alarm(call: Call, names: Sequence[str]) -> tuple[str, ...]:
    from moto.cloudwatch.models import cloudwatch_backends  # loaded only for services with alarms

    alarms = cloudwatch_backends[call.account][call.region].alarms
    return tuple(name for name in names if name in alarms and alarms[name].state_value == "ALARM")
