"""Clock, settings, state and values that every other part of the emulator uses."""
