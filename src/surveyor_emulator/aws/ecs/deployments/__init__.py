"""Deployments of services: rolling and blue/green."""
