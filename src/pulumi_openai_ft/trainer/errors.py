"""Errors that end a training run and are shown to the job's owner."""

from __future__ import annotations

from dataclasses import dataclass


class AttemptError(Exception):
    """An attempt cannot train, but a later one may. The message is a sentence for the operator of the service."""


@dataclass
class TrainingError(Exception):
    """A job's `error` object: one sentence for a person, a code for programs, and the parameter of the job, if one is wrong."""

    code: str
    message: str
    param: str | None = None

    def __str__(self) -> str:
        return self.message
