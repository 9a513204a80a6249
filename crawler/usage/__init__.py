"""Reads what sites say about the use of their content (docs/usage.md): pure.

`words` reads the signals. Where they stand is read elsewhere: `robots/preferences` and `robots/tdmrep` for paths,
`parse/usage` for answers.
"""

from .words import PURPOSES, find_refusal, read_directives, read_fields, read_tdm

__all__ = ["PURPOSES", "find_refusal", "read_directives", "read_fields", "read_tdm"]
