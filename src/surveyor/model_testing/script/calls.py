"""Steps of a history as Python expressions and statements."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from surveyor.model_testing.driver import DOMAIN, create_params
from surveyor.model_testing.registry import MANY, namespace_of
from surveyor.model_testing.steps import (
    Advance,
    Ask,
    CreateNamespace,
    CreateService,
    DeleteNamespace,
    DeleteService,
    Deregister,
    Discover,
    Get,
    HealthOf,
    History,
    Kind,
    List,
    Pairs,
    Records,
    Register,
    RegisterMany,
    Report,
    Step,
)

__all__ = ["Names", "before", "expression", "literal", "names_in", "statements"]

_CREATE: Mapping[Kind, str] = {
    "http": "create_http_namespace(Name={name})",
    "private": "create_private_dns_namespace(Name={name}, Vpc=vpc)",
    "public": "create_public_dns_namespace(Name={name})",
}


@dataclass(frozen=True)
class Names:
    """What steps need to know of earlier ones: the kinds of namespaces and the records of services."""

    kinds: Mapping[str, Kind]
    records: Mapping[str, Records]


def names_in(history: History) -> Names:
    """The names that a history makes."""
    made = [step for step in reversed(history) if isinstance(step, CreateService)]  # the first of a name counts
    return Names(
        {step.namespace: step.kind for step in history if isinstance(step, CreateNamespace)},
        {step.service: step.records for step in made},
    )


def statements(step: Step, names: Names, *, refused: bool) -> Iterator[str]:
    """The step as lines. `refused`: the documents say that the call is refused, and so it was."""
    yield from before(step, names)
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


def before(step: Step, names: Names) -> Iterator[str]:
    """What stands before the call of a step."""
    if isinstance(step, CreateNamespace):
        suffix = "" if step.kind == "http" else f".{DOMAIN}"
        yield f'{step.namespace}_name = f"{step.namespace}-{{RUN}}{suffix}"'
        if step.kind == "private" and step.namespace == next(
            name for name, kind in names.kinds.items() if kind == "private"
        ):
            yield "vpc = new_vpc()"


def expression(step: Step, names: Names) -> str:
    """The call of a step; with `finish`, where there is an operation to wait for."""
    match step:
        case Advance(seconds):
            return f"wait({seconds:g})"
        case CreateNamespace(name, kind):
            return f"finish(cloudmap.{_CREATE[kind].format(name=f'{name}_name')})"
        case CreateService(name):
            given = {key: literal(value) for key, value in create_params(step).items()}
            label = literal(name.partition("/")[2])
            return _call("create_service", Name=label, NamespaceId=namespace_of(name), **given)
        case DeleteService(name):
            return _call("delete_service", Id=_variable(name))
        case DeleteNamespace(name):
            return f"finish({_call('delete_namespace', Id=name)})"
        case Ask(name):
            space = namespace_of(name)
            server = "resolver(vpc)" if names.kinds[space] == "private" else f"name_server({space})"
            rdtype = "SRV" if names.records[name] == "SRV" else "A"
            return f'ask(f"{name.partition("/")[2]}.{{{space}_name}}", "{rdtype}", {server})'
        case Discover(name, health, query, optional):
            how = {"HealthStatus": literal(health)} if health else {}
            how |= {"QueryParameters": _dict(query)} if query else {}
            how |= {"OptionalParameters": _dict(optional)} if optional else {}
            space, label = f"{namespace_of(name)}_name", literal(name.partition("/")[2])
            return _call("discover_instances", NamespaceName=space, ServiceName=label, **how)
    return _of_instances(step)


def _of_instances(step: Step) -> str:
    match step:
        case Register(name, instance, attributes):
            given = _dict(attributes)
            return f"finish({_call('register_instance', _variable(name), literal(instance), Attributes=given)})"
        case RegisterMany(name):
            many = literal({instance: dict(attributes) for instance, attributes in MANY})
            one = _call("register_instance", _variable(name), "instance", Attributes="attributes")
            return f"[finish(one) for one in [{one} for instance, attributes in {many}.items()]]"
        case Deregister(name, instance):
            return f"finish({_call('deregister_instance', _variable(name), literal(instance))})"
        case Report(name, instance, status):
            operation = "update_instance_custom_health_status"
            return _call(operation, _variable(name), literal(instance), Status=literal(status))
        case List(name):
            return _call("list_instances", _variable(name))
        case Get(name, instance):
            return _call("get_instance", _variable(name), literal(instance))
        case HealthOf(name):
            return _call("get_instances_health_status", _variable(name))
    raise AssertionError(f"no call for {step}")


def literal(value: object) -> str:
    """Texts, numbers, lists and tables as Python writes them."""
    return json.dumps(value)


def _dict(pairs: Pairs) -> str:
    return literal(dict(pairs))


def _call(operation: str, service: str = "", instance: str = "", **given: str) -> str:
    first = {"ServiceId": service} if service else {}
    first |= {"InstanceId": instance} if instance else {}
    return f"cloudmap.{operation}({', '.join(f'{key}={value}' for key, value in {**first, **given}.items())})"


def _variable(service: str) -> str:
    return service.replace("/", "_")
