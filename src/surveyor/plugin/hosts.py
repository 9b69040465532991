"""Container instances: EC2 instances that join a cluster."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Protocol

import pytest
from botocore.exceptions import ClientError

from surveyor import bounds
from surveyor.answers import member
from surveyor.clock import Clock
from surveyor.targets.running import RunningTarget

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ecs import ECSClient

__all__ = ["JoinCluster"]

_IMAGE = "resolve:ssm:/aws/service/ecs/optimized-ami/amazon-linux-2023/recommended/image_id"


class JoinCluster(Protocol):
    """What the fixture of this name gives."""

    def __call__(self, count: int = 1, **params: Any) -> list[dict[str, Any]]:
        """`join_cluster(count, **params)`: starts EC2 instances whose user data names the cluster. Once they joined,
        their ContainerInstance descriptions. `params` as in RunInstances.
        """


@pytest.fixture
def join_cluster(
    running: RunningTarget, ec2: EC2Client, ecs: ECSClient, clock: Clock, cluster: str, network: Any
) -> Iterator[JoinCluster]:
    """Makes container instances, and terminates them in the end where the account is the test's own."""
    started: list[str] = []

    def make(count: int = 1, **params: Any) -> list[dict[str, Any]]:
        text = f"#!/bin/bash\necho ECS_CLUSTER={cluster} >> /etc/ecs/ecs.config\n"
        given: dict[str, Any] = {
            "ImageId": _IMAGE,
            "InstanceType": "t3.small",
            "MinCount": count,
            "MaxCount": count,
            "SubnetId": network["awsvpcConfiguration"]["subnets"][0],
            "UserData": text,
        }
        answer = ec2.run_instances(**{**given, **params})
        mine = [one["InstanceId"] for one in member(answer, "Instances", of="RunInstances")]
        started.extend(mine)

        def joined() -> list[dict[str, Any]]:
            arns = ecs.list_container_instances(cluster=cluster)["containerInstanceArns"]
            if not arns:
                return []
            told = ecs.describe_container_instances(cluster=cluster, containerInstances=arns)["containerInstances"]
            found = [dict(one) for one in told if one["ec2InstanceId"] in mine]
            return found if len(found) == count else []

        return clock.eventually(joined, within=bounds.TASK)

    yield make
    if started and not running.target.is_one_account:
        try:
            ec2.terminate_instances(InstanceIds=started)
        except ClientError:  # what a test has terminated itself is gone
            return
