"""The HTTP endpoint of the emulator: options, start-up, request pipeline and control endpoint."""
