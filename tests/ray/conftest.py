"""Fixtures of the tests with Ray. `make test-ray` runs them in a network namespace with loopback only."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.ray.heads import Head

if TYPE_CHECKING:
    from collections.abc import Iterator


collect_ignore_glob = [] if "OPENAI_FT_RAY_PYTHON" in os.environ else ["test_*.py"]


@pytest.fixture(scope="session")
def ray_python() -> Path:
    """Return the Python of the Ray environment."""
    return Path(os.environ["OPENAI_FT_RAY_PYTHON"])


@pytest.fixture(scope="session")
def head(ray_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Head]:
    """Return a running head. A test that ends it must start it again."""
    with Head(ray_python.with_name("ray"), tmp_path_factory.mktemp("r")) as running:
        yield running
