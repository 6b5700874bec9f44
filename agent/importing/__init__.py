"""The way over from Maltrail: an existing `maltrail.conf` becomes a `config.yaml`.

One table says for each option what becomes of it: `table.OPTIONS`. A function takes an option into
the draft and says as what, or raises NotApplicable with the reason, or ValueError for a value that
cannot be used. Whatever is in the file ends as one line of the report.
"""
