"""A stateful model test: what the documents promise a registry, beside what a target does, call by call."""
