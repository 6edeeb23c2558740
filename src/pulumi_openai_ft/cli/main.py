"""The `openai-ft` command."""

from __future__ import annotations

import argparse
import io
import os
import sys
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import TextIO

from pulumi_openai_ft._shared.clock import today
from pulumi_openai_ft._shared.time_limits import FILE_PROCESSING_SECONDS
from pulumi_openai_ft.cli import estimate, new, pulumi_cli, validate
from pulumi_openai_ft.cli.argument_parser import ArgumentParser, add_project_command
from pulumi_openai_ft.cli.doctor import checks
from pulumi_openai_ft.cli.doctor.report import Status, as_json, as_table
from pulumi_openai_ft.cli.exit_codes import UNREADABLE
from pulumi_openai_ft.cli.export import command as export
from pulumi_openai_ft.cli.imports import command as imports
from pulumi_openai_ft.cli.init import initialize
from pulumi_openai_ft.cli.look import commands as look
from pulumi_openai_ft.cli.missing_packages import report_missing_package
from pulumi_openai_ft.cli.report import command as report
from pulumi_openai_ft.errors import OpenAIFTError

INTERRUPTED = 130
Commands = argparse._SubParsersAction  # noqa: SLF001 - argparse has no public name for the result of `add_subparsers`

_INIT = """\
Makes a Pulumi project use this package's host for dynamic resources. Compared with Pulumi's own host, it adds import,
live progress, resuming after Ctrl-C, and functions. The command writes bin/pulumi-resource-pulumi-python and adds these
lines to Pulumi.yaml; the rest of the file is unchanged:

  plugins:
    providers:
      - name: pulumi-python
        path: bin

Commit both files. After you upgrade this package, run the command again to update the script. To return to Pulumi's own
host, remove the lines."""

_DOCTOR = """\
Checks everything that `pulumi up` needs: Pulumi, the project, its host, the API keys and the service. It sends a single
read-only request to the service, changes no files, and prints no keys. Exits with 1 if any check reports a problem;
warnings do not count."""


_POLICY_CHECK = """\
Evaluates the policy pack against a stack's current state, as of today, without running your program. Use it in nightly
jobs, for example to detect models that are close to their shutdown date. It reads the state through Pulumi and changes
nothing. Exits with 1 if a mandatory rule is violated."""


def main(arguments: list[str] | None = None) -> int:
    """Run a command.

    Returns:
        The exit code: 0 for success, 1 for failure, 2 for unreadable files or an output that cannot be written, 130
        after Ctrl-C.

    Raises:
        SystemExit: The arguments are invalid; the exit code is 2.
    """
    _replace_closed_streams()
    try:
        given = sys.argv[1:] if arguments is None else arguments
        parsed = _parser(loads_serve="serve" in given).parse_args(given)
        _escape_unprintable(sys.stdout)
        code: int = parsed.run(parsed)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except OpenAIFTError as error:
        print(f"openai-ft: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        return _report_system_error(error)
    return code


def _replace_closed_streams() -> None:
    """Discard what is written to a closed stream. A file that is opened later would otherwise receive it."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115 - open until the end


def _escape_unprintable(stream: TextIO) -> None:
    """Write characters that a terminal's encoding lacks as escapes instead of failing."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")


def _report_system_error(error: OSError) -> int:
    """Report an error of the operating system, such as a full disk. A closed pipe is not reported."""
    with suppress(
        OSError, ValueError, io.UnsupportedOperation
    ):  # Python writes the rest of the output when it ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if not isinstance(error, BrokenPipeError):
        with suppress(OSError):
            print(f"openai-ft: {_system_error(error)}", file=sys.stderr)
    return UNREADABLE


def _system_error(error: OSError) -> str:
    reason = (error.strerror or str(error)).lower()
    if error.filename:
        return f"{error.filename!r}: {reason}"
    if isinstance(error, FileNotFoundError):  # only the search for the current folder names no file
        return "the current folder no longer exists: change to another folder"
    return f"the output cannot be written: {reason}"


def _parser(*, loads_serve: bool) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = ArgumentParser(
        prog="openai-ft",
        description="Manage OpenAI fine-tuning with Pulumi.",
        epilog=f"`pulumi up` waits up to {FILE_PROCESSING_SECONDS / 60:.0f} minutes until the service has processed an uploaded "
        "file. Press Ctrl-C to stop; the next `pulumi up` continues to wait.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {version('pulumi-openai-ft')}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    new.add_to(commands)
    _add_init(commands)
    _add_doctor(commands)
    validate.add_to(commands)
    estimate.add_to(commands)
    imports.add_to(commands)
    export.add_to(commands)
    _add_policy(commands)
    look.add_to(commands)
    report.add_to(commands)
    _add_emulator(commands)
    _add_serve(commands, loads=loads_serve)
    return parser


def _add_init(commands: Commands[argparse.ArgumentParser]) -> None:
    parser = add_project_command(commands, "init", "set up a project to use this package's host", _INIT)
    parser.add_argument(
        "--force", action="store_true", help="overwrite another program that has the script's name"
    )
    parser.add_argument("--policies", action="store_true", help="also write a policy pack to policies/")
    parser.set_defaults(run=_init)


def _init(arguments: argparse.Namespace) -> int:
    changes = initialize(arguments.folder, force=arguments.force, policies=arguments.policies)
    for change in changes:
        print(change)
    print("Commit the changes, then run `openai-ft doctor`." if changes else "Already up to date.")
    if pulumi_cli.command_path() is None:
        print(f"{pulumi_cli.MISSING}.")
    return 0


def _add_doctor(commands: Commands[argparse.ArgumentParser]) -> None:
    parser = add_project_command(commands, "doctor", "check everything that `pulumi up` needs", _DOCTOR)
    parser.add_argument("--json", action="store_true", help="print a JSON list of check, status and message")
    parser.add_argument("--stack", help="stack whose configuration is checked (default: the selected stack)")
    parser.add_argument(
        "--with-secrets",
        action="store_true",
        help="decrypt the secret settings of the stack through Pulumi, to test its API key; secrets are not printed",
    )
    parser.set_defaults(run=_examine)


def _examine(arguments: argparse.Namespace) -> int:
    findings = checks.examine(
        arguments.folder, today(), stack=arguments.stack, disclose=arguments.with_secrets
    )
    print(as_json(findings) if arguments.json else as_table(findings))
    return int(any(finding.status is Status.PROBLEM for finding in findings))


def _add_policy(commands: Commands[argparse.ArgumentParser]) -> None:
    summary = "check a stack against the policy pack"
    policy = commands.add_parser("policy", help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
    inner = policy.add_subparsers(title="commands", required=True, metavar="COMMAND")
    parser = add_project_command(
        inner, "check", "evaluate the policies against a stack's state", _POLICY_CHECK
    )
    parser.add_argument("--json", action="store_true", help="print a JSON list of violations")
    parser.add_argument("--stack", help="name of the stack (default: the selected stack)")
    parser.add_argument("--config", type=Path, metavar="FILE", help="configuration of the policy pack")
    parser.set_defaults(run=_check_policies)


def _check_policies(arguments: argparse.Namespace) -> int:
    try:
        from pulumi_openai_ft.cli import policy_check  # noqa: PLC0415 - needs the packages of an extra
    except ModuleNotFoundError as missing:
        return report_missing_package(missing, "this command", "policies")
    violations = policy_check.check(arguments.folder, arguments.stack, arguments.config)
    print(policy_check.as_json(violations) if arguments.json else policy_check.as_table(violations))
    return int(any(violation.is_mandatory for violation in violations))


def _add_emulator(commands: Commands[argparse.ArgumentParser]) -> None:
    summary = "run an emulator of OpenAI's fine-tuning API on this machine"
    try:
        from pulumi_openai_ft.emulator import command  # noqa: PLC0415 - needs the packages of an extra
    except ModuleNotFoundError as missing:
        _add_missing(commands, "emulator", summary, missing)
        return
    parser = commands.add_parser("emulator", help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
    command.add_arguments(parser)
    parser.set_defaults(run=command.run)


def _add_serve(commands: Commands[argparse.ArgumentParser], *, loads: bool) -> None:
    """Add the command `serve`. Its modules are loaded only for itself, because they would slow down other commands."""
    summary = "run a service that trains open-weight models on this machine"
    if not loads:
        commands.add_parser("serve", help=summary)
        return
    try:
        from pulumi_openai_ft.serve import command  # noqa: PLC0415 - needs the packages of an extra
    except ModuleNotFoundError as missing:
        _add_missing(commands, "serve", summary, missing)
        return
    parser = commands.add_parser(
        "serve",
        help=summary,
        description=command.DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_arguments(parser)


def _add_missing(
    commands: Commands[argparse.ArgumentParser], name: str, summary: str, missing: ModuleNotFoundError
) -> None:
    """Add a command that only reports which extra it needs. The extra has the command's name."""
    parser = commands.add_parser(name, help=f"{summary} (not installed)")
    parser.set_defaults(run=lambda _arguments: report_missing_package(missing, f"`openai-ft {name}`", name))
