"""Command line of the benchmarks: `python -m benchmarks`."""

from __future__ import annotations

import argparse
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.benchmark import (
    DEFAULT_DATA,
    DEFAULT_RUNS,
    DEFAULT_SIZES,
    DEFAULT_UPLOADS,
    BenchmarkError,
    Plan,
)
from benchmarks.progress import clear, show, write_line
from benchmarks.report import Report
from benchmarks.suite import SUITE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

RESULTS = Path(__file__).with_name("results.json")
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run benchmarks, print the table and write the results.

    Returns:
        The exit code: 0, or 1 if a benchmark failed, or 130 after an interruption.
    """
    options = _parser().parse_args(arguments)
    try:
        return _run(options)
    except KeyboardInterrupt:
        write_line("benchmarks: interrupted; all processes have ended, and no results were written")
        return INTERRUPTED
    except OSError as error:
        write_line(f"benchmarks: {error}")
        return 1


def _run(options: argparse.Namespace) -> int:
    report = Report(Plan(options.sizes, options.runs, options.data, options.uploads), {}, {})
    names = options.names or list(SUITE)
    for name in names:
        try:
            _add(report, name)
        except BenchmarkError as error:
            write_line(f"benchmarks: {name}: {error}")
    if report.figures:
        clear()
        sys.stdout.write(f"{report.table()}\n")
    if failed := [name for name in names if name not in report.figures]:
        write_line(f"benchmarks: failed: {', '.join(failed)}; no results were written")
        return 1
    _write(report, options)
    return 0


def _add(report: Report, name: str) -> None:
    benchmark = SUITE[name]
    report.versions.update(benchmark.versions())
    report.figures[name] = benchmark.measure(
        replace(report.plan, on_step=lambda step: show(f"{name}: {step}"))
    )


def _write(report: Report, options: argparse.Namespace) -> None:
    file = options.output or (None if options.names else RESULTS)
    if file is None:
        write_line(f"{RESULTS.name} is unchanged: only a run of all benchmarks writes it")
        return
    report.write(file)
    write_line(f"wrote {file}")


def interruptible() -> None:
    """Make the first SIGINT or SIGTERM interrupt `main`. Later signals are ignored, so that cleaning up completes."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    write_line("benchmarks: interrupted, stopping all processes")
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    lines = "\n".join(
        f"  {name:10}{(module.__doc__ or '').splitlines()[0]}" for name, module in SUITE.items()
    )
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measures this package. Each result is relative to a baseline that is measured alternately with it.",
        epilog=f"benchmarks:\n{lines}\n\nThe engine must be on PATH; `make bench` adds it.\n"
        "`make bench-serve` simulates `openai-ft serve` with many jobs and clients.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "names", nargs="*", metavar="NAME", type=_name, help="benchmarks to run (default: all)"
    )
    parser.add_argument(
        "--sizes",
        type=sizes,
        default=DEFAULT_SIZES,
        help=f"numbers of resources (default: {','.join(map(str, DEFAULT_SIZES))})",
    )
    parser.add_argument(
        "--runs",
        type=_count,
        default=DEFAULT_RUNS,
        help="number of runs of each candidate (default: %(default)s)",
    )
    parser.add_argument(
        "--data",
        type=sizes,
        default=DEFAULT_DATA,
        help=f"sizes of training files in megabytes (default: {','.join(map(str, DEFAULT_DATA))})",
    )
    parser.add_argument(
        "--uploads",
        type=sizes,
        default=DEFAULT_UPLOADS,
        help=f"sizes of uploaded files in megabytes (default: {','.join(map(str, DEFAULT_UPLOADS))})",
    )
    parser.add_argument(
        "--output",
        type=_file,
        help="file for the results (default: benchmarks/results.json if all benchmarks are run)",
    )
    return parser


def sizes(text: str) -> tuple[int, ...]:
    """Parse sizes such as `20,60,180`, in any order.

    Raises:
        argparse.ArgumentTypeError: A size is not a positive integer.
    """
    return tuple(sorted({_count(part) for part in text.split(",")}))


def _count(text: str) -> int:
    if not text.strip().isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive integer")
    return int(text)


def _name(text: str) -> str:
    if text not in SUITE:
        raise argparse.ArgumentTypeError(f"{text!r} is not a benchmark; choose from {', '.join(SUITE)}")
    return text


def _file(text: str) -> Path:
    file = Path(text)
    if file.is_dir() or not file.parent.is_dir():
        raise argparse.ArgumentTypeError(f"{text!r} cannot be written; choose a file in an existing folder")
    return file
