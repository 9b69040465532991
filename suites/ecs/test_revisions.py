"""Service deployments and service revisions: what a change replaced, what it led to, and how it was rolled back."""

from __future__ import annotations

import pytest

from surveyor.testing import proves, raises, timeouts


@pytest.fixture
def newest_deployment(ecs, cluster):
    """Return `newest_deployment(service)`: DescribeServiceDeployments of the service's newest deployment."""

    def newest(service):
        listed = ecs.list_service_deployments(cluster=cluster, service=service["serviceName"])["serviceDeployments"]
        arn = max(listed, key=lambda brief: brief["createdAt"])["serviceDeploymentArn"]
        return ecs.describe_service_deployments(serviceDeploymentArns=[arn])["serviceDeployments"][0]

    return newest


def has_ended(deployment):
    """Return whether a service deployment is described as it is at its end."""
    return "finishedAt" in deployment


@proves("ecs.deployment.revisions")
def test_a_deployment_names_its_revisions(
    ecs, make_task_definition, make_ecs_service, wait_until_steady, newest_deployment, read_until, cluster, network
):
    """A deployment has a target revision, its source is that of the one before, and both are described."""
    # ecs/ServiceDeployment.sourceServiceRevisions: "The currently deployed workload configuration."
    first, second = make_task_definition(), make_task_definition()
    service = wait_until_steady(make_ecs_service(first, deploymentConfiguration={"minimumHealthyPercent": 50}))
    before = read_until(lambda: newest_deployment(service), has_ended)
    assert (before["sourceServiceRevisions"], "rollback" in before) == ([], False)
    assert before["deploymentConfiguration"]["minimumHealthyPercent"] == 50
    counts = ("requestedTaskCount", "runningTaskCount", "pendingTaskCount")
    assert [before["targetServiceRevision"][count] for count in counts] == [1, 1, 0]
    update = {"cluster": cluster, "service": service["serviceName"]}
    ecs.update_service(**update, taskDefinition=second["taskDefinitionArn"])
    wait_until_steady(service)
    after = read_until(
        lambda: newest_deployment(service),
        lambda found: has_ended(found) and found["serviceDeploymentArn"] != before["serviceDeploymentArn"],
    )
    [source] = after["sourceServiceRevisions"]
    assert source["arn"] == before["targetServiceRevision"]["arn"]
    arns = [source["arn"], after["targetServiceRevision"]["arn"]]
    answer = read_until(
        lambda: ecs.describe_service_revisions(serviceRevisionArns=[*arns, f"{arns[0]}0"]),
        lambda answer: len(answer["serviceRevisions"]) == 2,
    )
    found = {revision["serviceRevisionArn"]: revision for revision in answer["serviceRevisions"]}
    assert [failure["arn"] for failure in answer["failures"]] == [f"{arns[0]}0"]
    for arn, definition in zip(arns, (first, second), strict=True):
        assert found[arn]["taskDefinition"] == definition["taskDefinitionArn"]
        assert (found[arn]["serviceArn"], found[arn]["launchType"]) == (service["serviceArn"], "FARGATE")
        [image] = found[arn]["containerImages"]
        expected = definition["containerDefinitions"][0]
        assert (image["containerName"], image["image"]) == (expected["name"], expected["image"])
        actual = found[arn]["networkConfiguration"]["awsvpcConfiguration"]
        assert set(actual["subnets"]) == set(network["awsvpcConfiguration"]["subnets"])
    assert found[arns[0]]["createdAt"] < found[arns[1]]["createdAt"]


@proves("ecs.deployment.rollback-is-described")
def test_a_rollback_is_described(
    ecs, make_task_definition, make_ecs_service, wait_until_steady, newest_deployment, read_until, eventually, cluster
):
    """A deployment that the circuit breaker rolled back says when, why, and to which revision."""
    # ecs/Rollback.reason: "The reason the rollback happened. For example, the circuit breaker initiated the rollback
    # operation."
    first = make_task_definition()
    broken = make_task_definition(container={"command": ["no-such-program"]})["taskDefinitionArn"]
    breaker = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}
    service = wait_until_steady(make_ecs_service(first, deploymentConfiguration=breaker))
    completed = read_until(lambda: newest_deployment(service), has_ended)
    assert completed["deploymentCircuitBreaker"]["status"] == "MONITORING_COMPLETE"
    ecs.update_service(cluster=cluster, service=service["serviceName"], taskDefinition=broken)

    def rolled_back():
        found = newest_deployment(service)
        return found if found["status"] == "ROLLBACK_SUCCESSFUL" else None

    end = eventually(rolled_back, within=2 * timeouts.DEPLOYMENT)
    rollback, target = end["rollback"], end["targetServiceRevision"]["arn"]
    assert rollback["reason"]
    assert end["statusReason"]
    assert end["createdAt"] <= rollback["startedAt"] <= end["finishedAt"]
    assert end["deploymentCircuitBreaker"]["status"] == "TRIGGERED"
    arns = [rollback["serviceRevisionArn"], target]
    revisions = ecs.describe_service_revisions(serviceRevisionArns=arns)["serviceRevisions"]
    found = {revision["serviceRevisionArn"]: revision["taskDefinition"] for revision in revisions}
    assert [found[arn] for arn in arns] == [first["taskDefinitionArn"], broken]


@proves("ecs.deployment.twenty-to-a-page")
def test_deployments_are_listed_twenty_to_a_page(
    ecs, make_task_definition, make_ecs_service, read_until, clock, cluster
):
    """ListServiceDeployments returns up to 20 without maxResults, up to 100 with it, and the rest on further pages."""
    # ecs/ListServiceDeploymentsRequest.maxResults: "If this parameter isn't used, then ListServiceDeployments returns
    # up to 20 results and a nextToken value if applicable."
    service = make_ecs_service(make_task_definition(), count=0)
    listing = {"cluster": cluster, "service": service["serviceName"]}
    for _ in range(21):
        clock.wait(1)
        ecs.update_service(**listing, forceNewDeployment=True)
    whole = read_until(
        lambda: ecs.list_service_deployments(**listing, maxResults=100)["serviceDeployments"],
        lambda found: len(found) >= 22,
    )
    expected = sorted(brief["serviceDeploymentArn"] for brief in whole)

    def listed():
        pages: list[list[str]] = []
        token: dict[str, str] = {}
        while not pages or token:
            answer = ecs.list_service_deployments(**listing, **token)
            pages.append([brief["serviceDeploymentArn"] for brief in answer["serviceDeployments"]])
            token = {"nextToken": answer["nextToken"]} if answer.get("nextToken") else {}
        return pages

    pages = read_until(listed, lambda pages: sorted(arn for page in pages for arn in page) == expected)
    assert max(len(page) for page in pages) <= 20
    assert len(pages) >= 2
    assert sorted(arn for page in pages for arn in page) == expected
    with raises("InvalidParameterException"):
        ecs.list_service_deployments(**listing, maxResults=101)
