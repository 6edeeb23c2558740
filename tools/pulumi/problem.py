"""Error of the engine's tooling."""


class ProblemError(Exception):
    """An error for the user. The message states the problem, its location, and the next step."""
