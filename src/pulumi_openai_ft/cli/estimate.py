"""`openai-ft estimate`: the estimated cost of training on a file."""

from __future__ import annotations

import argparse
import json
import math
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pulumi_openai_ft import training_data
from pulumi_openai_ft._provider.job.messages import cost, no_price_text
from pulumi_openai_ft._service_profiles import PROFILES
from pulumi_openai_ft._shared.api_limits import RANGES
from pulumi_openai_ft.catalog import Catalog, ModelEntry, Sourced
from pulumi_openai_ft.cli.input_files import readable
from pulumi_openai_ft.cli.validate import Checked, check, summary
from pulumi_openai_ft.training_data import METHODS, Estimate, Report

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pulumi_openai_ft._service_profiles import Profile

DESCRIPTION = """\
Estimates the number of billed tokens and the cost of training on a file. Prices come from the catalog of this package,
which lists the source and the date of each price. Check your invoice for the actual cost: the service counts tokens
itself. With --service self-hosted, there is no price. Exits with 1 if the service would reject the file, and with 2 if it cannot be read."""
EPOCHS = RANGES["n_epochs"]
PRICE_OPTION = "--price"


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to `openai-ft`."""
    parser = commands.add_parser(
        "estimate",
        help="estimate the tokens and the cost of a training job",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "file", metavar="FILE", help="training file in JSON Lines format; - is standard input"
    )
    parser.add_argument("--model", required=True, help="base model of the job")
    parser.add_argument(
        "--epochs",
        type=_epochs,
        default="auto",
        help="n_epochs of the job: 1 to 50, or auto (default: %(default)s)",
    )
    parser.add_argument(
        "--method",
        choices=METHODS,
        help="training method of the job (default: the method that most examples are written for)",
    )
    parser.add_argument(
        PRICE_OPTION,
        type=_usd,
        metavar="USD",
        help="price in USD per million training tokens (default: the price in the catalog)",
    )
    parser.add_argument(
        "--service",
        choices=sorted(PROFILES),
        default="openai",
        help="service of the job (default: %(default)s)",
    )
    parser.add_argument("--json", action="store_true", help="print a JSON object")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the estimate.

    Returns:
        The exit code: 0, 1 if the service would reject the file, or 2 if it cannot be read.

    Raises:
        InputError: Standard input cannot be copied.
    """
    catalog = Catalog.load(service=arguments.service)
    with readable(arguments.file) as path:
        checked = check(
            path,
            name=arguments.file,
            catalog=catalog,
            model=arguments.model,
            part="training",
            method=arguments.method,
            service=arguments.service,
        )
    if checked.report is None:
        sys.stderr.write(f"openai-ft: {checked.reason}\n")
        return checked.exit_code
    found = _priced(arguments, checked, checked.report, catalog.find(arguments.model))
    sys.stdout.write(f"{_as_json(found) if arguments.json else _as_table(found)}\n")
    return checked.exit_code


@dataclass(frozen=True)
class _Priced:
    file: str
    model: str
    is_auto: bool
    report: Report
    estimate: Estimate
    price: Sourced[float] | None
    entry: ModelEntry | None
    profile: Profile
    model_warnings: tuple[str, ...]


def _priced(
    arguments: argparse.Namespace, checked: Checked, report: Report, entry: ModelEntry | None
) -> _Priced:
    price = (
        Sourced(arguments.price, PRICE_OPTION)
        if arguments.price is not None
        else entry.training_price
        if entry
        else None
    )
    is_auto, profile = arguments.epochs == "auto", PROFILES[arguments.service]
    estimate = training_data.estimate(
        examples=report.examples,
        tokens=report.tokens,
        epochs=(profile.auto_epochs or "auto") if is_auto else arguments.epochs,
        usd_per_million=price.value if price else None,
    )
    model = entry.id if entry else arguments.model
    return _Priced(
        arguments.file, model, is_auto, report, estimate, price, entry, profile, checked.model_warnings
    )


def _as_table(found: _Priced) -> str:
    rows = list(_rows(found))
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}}  {text}" for name, text in rows)


def _rows(found: _Priced) -> Iterator[tuple[str, str]]:
    report, estimate = found.report, found.estimate
    yield "file", f"{found.file}: {summary(report)}"
    is_unlisted = found.entry is None and not found.profile.describes_models
    yield "model", f"{found.model}, which is not in the catalog" if is_unlisted else found.model
    yield "epochs", f"{estimate.epochs}{' (the probable choice of the service)' if found.is_auto else ''}"
    yield "tokens", f"about {estimate.tokens:,}: {report.tokens:,} per epoch, {_counting_method(report)}"
    yield (
        "price",
        f"{found.price.value:,.2f} USD per million tokens ({found.price})"
        if found.price
        else _no_price(found),
    )
    if estimate.usd is not None or found.profile.bills_training:
        yield "cost", "unknown" if estimate.usd is None else cost(estimate.usd)
    yield from (("warning", warning) for warning in found.model_warnings)
    if report.errors:
        yield "problem", f"the service would reject the file: run `openai-ft validate {found.file}`"


def _counting_method(report: Report) -> str:
    if report.is_exact:
        return f"counted with {report.encoding}"
    return (
        "estimated from the length of the texts; install the extra `tokens` to count them (docs/install.md)"
    )


def _no_price(found: _Priced) -> str:
    if not found.profile.bills_training:
        return no_price_text(found.profile)
    hourly = found.entry.training_price_per_hour if found.entry else None
    if hourly:
        return f"{hourly.value:,.2f} USD per hour of training ({hourly}): the duration cannot be estimated from tokens"
    return f"unknown: set {PRICE_OPTION}"


def _as_json(found: _Priced) -> str:
    report, estimate, price = found.report, found.estimate, found.price
    data: dict[str, Any] = {
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
    return json.dumps(data, indent=2)


def _epochs(text: str) -> int | str:
    if text == "auto":
        return text
    if not text.isdecimal() or int(text) not in EPOCHS:
        raise argparse.ArgumentTypeError(f"{text!r} is neither auto nor an integer from {EPOCHS}")
    return int(text)


def _usd(text: str) -> float:
    try:
        price = float(text)
    except ValueError:
        price = math.nan
    if not 0 <= price < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a price; write a number such as 25.0")
    return price
