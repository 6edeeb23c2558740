from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from tests.faults.harness import Harness

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def _harness(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harness]:
    made = Harness(tmp_path_factory.mktemp("faults"))
    with made.service, closing(made):
        yield made


@pytest.fixture
def harness(_harness: Harness) -> Harness:
    """A harness with an empty service and no faults."""
    _harness.reset()
    return _harness
