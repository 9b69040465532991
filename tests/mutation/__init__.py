"""Mutation testing of the suites: small edits of the emulator's source, and changes of single members of answers.

`edits` makes the source mutants of a file with the operators of mutmut and `sample` chooses some by seed; `recorder`
and `reach` record which tests run which line inside the emulator. `pool` and `worker` run the tests of a mutant until one
notices it. `source` and `responses` judge mutants of the two kinds, and `report` writes what was not noticed.
"""
