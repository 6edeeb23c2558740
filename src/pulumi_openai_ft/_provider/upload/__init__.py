"""Sending a file to the service: in one piece or in parts, and what is remembered of it."""
