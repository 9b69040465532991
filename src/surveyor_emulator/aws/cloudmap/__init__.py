"""Implement all thirty operations of AWS Cloud Map."""

from __future__ import annotations

from collections.abc import Mapping

from surveyor_emulator.aws.handler import Handler

from . import attributes, discovery, health, instances, namespaces, operations, services, tags

__all__ = ["HANDLERS"]

HANDLERS: Mapping[str, Handler] = {
    "CreateHttpNamespace": namespaces.create_http_namespace,
    "CreatePrivateDnsNamespace": namespaces.create_private_dns_namespace,
    "CreatePublicDnsNamespace": namespaces.create_public_dns_namespace,
    "CreateService": services.create_service,
    "DeleteNamespace": namespaces.delete_namespace,
    "DeleteService": services.delete_service,
    "DeleteServiceAttributes": attributes.delete_service_attributes,
    "DeregisterInstance": instances.deregister_instance,
    "DiscoverInstances": discovery.discover_instances,
    "DiscoverInstancesRevision": discovery.discover_instances_revision,
    "GetInstance": instances.get_instance,
    "GetInstancesHealthStatus": health.get_instances_health_status,
    "GetNamespace": namespaces.get_namespace,
    "GetOperation": operations.get_operation,
    "GetService": services.get_service,
    "GetServiceAttributes": attributes.get_service_attributes,
    "ListInstances": instances.list_instances,
    "ListNamespaces": namespaces.list_namespaces,
    "ListOperations": operations.list_operations,
    "ListServices": services.list_services,
    "ListTagsForResource": tags.list_tags_for_resource,
    "RegisterInstance": instances.register_instance,
    "TagResource": tags.tag_resource,
    "UntagResource": tags.untag_resource,
    "UpdateHttpNamespace": namespaces.update_http_namespace,
    "UpdateInstanceCustomHealthStatus": health.update_instance_custom_health_status,
    "UpdatePrivateDnsNamespace": namespaces.update_private_dns_namespace,
    "UpdatePublicDnsNamespace": namespaces.update_public_dns_namespace,
    "UpdateService": services.update_service,
    "UpdateServiceAttributes": attributes.update_service_attributes,
}
