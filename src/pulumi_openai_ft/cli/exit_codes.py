"""Exit codes of the commands that check files."""

REFUSED = 1
"""The service would reject a file."""
UNREADABLE = 2
"""A file cannot be read, or the output cannot be written."""
