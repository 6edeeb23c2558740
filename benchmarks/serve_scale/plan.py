"""The parameters of a simulation."""

from __future__ import annotations

from dataclasses import dataclass

PROJECTS = 5
"""Number of projects. Clients and jobs are distributed among them."""


@dataclass(frozen=True)
class SimulationPlan:
    """The load on the service.

    Attributes:
        slots: Number of jobs that train at the same time.
        run_seconds: Duration of a training run.
        jobs: Number of submitted jobs.
        submission_seconds: Time in which the jobs are submitted, evenly spread.
        clients: Number of polling clients.
        poll_seconds: Time between the starts of two polls of a client.
        steps: Number of steps of a training run.
        tick: Seconds between two rounds of the training loop.
    """

    slots: int = 400
    run_seconds: float = 60.0
    jobs: int = 1000
    submission_seconds: float = 120.0
    clients: int = 50
    poll_seconds: float = 2.0
    steps: int = 60
    tick: float = 1.0

    @property
    def patience(self) -> float:
        """Return the seconds after which the simulation is given up: three times the shortest possible time."""
        rounds = -(-self.jobs // self.slots)
        return 3 * (self.submission_seconds + rounds * (self.run_seconds + 2 * self.tick)) + 30
