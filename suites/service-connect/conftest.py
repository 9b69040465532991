"""Fixtures of the suites of Service Connect."""

import pytest


@pytest.fixture
def update_definition(ecs, make_task_definition, cluster):
    """Return `update_definition(connect_service, **params)`: UpdateService to a new task definition."""

    def update(connect_service, **params):
        definition = make_task_definition(**params)["taskDefinitionArn"]
        return ecs.update_service(
            cluster=cluster, service=connect_service.service["serviceName"], taskDefinition=definition
        )

    return update
