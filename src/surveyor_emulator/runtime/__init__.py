"""Real processes of the emulator: tasks, Envoy and Service Connect proxies."""
