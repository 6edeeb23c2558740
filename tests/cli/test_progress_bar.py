from __future__ import annotations

import io

from pulumi_openai_ft.cli.progress_bar import CLEARED, progress_bar

SIZE = 200_000_000


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_long_file_gets_a_temporary_progress_bar() -> None:
    terminal = Terminal()

    with progress_bar("data/training.jsonl", terminal, iter([1.0, 1.05, 1.2]).__next__) as progress:
        for done in (50_000_000, 60_000_000, SIZE):
            progress(done, SIZE)

    assert terminal.getvalue().split(CLEARED) == [
        "",
        f"training.jsonl [{'#' * 6}{'.' * 18}] 25 % of 200 MB",
        f"training.jsonl [{'#' * 24}] 100 % of 200 MB",
        "",
    ]


def test_a_short_file_gets_no_progress_bar() -> None:
    terminal = Terminal()

    with progress_bar("training.jsonl", terminal, lambda: 1.0) as progress:
        progress(10, 10)

    assert terminal.getvalue() == ""


def test_no_bar_is_drawn_outside_of_a_terminal() -> None:
    written = io.StringIO()

    with progress_bar("training.jsonl", written, lambda: 1.0) as progress:
        progress(SIZE, SIZE)

    assert written.getvalue() == ""
