"""Helpers shared by the commands: options, progress, tables and console reports."""
