"""Checks what service discovery on Amazon ECS does against what its documents say."""
