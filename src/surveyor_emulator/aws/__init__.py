"""The AWS services of the emulator, one package or module each."""
