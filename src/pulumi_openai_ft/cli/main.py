"""The `openai-ft` command."""

from __future__ import annotations

import argparse
import sys
from importlib.metadata import version
from pathlib import Path

from pulumi_openai_ft._shared.clock import today
from pulumi_openai_ft.cli import estimate, validate
from pulumi_openai_ft.cli.doctor import checks
from pulumi_openai_ft.cli.doctor.report import Status, as_json, as_table
from pulumi_openai_ft.cli.init import initialize
from pulumi_openai_ft.errors import OpenAIFTError

INTERRUPTED = 130
Commands = argparse._SubParsersAction  # noqa: SLF001 - argparse gives what `add_subparsers` returns no other name

_INIT = """\
Makes a Pulumi project use this package's host of dynamic resources, which adds import, live progress, resuming after
Ctrl-C and functions to what Pulumi's own host does. Two things change: bin/pulumi-resource-pulumi-python is written,
and Pulumi.yaml gets these lines, everything else in it staying as it is:

  plugins:
    providers:
      - name: pulumi-python
        path: bin

Commit both. Running it again changes nothing, except that it brings the script up to date after an upgrade. To go back
to Pulumi's own host, take the lines out."""

_DOCTOR = """\
Tells what is missing for `pulumi up`: Pulumi, the project, its host, keys, the service. It asks the service for one
job, changes nothing and shows no key. The exit code is 1 if there is a problem; a warning is none."""


_POLICY_CHECK = """\
Asks the rules of the policy pack about what a stack has, without running its program, as of today: for nightly runs,
since a model may have come near its shutdown. It reads the stack's state through Pulumi and changes nothing. The exit
code is 1 if a mandatory rule is violated."""


def main(arguments: list[str] | None = None) -> int:
    """Runs one command.

    Returns:
        The exit code: 0 done, 1 failed, 130 interrupted. Wrong arguments end the program with 2.
    """
    try:
        given = _parser().parse_args(sys.argv[1:] if arguments is None else arguments)
        code: int = given.run(given)
    except KeyboardInterrupt:
        return INTERRUPTED
    except OpenAIFTError as error:
        print(f"openai-ft: {error}", file=sys.stderr)
        return 1
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="openai-ft", description="Fine-tuned models as code, with Pulumi.")
    parser.add_argument("--version", action="version", version=f"%(prog)s {version('pulumi-openai-ft')}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_init(commands)
    _add_doctor(commands)
    validate.add_to(commands)
    estimate.add_to(commands)
    _add_policy(commands)
    _add_emulator(commands)
    return parser


def _add_init(commands: Commands[argparse.ArgumentParser]) -> None:
    parser = _add_project_command(commands, "init", "make a project use this package's host", _INIT)
    parser.add_argument("--force", action="store_true", help="overwrite another program of the script's name")
    parser.add_argument("--policies", action="store_true", help="write a policy pack, too, into policies/")
    parser.set_defaults(run=_init)


def _init(given: argparse.Namespace) -> int:
    done = initialize(given.folder, force=given.force, policies=given.policies)
    for clause in done:
        print(clause)
    print(
        "commit what changed; `openai-ft doctor` tells what else is missing"
        if done
        else "all is there already"
    )
    return 0


def _add_doctor(commands: Commands[argparse.ArgumentParser]) -> None:
    parser = _add_project_command(commands, "doctor", "tell what is missing for `pulumi up`", _DOCTOR)
    parser.add_argument("--json", action="store_true", help="print a JSON list of check, status and message")
    parser.add_argument("--stack", help="whose configuration counts; default: the selected one's")
    parser.add_argument(
        "--with-secrets",
        action="store_true",
        help="have Pulumi decrypt the stack's secret settings, so that its key can be tried; they are not shown",
    )
    parser.set_defaults(run=_examine)


def _examine(given: argparse.Namespace) -> int:
    findings = checks.examine(given.folder, today(), stack=given.stack, disclose=given.with_secrets)
    print(as_json(findings) if given.json else as_table(findings))
    return int(any(finding.status is Status.PROBLEM for finding in findings))


def _add_policy(commands: Commands[argparse.ArgumentParser]) -> None:
    summary = "check a stack against the policy pack"
    policy = commands.add_parser("policy", help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
    inner = policy.add_subparsers(title="commands", required=True, metavar="COMMAND")
    parser = _add_project_command(inner, "check", "ask the rules about what a stack has", _POLICY_CHECK)
    parser.add_argument("--json", action="store_true", help="print a JSON list of what is violated")
    parser.add_argument("--stack", help="the stack; default: the selected one")
    parser.add_argument("--config", type=Path, metavar="FILE", help="the policy pack's configuration")
    parser.set_defaults(run=_check_policies)


def _check_policies(given: argparse.Namespace) -> int:
    try:
        from pulumi_openai_ft.cli import policy_check  # noqa: PLC0415 - needs the packages of an extra
    except ModuleNotFoundError as missing:
        return _say_what_to_install(missing, "this command", "policies")
    found = policy_check.check(given.folder, given.stack, given.config)
    print(policy_check.as_json(found) if given.json else policy_check.as_table(found))
    return int(any(violation.is_mandatory for violation in found))


def _add_project_command(
    commands: Commands[argparse.ArgumentParser], name: str, summary: str, description: str
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=summary,
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "folder",
        nargs="?",
        type=Path,
        default=Path(),
        metavar="FOLDER",
        help="the project's; default: this one",
    )
    return parser


def _add_emulator(commands: Commands[argparse.ArgumentParser]) -> None:
    summary = "serve OpenAI's fine-tuning API on this machine"
    try:
        from pulumi_openai_ft.emulator import command  # noqa: PLC0415 - needs the packages of an extra
    except ModuleNotFoundError as missing:
        parser = commands.add_parser("emulator", help=f"{summary} (not installed)")
        parser.set_defaults(
            run=lambda _given, missing=missing: _say_what_to_install(missing, "the emulator", "emulator")
        )
        return
    parser = commands.add_parser("emulator", help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
    command.add_arguments(parser)
    parser.set_defaults(run=command.run)


def _say_what_to_install(missing: ModuleNotFoundError, what: str, extra: str) -> int:
    package = str(missing.name).split(".")[0]
    print(
        f"openai-ft: {what} needs the package {package!r}: install the extra `{extra}` (docs/install.md)",
        file=sys.stderr,
    )
    return 1
