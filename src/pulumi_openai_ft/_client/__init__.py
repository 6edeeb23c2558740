"""The service: its endpoints, its objects, and how requests reach it."""
