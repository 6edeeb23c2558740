"""The workers of a training run. Each worker has a rank, from 0; a run on one machine has a single worker."""

from __future__ import annotations


class Ranks:
    """The position of this worker among the workers of a run.

    Attributes:
        rank: Rank of this worker. Only rank 0 writes to the job folder.
        size: Number of workers.
    """

    rank: int = 0
    size: int = 1

    @property
    def is_first(self) -> bool:
        """Return whether this worker writes to the job folder."""
        return self.rank == 0

    def agree(self, *flags: bool) -> list[bool]:
        """Return for each flag whether any worker has set it. All workers must call this at the same place."""
        return list(flags)


SINGLE = Ranks()
"""The only worker of a run."""


class ProcessGroupRanks(Ranks):
    """The ranks of PyTorch's process group, which must be initialized."""

    def __init__(self) -> None:
        from torch import distributed  # noqa: PLC0415  # takes seconds

        self.rank = distributed.get_rank()
        self.size = distributed.get_world_size()

    def agree(self, *flags: bool) -> list[bool]:
        """Return for each flag whether any worker has set it."""
        import torch  # noqa: PLC0415  # takes seconds

        votes = torch.tensor(flags, dtype=torch.int32)
        torch.distributed.all_reduce(votes, op=torch.distributed.ReduceOp.MAX)
        return [bool(vote) for vote in votes]
