"""Holds the project to its own rules: what no linter checks and a reader of the repository relies on."""
