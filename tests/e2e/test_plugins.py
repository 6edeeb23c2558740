"""Pulumi expects a resource plugin for every distribution named `pulumi-…`; this package has none."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import Stack

pytestmark = pytest.mark.e2e
PROGRAM = "import pulumi_openai_ft\n"


@pytest.mark.core
@pytest.mark.parametrize("release", ["3.259", pytest.param("3.216", marks=pytest.mark.long)])
def test_pulumi_looks_for_no_plugin(make_stack: Callable[..., Stack], release: str) -> None:
    stack = make_stack(PROGRAM, LANGUAGE_HOST_RELEASE=release)

    stack.pulumi("install", "--no-dependencies")
    about = json.loads(stack.pulumi("about", "--json").text)

    assert {plugin["name"] for plugin in about["plugins"]} == {"python"}
    assert "Downloading" not in stack.preview().text
