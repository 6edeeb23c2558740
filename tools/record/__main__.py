"""Record the responses of a fine-tuning service, and compare the emulator with them.

`record` needs your key in OPENAI_API_KEY and, for permissions, an admin key in OPENAI_ADMIN_KEY. It prints the plan and
the maximum price, and waits for your confirmation. It deletes everything that it creates, also after Ctrl-C. Before it
saves the recording, it prints it with all replacements.
"""

from __future__ import annotations

import argparse
import io
import json
import math
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from tools.record import run
from tools.record.comparison import compare
from tools.record.exchanges import Recorder
from tools.record.plan import DEFAULT_EXTRA_BODY, DEFAULT_MODELS, ROWS, Plan, price_per_million
from tools.record.recording import RecordingError, encode, load
from tools.record.replacement import strings
from tools.record.sequence import Sequence

from pulumi_openai_ft._service_profiles import PROFILES
from pulumi_openai_ft._settings import Settings, mask_key
from pulumi_openai_ft.emulator.service_modes import MODES
from pulumi_openai_ft.errors import OpenAIFTError

if TYPE_CHECKING:
    from collections.abc import Sequence as Arguments

DIFFERENT, FAILED, INTERRUPTED = 1, 2, 130
FORBIDDEN = "Nothing was saved: some texts must not be in a recording. They are listed above as NOT REPLACED."
REQUEST_ID = "request id"
_LONGEST_SHOWN = 100


def main(arguments: Arguments[str] | None = None) -> int:
    """Run the command. Return the exit code: 1 if a comparison found differences, 2 after an error."""
    args = _parser().parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(
                errors="backslashreplace"
            )  # a terminal without UTF-8 must not lose a recording
    try:
        return int(args.function(args))
    except (OpenAIFTError, RecordingError) as error:
        print(f"record: {error}", file=sys.stderr)
        return FAILED
    except EOFError:
        print("record: no confirmation: nothing was saved; use a terminal, or pass --yes", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("record: interrupted; nothing was saved", file=sys.stderr)
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tools.record",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_record(commands.add_parser("record", help="record a service, with a key (costs less than 1 USD)"))
    emulate = commands.add_parser("emulate", help="record the emulator in a mode, without a key")
    emulate.add_argument("mode", choices=MODES)
    emulate.add_argument("--train", action="store_true", help="also train one job to its end")
    _add_output(emulate)
    emulate.set_defaults(function=_emulate)
    comparison = commands.add_parser(
        "compare", help="list the differences between a recording and the emulator"
    )
    comparison.add_argument("recording", type=Path)
    comparison.add_argument(
        "--mode", choices=MODES, help="mode of the emulator (default: the mode that matches the recording)"
    )
    comparison.add_argument("--json", action="store_true", help="print the differences as JSON")
    comparison.set_defaults(function=_compare)
    return parser


def _add_record(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--service", choices=sorted(PROFILES), default="openai", help="profile (default: openai)"
    )
    parser.add_argument("--base-url", help="base URL (default: OPENAI_BASE_URL, or OpenAI's)")
    parser.add_argument("--query", help="query of every request, such as api-version=preview")
    parser.add_argument("--api-key-header", help="header of the key (default: that of the profile)")
    parser.add_argument("--model", help="base model (default for openai and azure: gpt-4.1-mini)")
    parser.add_argument(
        "--extra-body",
        type=_json_object,
        metavar="JSON",
        help="additional fields of each job (default for azure: a trainingType)",
    )
    parser.add_argument(
        "--train",
        action="store_true",
        help="also train one job to its end and record its results; this takes minutes to hours",
    )
    parser.add_argument(
        "--project",
        metavar="ID",
        help="with --train and an admin key: another project of your organization, which receives a permission for "
        "the trained model for a few seconds",
    )
    parser.add_argument(
        "--minutes",
        type=_positive,
        default=120.0,
        help="maximum time to wait for the trained job (default: 120)",
    )
    parser.add_argument(
        "--price", type=_positive, help="USD per million trained tokens, if not in the catalog"
    )
    parser.add_argument(
        "--max-price", type=_positive, default=1.0, help="refuse to start above this (default: 1)"
    )
    _add_output(parser)
    parser.set_defaults(function=_record)


def _add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--output", type=Path, required=True, help="file for the recording; it must not exist"
    )
    parser.add_argument("--yes", action="store_true", help="start and save without a confirmation")


def _record(args: argparse.Namespace) -> int:
    settings, plan = _prepared(args)
    mode = run.emulator_mode_at(settings.base_url)
    _print_plan(settings, plan, args, mode)
    if not args.yes and input("Start? [y/N] ").strip().lower() not in ("y", "yes"):
        print("Nothing was sent.")
        return 0
    result = run.record(
        settings,
        plan,
        sleep=time.sleep,
        report=_report,
        training_seconds=args.minutes * 60,
        emulator_mode=mode,
    )
    return _offer(result, settings, args)


def _emulate(args: argparse.Namespace) -> int:
    _require_new(args.output)
    result = run.run_emulator(
        args.mode, None, options={"train": args.train, "grants": args.train}, report=_report
    )
    return _offer(result, Settings(api_key=run.EMULATED_KEY, admin_key=run.EMULATED_ADMIN_KEY), args)


def _compare(args: argparse.Namespace) -> int:
    recording = load(args.recording)
    mode = args.mode or run.mode_of(recording)
    other = run.run_like(recording, mode).recording
    differences = compare(recording, other)
    if args.json:
        print(json.dumps([difference._asdict() for difference in differences], indent=1))
        return DIFFERENT if differences else 0
    print(f"Recorded: {recording.origin}. Other: the emulator in the mode {mode}.")
    for step, place, recorded, emulated in differences:
        print(f"{step}: {place}: recorded {recorded}, emulated {emulated}")
    print(f"{len(differences)} differences in {len(recording.exchanges)} exchanges.")
    return DIFFERENT if differences else 0


def _prepared(args: argparse.Namespace) -> tuple[Settings, Plan]:
    """Return settings and plan. Raise before any request if something is missing."""
    _require_new(args.output)
    config = {
        "service": args.service,
        "baseUrl": args.base_url,
        "query": args.query,
        "apiKeyHeader": args.api_key_header,
    }
    settings = Settings.resolve(lambda key: config.get(key.removeprefix("openai-ft:")))
    settings.require_key(admin=False)
    model = args.model or DEFAULT_MODELS.get(args.service)
    if model is None:
        raise RecordingError(f"--service {args.service} has no default model: pass --model")
    if args.project and not (args.train and settings.admin_key):
        raise RecordingError("--project needs --train and an admin key in OPENAI_ADMIN_KEY")
    extra = DEFAULT_EXTRA_BODY.get(args.service, {}) if args.extra_body is None else args.extra_body
    return settings, Plan(
        args.service, model, args.train, args.project, bool(settings.admin_key), extra, run.new_token()
    )


def _print_plan(settings: Settings, plan: Plan, args: argparse.Namespace, mode: str | None) -> None:
    price = price_per_million(settings, plan.model, args.price)
    maximum = plan.max_price(price)
    if maximum > args.max_price:
        raise RecordingError(
            f"the maximum price is {_cents(maximum)} USD, above --max-price {args.max_price:g}: choose a cheaper model"
        )
    admin = f", admin key {mask_key(settings.admin_key)}" if settings.admin_key else ", no admin key"
    print(
        f"Service: {plan.service} at {settings.base_url}" + (f" (an emulator, mode {mode})" if mode else "")
    )
    print(f"Caller: {settings.caller(admin=False)}{admin}")
    print(f"Base model: {plan.model}; {ROWS} rows, 1 epoch")
    print("Steps:")
    recorder = Recorder(settings, plan.model)
    parts = Sequence(recorder, plan, args.minutes * 60).parts()
    recorder.close()
    for number, part in enumerate(parts, 1):
        print(f"  {number}. {part.__doc__}")
    print(f"  {len(parts) + 1}. Delete everything that was created.")
    print(
        f"Maximum price: {_cents(maximum)} USD, if the service accepted and trained every job to "
        f"its end ({plan.max_tokens():,} tokens at {price:g} USD per million). Jobs are cancelled at once"
        + (", except one." if plan.train else ".")
    )


def _offer(result: run.Result, settings: Settings, args: argparse.Namespace) -> int:
    """Show the recording, and save it if it is clean and the person agrees."""
    _show(result)
    while not args.yes:
        answer = input("Type `save`, `quit`, or a text that must not be in the file: ").strip()
        if answer == "quit":
            print("Nothing was saved.")
            return 0
        if answer == "save" and not result.leftovers:
            break
        if answer == "save":
            print(f"{FORBIDDEN} Type each of them, so that it is replaced.")
        elif answer:
            result = run.hidden(result, answer, settings)
            _show(result)
    if result.leftovers:
        raise RecordingError(f"{FORBIDDEN} Run without --yes to replace them.")
    try:
        with args.output.open("x", encoding="utf-8") as file:
            file.write(encode(msgspec.to_builtins(result.recording)))
    except OSError as error:
        raise RecordingError(f"cannot save the recording: {error}") from None
    print(f"Saved {args.output}.")
    return 0


def _show(result: run.Result) -> None:
    print(encode(msgspec.to_builtins(result.recording)))
    print("Replaced:")
    for kind, original, made in result.replacements.table():
        if kind != REQUEST_ID:
            print(f"  {kind}: {_shortened(original)} → {made}")
    print(f"  and {sum(kind == REQUEST_ID for kind, _, _ in result.replacements.table())} request ids")
    print("Texts of responses that stay:")
    for text in _remaining_texts(result):
        print(f"  {_shortened(text)}")
    for place, kind, text in result.leftovers:
        shown = mask_key(text) if kind == "key" else _shortened(text)
        print(f"NOT REPLACED: {place}: {kind}: {shown}")


def _remaining_texts(result: run.Result) -> list[str]:
    """Return the texts of response bodies, without replacements."""
    made = {replacement for _kind, _original, replacement in result.replacements.table()}
    trees: list[Any] = [
        [exchange.response.body, exchange.response.text] for exchange in result.recording.exchanges
    ]
    return sorted({text for tree in trees for _place, _name, text in strings(tree)} - made)


def _cents(price: float) -> str:
    return f"{math.ceil(price * 100) / 100:.2f}"


def _shortened(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= _LONGEST_SHOWN else f"{flat[: _LONGEST_SHOWN - 1]}…"


def _require_new(path: Path) -> None:
    if path.exists():
        raise RecordingError(f"{path} exists: choose another --output")
    if not path.parent.is_dir():
        raise RecordingError(
            f"the folder {path.parent} does not exist: create it, or choose another --output"
        )


def _report(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _json_object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise argparse.ArgumentTypeError(f"{text!r} is not a JSON object")
    return found


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not a number above 0")
    return value


if __name__ == "__main__":
    sys.exit(main())
