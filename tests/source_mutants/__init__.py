"""Source mutants: one edit of the emulator's source at a time, which the suites should notice.

`generate` makes the mutants of a file with the operators of mutmut, `reach` records which tests run which line inside
the emulator, `run` runs the tests that reach a mutant until one notices it, `report` writes the result.
"""
