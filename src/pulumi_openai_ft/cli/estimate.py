"""`openai-ft estimate`: what training on a file is likely to cost."""

from __future__ import annotations

import argparse
import json
import math
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pulumi_openai_ft import training_data
from pulumi_openai_ft._provider.job.messages import cost
from pulumi_openai_ft._shared.api_limits import RANGES
from pulumi_openai_ft.catalog import Catalog, ModelEntry, Sourced
from pulumi_openai_ft.cli.validate import check, summary
from pulumi_openai_ft.training_data import METHODS, Estimate, Report

if TYPE_CHECKING:
    from collections.abc import Iterator

DESCRIPTION = """\
Estimates how many tokens training on a file is billed for and what they cost, by the prices in the package's catalogue,
each of which has a source and a day. The service counts for itself: what it bills is on its invoice alone. The exit
code is 1 if the service would refuse the file."""
EPOCHS = RANGES["n_epochs"]
GIVEN = "--price"


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command to those of `openai-ft`."""
    parser = commands.add_parser(
        "estimate",
        help="estimate tokens and price of a training",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", metavar="FILE", help="JSON lines to train on")
    parser.add_argument("--model", required=True, help="the job's model")
    parser.add_argument(
        "--epochs",
        type=_epochs,
        default="auto",
        help="the job's n_epochs, 1 to 50 or auto (default: %(default)s)",
    )
    parser.add_argument(
        "--method", choices=METHODS, help="the job's method; default: what the first row looks like"
    )
    parser.add_argument(
        GIVEN, type=_usd, metavar="USD", help="USD per million trained tokens, instead of the catalogue's"
    )
    parser.add_argument("--json", action="store_true", help="print a JSON object")
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Estimates and prints.

    Returns:
        0; 1 where the service would refuse the file.
    """
    entry = Catalog.load().find(given.model)
    length = entry.context_length if entry else None
    checked = check(
        given.file, part="training", method=given.method, model=given.model, context_length=length
    )
    if checked.report is None:
        sys.stderr.write(f"openai-ft: {checked.reason}\n")
        return 1
    found = _priced(given, checked.report, entry)
    sys.stdout.write(f"{_as_json(found) if given.json else _as_table(found)}\n")
    return int(checked.is_bad)


@dataclass(frozen=True)
class _Priced:
    file: str
    model: str
    is_auto: bool
    report: Report
    estimate: Estimate
    price: Sourced[float] | None
    entry: ModelEntry | None


def _priced(given: argparse.Namespace, report: Report, entry: ModelEntry | None) -> _Priced:
    price = (
        Sourced(given.price, GIVEN) if given.price is not None else entry.training_price if entry else None
    )
    estimate = training_data.estimate(
        examples=report.examples,
        tokens=report.tokens,
        epochs=given.epochs,
        usd_per_million=price.value if price else None,
    )
    model = entry.id if entry else given.model
    return _Priced(given.file, model, given.epochs == "auto", report, estimate, price, entry)


def _as_table(found: _Priced) -> str:
    rows = list(_rows(found))
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}}  {text}" for name, text in rows)


def _rows(found: _Priced) -> Iterator[tuple[str, str]]:
    report, estimate = found.report, found.estimate
    yield "file", f"{found.file}: {summary(report)}"
    yield "model", found.model if found.entry else f"{found.model}, which the catalogue does not know"
    yield "epochs", f"{estimate.epochs}{', as the service is likely to choose' if found.is_auto else ''}"
    yield "tokens", f"about {estimate.tokens:,}: {report.tokens:,} an epoch, {_how_counted(report)}"
    yield (
        "price",
        f"{found.price.value:,.2f} USD per million tokens ({found.price})"
        if found.price
        else _no_price(found),
    )
    yield "cost", "unknown" if estimate.usd is None else cost(estimate.usd)
    if report.errors:
        yield "problem", f"the service would refuse the file: run `openai-ft validate {found.file}`"


def _how_counted(report: Report) -> str:
    if report.is_exact:
        return f"counted with {report.encoding}"
    return "by the length of the texts; install the extra `tokens` to count them (docs/install.md)"


def _no_price(found: _Priced) -> str:
    hourly = found.entry.training_price_per_hour if found.entry else None
    if hourly:
        return (
            f"{hourly.value:,.2f} USD per hour of training ({hourly}): tokens do not tell how long it takes"
        )
    return f"not known: give {GIVEN}"


def _as_json(found: _Priced) -> str:
    report, estimate, price = found.report, found.estimate, found.price
    shown: dict[str, Any] = {
        "file": found.file,
        "model": found.model,
        "method": report.method,
        "examples": report.examples,
        "errors": report.errors,
        "tokens_per_epoch": report.tokens,
        "token_count_exact": report.is_exact,
        "epochs": estimate.epochs,
        "estimated_tokens": estimate.tokens,
        "usd_per_million_tokens": price.value if price else None,
        "price_source": str(price) if price else None,
        "estimated_cost_usd": None if estimate.usd is None else round(estimate.usd, 6),
    }
    return json.dumps(shown, indent=2)


def _epochs(text: str) -> int | str:
    if text == "auto":
        return text
    if not text.isdecimal() or int(text) not in EPOCHS:
        raise argparse.ArgumentTypeError(f"{text!r} is neither auto nor a whole number from {EPOCHS}")
    return int(text)


def _usd(text: str) -> float:
    try:
        price = float(text)
    except ValueError:
        price = math.nan
    if not 0 <= price < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no price such as 25.0")
    return price
