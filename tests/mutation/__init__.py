"""Mutation testing of the suites: small edits of the emulator's source, and changes of single members of answers.

`edits` makes the source mutants of a file with the operators of mutmut; `sample` chooses some by seed. `recorder` and
`reach` record which tests run which line inside the emulator. `pool` and `worker` run the tests of a mutant until one
notices it. `source` and `responses` judge the two kinds of mutants, and `report` writes what was not noticed.
"""
