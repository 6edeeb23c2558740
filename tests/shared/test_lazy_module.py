from __future__ import annotations

import subprocess
import sys

import pytest

from pulumi_openai_ft._shared.lazy_module import LazyModule

PROGRAM = """
import sys
from pulumi_openai_ft._shared.lazy_module import LazyModule
module = LazyModule("_shared.property_paths")
print("pulumi_openai_ft._shared.property_paths" in sys.modules, module.top_level("a.b"), "pulumi_openai_ft._shared.property_paths" in sys.modules)
"""


def test_a_module_is_loaded_on_first_use() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], check=True, capture_output=True, text=True)

    assert done.stdout.split() == ["False", "a", "True"]


def test_a_missing_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'bottom_level'"):
        _ = LazyModule("_shared.property_paths").bottom_level
