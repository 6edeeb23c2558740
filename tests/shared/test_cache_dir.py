from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from pulumi_openai_ft._shared.cache_dir import atomic_write, cache_dir, write_cache_file

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_is_written_completely_or_not_at_all(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()

    with pytest.raises(OSError, match="taken"):
        atomic_write(tmp_path / "taken", b"text", 0o644)

    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_cache_files_are_private_to_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    file = cache_dir("uploads") / "one.json"

    write_cache_file(file, b"{}")

    assert file.is_relative_to(tmp_path)
    assert file.read_bytes() == b"{}"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
