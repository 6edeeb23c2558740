"""The cells of the fault matrix: all of them, and a subset that contains every pair of values.

A cell hits a call of a scenario with a fault. Its values are the scenario, the call, and the fault's failure,
effect and reach.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import covertable
from covertable import criteria
from tests.faults.faults import FAULTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tests.faults.faults import Call, FaultCase

Values = tuple[str, ...]
Pair = tuple[tuple[int, str], tuple[int, str]]
SCENARIO_AND_CALL, PARTS_OF_A_FAULT = (0, 1), (2, 3, 4)


@dataclass(frozen=True)
class Cell:
    """A fault at a call of a scenario."""

    scenario: str
    call: Call
    fault: FaultCase

    @property
    def values(self) -> Values:
        return self.scenario, str(self.call), self.fault.failure, self.fault.effect, self.fault.reach

    @property
    def pairs(self) -> set[Pair]:
        """The pairs of values, each with the position of its values."""
        return set(combinations(enumerate(self.values), 2))


def all_cells(calls: Mapping[str, Sequence[Call]]) -> list[Cell]:
    """Return each fault at each call of each scenario; `calls` maps scenarios to their calls."""
    return [Cell(scenario, call, fault) for scenario in calls for call in calls[scenario] for fault in FAULTS]


def pairwise_cells(calls: Mapping[str, Sequence[Call]]) -> list[Cell]:
    """Return a small list of cells that contains each pair of values of all cells."""
    cells = {cell.values: cell for cell in all_cells(calls)}
    factors = [list(dict.fromkeys(column)) for column in zip(*cells, strict=True)]
    possible = [_combinations_of(SCENARIO_AND_CALL, cells), _combinations_of(PARTS_OF_A_FAULT, cells)]
    rows = covertable.make(factors, criterion=criteria.simple, constraints=possible)
    return [cells[tuple(row)] for row in rows]


def _combinations_of(positions: Sequence[int], possible: Iterable[Values]) -> dict[str, Any]:
    """Return the constraint that values at these positions occur together."""
    allowed = {tuple(values[at] for at in positions) for values in possible}
    return {
        "operator": "fn",
        "requires": positions,
        "evaluate": lambda row: tuple(row[at] for at in positions) in allowed,
    }
