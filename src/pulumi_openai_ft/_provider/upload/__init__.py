"""Upload of a file, in a single request or in parts, and records for resuming it."""
