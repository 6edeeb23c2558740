"""Engines, which run the trainers: on this machine, or on a Ray cluster."""
