"""Redaction: copies of reports in which placeholders stand for what belongs to an account or to a machine.

`public` holds what everybody may know, `patterns` finds what is private by its form, `redactor` replaces it in texts
and in JSON, `folder` copies the folder of a run.
"""
