"""Twelve resources of two providers."""

from crowd import Crowd, Guest, OtherGuest

for number in range(12):
    Crowd(f"guest-{number}", OtherGuest() if number % 2 else Guest())
