"""Programs that run inside tasks. Each is one file that needs the standard library only."""
