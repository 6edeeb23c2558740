from __future__ import annotations

import pytest

from pulumi_openai_ft._shared.cache_dir import write_cache_file
from pulumi_openai_ft.cli.report import vega


@pytest.fixture(scope="session")
def _vega_script(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the script that draws charts. Building it takes seconds."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("vega")))
        return vega.script()


@pytest.fixture(autouse=True)
def _cached_vega_script(request: pytest.FixtureRequest, _clean_environment: None) -> None:
    """Put the script in the cache of a test that draws a page."""
    write_cache_file(vega.script_file(), request.getfixturevalue("_vega_script").encode())
