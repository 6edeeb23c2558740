"""What every part of the engine's tooling says when it cannot go on."""


class ProblemError(Exception):
    """A sentence for the user: what is wrong, where, and what to do next."""
