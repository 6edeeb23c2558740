"""Implementation of the lookup functions, `get_…`."""
