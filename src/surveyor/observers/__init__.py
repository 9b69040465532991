"""Observers of a service: its tasks, its registry and its names, each polled on a schedule and written to a history."""
