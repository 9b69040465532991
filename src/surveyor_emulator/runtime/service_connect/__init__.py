"""Service Connect's data plane: one Envoy for each task that takes part, and the files that it reads.

``aws.ecs`` decides what a service asks for and which tasks take part.
"""
