"""Service Connect's data plane: one Envoy for each task that takes part, and the files that it is fed from.

What a service asks for, and which tasks take part, is ECS's (see ``ecs``); nothing here knows of it.
"""
