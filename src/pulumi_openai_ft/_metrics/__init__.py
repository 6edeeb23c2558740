"""Metrics of training steps, read from a job's events or its result files."""
