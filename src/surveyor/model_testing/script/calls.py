"""Steps of a history as Python expressions and statements."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from surveyor.model_testing.driver import DOMAIN, create_params
from surveyor.model_testing.registry import MANY_INSTANCES, namespace_of
from surveyor.model_testing.steps import (
    Advance,
    CreateNamespace,
    CreateService,
    DeleteNamespace,
    DeleteService,
    DeregisterInstance,
    DiscoverInstances,
    GetHealth,
    GetInstance,
    History,
    Kind,
    ListInstances,
    Pairs,
    QueryRecords,
    Records,
    RegisterInstance,
    RegisterMany,
    ReportHealth,
    Step,
)

__all__ = ["Names", "expression", "literal", "names_in", "statements"]

_CREATE: Mapping[Kind, str] = {
    "http": "create_http_namespace(Name={name})",
    "private": "create_private_dns_namespace(Name={name}, Vpc=vpc)",
    "public": "create_public_dns_namespace(Name={name})",
}


@dataclass(frozen=True)
class Names:
    """What a step needs to know of earlier steps: the kinds of namespaces and the records of services."""

    kinds: Mapping[str, Kind]
    records: Mapping[str, Records]


def names_in(history: History) -> Names:
    """Return the names that a history creates."""
    created = [step for step in reversed(history) if isinstance(step, CreateService)]  # the first of a name counts
    return Names(
        {step.namespace: step.kind for step in history if isinstance(step, CreateNamespace)},
        {step.service: step.records for step in created},
    )


def statements(step: Step, names: Names, *, refused: bool) -> Iterator[str]:
    """Yield the step as lines. `refused`: the call was refused as documented."""
    yield from preparation(step, names)
    call = expression(step, names)
    if refused:
        yield "with suppress(ClientError):"
        yield f"    {call}"
    elif isinstance(step, CreateNamespace):
        yield f'{step.namespace} = {call}["Targets"]["NAMESPACE"]'
    elif isinstance(step, CreateService):
        yield f'{_variable(step.service)} = {call}["Service"]["Id"]'
    else:
        yield call


def preparation(step: Step, names: Names) -> Iterator[str]:
    """Yield the lines before the call of a step."""
    if isinstance(step, CreateNamespace):
        suffix = "" if step.kind == "http" else f".{DOMAIN}"
        yield f'{step.namespace}_name = f"{step.namespace}-{{RUN}}{suffix}"'
        if step.kind == "private" and step.namespace == next(
            name for name, kind in names.kinds.items() if kind == "private"
        ):
            yield "vpc = new_vpc()"


def expression(step: Step, names: Names) -> str:
    """Return the call of a step, with `finish` if there is an operation to wait for."""
    match step:
        case Advance(seconds):
            return f"wait({seconds:g})"
        case CreateNamespace(name, kind):
            return f"finish(cloudmap.{_CREATE[kind].format(name=f'{name}_name')})"
        case CreateService(name):
            params = {key: literal(value) for key, value in create_params(step).items()}
            label = literal(name.partition("/")[2])
            return _call("create_service", Name=label, NamespaceId=namespace_of(name), **params)
        case DeleteService(name):
            return _call("delete_service", Id=_variable(name))
        case DeleteNamespace(name):
            return f"finish({_call('delete_namespace', Id=name)})"
        case QueryRecords(name):
            space = namespace_of(name)
            server = "resolver(vpc)" if names.kinds[space] == "private" else f"name_server({space})"
            rdtype = "SRV" if names.records[name] == "SRV" else "A"
            return f'query_dns(f"{name.partition("/")[2]}.{{{space}_name}}", "{rdtype}", {server})'
        case DiscoverInstances(name, health, query, optional):
            filters = {"HealthStatus": literal(health)} if health else {}
            filters |= {"QueryParameters": _dict(query)} if query else {}
            filters |= {"OptionalParameters": _dict(optional)} if optional else {}
            space, label = f"{namespace_of(name)}_name", literal(name.partition("/")[2])
            return _call("discover_instances", NamespaceName=space, ServiceName=label, **filters)
    return _instance_expression(step)


def _instance_expression(step: Step) -> str:
    match step:
        case RegisterInstance(name, instance, attributes):
            pairs = _dict(attributes)
            return f"finish({_call('register_instance', _variable(name), literal(instance), Attributes=pairs)})"
        case RegisterMany(name):
            many = literal({instance: dict(attributes) for instance, attributes in MANY_INSTANCES})
            call = _call("register_instance", _variable(name), "instance", Attributes="attributes")
            return f"[finish(answer) for answer in [{call} for instance, attributes in {many}.items()]]"
        case DeregisterInstance(name, instance):
            return f"finish({_call('deregister_instance', _variable(name), literal(instance))})"
        case ReportHealth(name, instance, status):
            operation = "update_instance_custom_health_status"
            return _call(operation, _variable(name), literal(instance), Status=literal(status))
        case ListInstances(name):
            return _call("list_instances", _variable(name))
        case GetInstance(name, instance):
            return _call("get_instance", _variable(name), literal(instance))
        case GetHealth(name):
            return _call("get_instances_health_status", _variable(name))
    raise AssertionError(f"no call for {step}")


def literal(value: object) -> str:
    """Return a string, number, list or dict as a Python literal."""
    return json.dumps(value)


def _dict(pairs: Pairs) -> str:
    return literal(dict(pairs))


def _call(operation: str, service: str = "", instance: str = "", **params: str) -> str:
    arguments = {"ServiceId": service} if service else {}
    arguments |= {"InstanceId": instance} if instance else {}
    arguments |= params
    return f"cloudmap.{operation}({', '.join(f'{key}={value}' for key, value in arguments.items())})"


def _variable(service: str) -> str:
    return service.replace("/", "_")
