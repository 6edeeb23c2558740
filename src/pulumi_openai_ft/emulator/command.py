"""The command `openai-ft emulator`."""

from __future__ import annotations

import argparse
import os
from datetime import date
from pathlib import Path

from pulumi_openai_ft.emulator.server import Emulator, serve
from pulumi_openai_ft.emulator.service_modes import MODES
from pulumi_openai_ft.emulator.settings import DEFAULT_DAY


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's options to a parser."""
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 takes a free one (default)")
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="keep everything in this folder; default: memory"
    )
    parser.add_argument(
        "--speed",
        type=_not_negative,
        default=60.0,
        help="simulated seconds of training per real second; 0 ends a job when it is first read (default: 60)",
    )
    parser.add_argument("--seed", type=int, default=0, help="decides the loss curves of jobs without a seed")
    parser.add_argument(
        "--job-seconds",
        type=_not_negative,
        default=120.0,
        help="simulated seconds from a job's creation to its end (default: 120)",
    )
    parser.add_argument(
        "--project",
        action="append",
        default=[],
        metavar="ID",
        help="a project of the organization (repeatable); default: any proj_…",
    )
    parser.add_argument("--closed", action="store_true", help="refuse new jobs as for a closed organization")
    parser.add_argument(
        "--today",
        type=date.fromisoformat,
        default=os.environ.get("OPENAI_FT_TODAY") or str(DEFAULT_DAY),
        metavar="YYYY-MM-DD",
        help=f"the day by which models are available; default: OPENAI_FT_TODAY, else {DEFAULT_DAY}",
    )
    parser.add_argument(
        "--mode", choices=MODES, default="openai", help="the service to behave like (default: openai)"
    )


def run(args: argparse.Namespace) -> int:
    """Runs the emulator as the options say; returns the exit code."""
    return serve(
        Emulator(
            port=args.port,
            data=args.data,
            speed=args.speed,
            seed=args.seed,
            job_seconds=args.job_seconds,
            projects=args.project,
            closed=args.closed,
            today=args.today,
            mode=args.mode,
        )
    )


def _not_negative(text: str) -> float:
    value = float(text)
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a number from 0 up")
    return value
