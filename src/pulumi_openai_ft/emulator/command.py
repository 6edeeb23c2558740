"""The command `openai-ft emulator`."""

from __future__ import annotations

import argparse
import os
from datetime import date
from math import inf, nan
from pathlib import Path

from pulumi_openai_ft.emulator.server import Emulator, serve
from pulumi_openai_ft.emulator.service_modes import MODES
from pulumi_openai_ft.emulator.settings import DEFAULT_DAY
from pulumi_openai_ft.server.arguments import port


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options to a parser."""
    parser.add_argument(
        "--port", type=port, default=0, help="port on 127.0.0.1; 0 selects a free port (default: 0)"
    )
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="directory for all data (default: in memory)"
    )
    parser.add_argument(
        "--speed",
        type=_not_negative,
        default=60.0,
        help="simulated seconds of training per real second; with 0, a job finishes when you first read it (default: 60)",
    )
    parser.add_argument("--seed", type=int, default=0, help="seed for the loss curves of jobs that set none")
    parser.add_argument(
        "--job-seconds",
        type=_not_negative,
        default=120.0,
        help="simulated duration of a job in seconds (default: 120)",
    )
    parser.add_argument(
        "--project",
        action="append",
        default=[],
        metavar="ID",
        help="id of a project of the organization; repeatable (default: any proj_…)",
    )
    parser.add_argument(
        "--closed", action="store_true", help="reject new jobs, like OpenAI for a closed organization"
    )
    parser.add_argument(
        "--today",
        type=_day,
        default=os.environ.get("OPENAI_FT_TODAY") or str(DEFAULT_DAY),
        metavar="YYYY-MM-DD",
        help=f"date that determines which models are available (default: OPENAI_FT_TODAY, or {DEFAULT_DAY})",
    )
    parser.add_argument(
        "--mode", choices=MODES, default="openai", help="service to emulate (default: openai)"
    )


def run(args: argparse.Namespace) -> int:
    """Run the emulator with the options. Return the exit code."""
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
    try:
        value = float(text)
    except ValueError:
        value = nan
    if not 0 <= value < inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of at least 0")
    return value


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date such as 2026-12-31") from None
