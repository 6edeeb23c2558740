"""The command `openai-ft serve` and its subcommands."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ByteSize

from pulumi_openai_ft.serve import backup, config_file, doctor
from pulumi_openai_ft.serve.catalog import client_catalog
from pulumi_openai_ft.serve.config import CONFIG_FILE, Base, ServeConfig, Tls, load_config, read_keys
from pulumi_openai_ft.serve.errors import ServeError
from pulumi_openai_ft.serve.keys import DEFAULT_PROJECT, PROJECT_PATTERN, Key, make_key
from pulumi_openai_ft.serve.listener import DEFAULT_HOST, DEFAULT_PORT, Listener
from pulumi_openai_ft.serve.weights import context_length, weight_problems
from pulumi_openai_ft.server.arguments import port

DESCRIPTION = """\
Runs a service with OpenAI's fine-tuning API on this machine. It trains and serves open-weight models.
Without a subcommand, it starts the service, which runs until you press Ctrl-C. Training runs continue when the service
is started again.

  openai-ft serve init --model FOLDER   write serve.toml and make the first keys
  openai-ft serve doctor                check weights, training environment, GPUs and disk
  openai-ft serve                       start at http://127.0.0.1:8000/v1

By default, only this machine can reach the service. Another --host needs --tls-cert and --tls-key, or --behind-proxy."""

_INIT = """\
Writes a configuration file with comments, makes a project key and an admin key, and prints them with the commands that
set them in a Pulumi stack. The file contains only their hashes, so this is the only time that you see the keys."""
_KEY_ADD = """\
Makes a key, adds its hash to the configuration file, and prints the key. This is the only time that you see it. A
running service accepts the key at once. Without --admin, the key belongs to a project; with --admin, it manages
checkpoint permissions and nothing else."""
_CATALOG = """\
Prints the base models as a JSON object for the setting `openai-ft:catalog`. Policy packs and commands that send no
request read the models from there:

  pulumi config set openai-ft:catalog "$(openai-ft serve catalog)\""""
_DOCTOR = """\
Checks the configuration file, the folders of the base models, the Python of the training environment, GPUs and disk.
Changes nothing. Exits with 1 if any check reports a problem; warnings do not count."""
_BACKUP = """\
Writes the data folder to a tar file. The service and its training runs may continue in the meantime. The file contains
your training data, so only you can read it. It contains neither base models nor the configuration file."""
_RESTORE = """\
Restores a backup to the data folder of the configuration file, which must not exist or be empty. Start the service
afterwards: training runs continue from their last checkpoint."""

Commands = argparse._SubParsersAction  # noqa: SLF001 - argparse has no public name for the result of `add_subparsers`
Run = Callable[[argparse.Namespace], int]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options and subcommands of `openai-ft serve` to a parser."""
    _add_config(parser, default=Path(CONFIG_FILE))
    parser.add_argument("--host", default=DEFAULT_HOST, help="address to listen on (default: %(default)s)")
    parser.add_argument(
        "--port", type=port, default=DEFAULT_PORT, help="port; 0 selects a free port (default: %(default)s)"
    )
    parser.add_argument(
        "--tls-cert", type=Path, metavar="FILE", help="certificate and its chain (default: tls.certificate)"
    )
    parser.add_argument(
        "--tls-key", type=Path, metavar="FILE", help="private key of the certificate (default: tls.key)"
    )
    parser.add_argument(
        "--behind-proxy",
        action="store_true",
        help="a proxy on a trusted network terminates TLS and forwards requests",
    )
    parser.add_argument(
        "--allow-download",
        action="store_true",
        help="download the base models that `hub` names, if the data folder does not contain them yet",
    )
    parser.set_defaults(run=_reporting(_start))
    commands = parser.add_subparsers(title="subcommands", metavar="SUBCOMMAND")
    _add_init(commands)
    _add_key(commands)
    _add_command(commands, "catalog", "print the base models for openai-ft:catalog", _CATALOG, _print_catalog)
    examine = _add_command(commands, "doctor", "check everything that the service needs", _DOCTOR, _examine)
    examine.add_argument("--json", action="store_true", help="print a JSON list of check, status and message")
    for name, summary, description, run in (
        ("backup", "write the data folder to a file", _BACKUP, _back_up),
        ("restore", "restore the data folder from a backup", _RESTORE, _restore),
    ):
        command = _add_command(commands, name, summary, description, run)
        command.add_argument("file", type=Path, metavar="FILE", help="tar file of the backup")


def _add_init(commands: Commands[argparse.ArgumentParser]) -> None:
    parser = _add_command(commands, "init", "write serve.toml and make the first keys", _INIT, _init)
    parser.add_argument(
        "--model", type=Path, metavar="FOLDER", help="folder of a base model in the format safetensors"
    )
    parser.add_argument("--id", metavar="NAME", help="id of the base model (default: the name of its folder)")
    parser.add_argument(
        "--alias",
        action="append",
        default=[],
        metavar="NAME",
        help="other name of the base model, such as gpt-4o-mini, so that programs need no edit; repeatable",
    )
    parser.add_argument(
        "--project", default=DEFAULT_PROJECT, type=_project, help="project of the key (default: %(default)s)"
    )


def _add_key(commands: Commands[argparse.ArgumentParser]) -> None:
    summary = "add, list and remove API keys"
    keys = commands.add_parser("key", help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
    inner = keys.add_subparsers(title="subcommands", required=True, metavar="SUBCOMMAND")
    add = _add_command(inner, "add", "make a key and print it once", _KEY_ADD, _add_new_key)
    add.add_argument(
        "--project", type=_project, metavar="PROJECT", help="project of the key; with --admin, only a note"
    )
    add.add_argument("--admin", action="store_true", help="make an admin key")
    _add_command(
        inner, "list", "list the keys without their texts", "Lists the keys without their texts.", _list_keys
    )
    remove = _add_command(
        inner, "remove", "remove a key", "Removes a key. A running service refuses it at once.", _remove_key
    )
    remove.add_argument("key", metavar="KEY", help="key as `openai-ft serve key list` prints it")


def _add_command(
    commands: Commands[argparse.ArgumentParser], name: str, summary: str, description: str, run: Run
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=summary, description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    _add_config(parser, default=argparse.SUPPRESS)  # a default would replace an option before the subcommand
    parser.set_defaults(run=_reporting(run))
    return parser


def _add_config(parser: argparse.ArgumentParser, default: Any) -> None:
    parser.add_argument(
        "--config",
        type=Path,
        default=default,
        metavar="FILE",
        help=f"configuration file (default: {CONFIG_FILE})",
    )


def _reporting(run: Run) -> Run:
    """Return a command that reports errors and then exits with 1."""

    def reporting(arguments: argparse.Namespace) -> int:
        try:
            return run(arguments)
        except ServeError as error:
            print(f"openai-ft serve: {error}", file=sys.stderr)
            return 1

    return reporting


def _start(arguments: argparse.Namespace) -> int:
    config = load_config(arguments.config, may_download=arguments.allow_download)
    listener = Listener(arguments.host, arguments.port, _tls(arguments, config), arguments.behind_proxy)
    listener.check(config)
    if config.engine.type == "ray":
        from pulumi_openai_ft.serve.engines.ray.setup import check_token  # noqa: PLC0415 - imports httpx

        check_token(config)
    if (name := config.serving.vllm_key_env) and not os.environ.get(name):
        raise ServeError(
            f"{arguments.config}: serving.vllm_key_env is {name}, which is not set: set it and start again"
        )
    try:
        from pulumi_openai_ft.serve import server  # noqa: PLC0415 - subcommands need no web server
    except ModuleNotFoundError as missing:
        raise ServeError(
            f"the package {missing.name!r} is missing: install the extra `serve` (docs/install.md)"
        ) from None
    return server.run(config, listener, config_file=arguments.config)


def _tls(arguments: argparse.Namespace, config: ServeConfig) -> Tls | None:
    certificate, key = arguments.tls_cert, arguments.tls_key
    if (certificate is None) != (key is None):
        raise ServeError("--tls-cert and --tls-key belong together: set both")
    return config.tls if certificate is None else Tls(certificate=certificate.absolute(), key=key.absolute())


def _init(arguments: argparse.Namespace) -> int:
    today = datetime.now(UTC).date()
    text = _new_config(arguments)
    project_key, project_entry = make_key(project=arguments.project, admin=False, today=today)
    admin_key, admin_entry = make_key(project=None, admin=True, today=today)
    config_file.create_config(arguments.config, text, [project_entry, admin_entry])
    print(f"Wrote {arguments.config}. It contains only hashes of these keys, which are not shown again:\n")
    labels = f"project key of {arguments.project}", "admin key"
    for label, key in zip(labels, (project_key, admin_key), strict=True):
        print(f"  {label:<{len(labels[0])}}  {key}")
    print()
    print("Set them in your Pulumi project:\n")
    for line in (
        "openai-ft:service self-hosted",
        f"openai-ft:baseUrl http://{DEFAULT_HOST}:{DEFAULT_PORT}/v1",
        f"--secret openai-ft:apiKey {project_key}",
        f"--secret openai-ft:adminKey {admin_key}",
    ):
        print(f"  pulumi config set {line}")
    if arguments.model is None:
        print(
            f"\nNext, edit base[0] in {arguments.config}, run `openai-ft serve doctor`, and then `openai-ft serve`."
        )
    else:
        print("\nNext, run `openai-ft serve doctor`, and then `openai-ft serve`.")
    return 0


def _new_config(arguments: argparse.Namespace) -> str:
    folder: Path | None = arguments.model
    longest = Base.model_fields["max_length"].default
    if folder is None:
        id_ = arguments.id or "my-model"
        return config_file.new_config(
            id_=id_, path=f"models/{id_}", aliases=arguments.alias, max_length=longest
        )
    folder = Path(os.path.normpath(folder.expanduser().absolute()))
    if problems := weight_problems(folder):
        raise ServeError(f"--model: {'; '.join(problems)}")
    return config_file.new_config(
        id_=arguments.id or re.sub(r"[^A-Za-z0-9._-]+", "-", folder.name).strip("-._"),
        path=str(folder),
        aliases=arguments.alias,
        max_length=min(longest, context_length(folder) or longest),
    )


def _add_new_key(arguments: argparse.Namespace) -> int:
    if not (arguments.admin or arguments.project):
        raise ServeError(f"a key needs --project, such as --project {DEFAULT_PROJECT}, or --admin")
    text, entry = make_key(project=arguments.project, admin=arguments.admin, today=datetime.now(UTC).date())
    config_file.add_key(arguments.config, entry)
    setting = "adminKey" if arguments.admin else "apiKey"
    print(text)
    _hint(f"This key is not shown again. Set it: pulumi config set --secret openai-ft:{setting}")
    return 0


def _list_keys(arguments: argparse.Namespace) -> int:
    keys = read_keys(arguments.config)
    if not keys:
        _hint("No keys. Add a key: openai-ft serve key add --project proj_default")
    for key in keys:
        print(_row(key))
    return 0


def _row(key: Key) -> str:
    kind = "admin" if key.admin else "project"
    return f"{key.masked:<14}  {kind:<7}  {key.project or '-':<24}  {key.created or ''}".rstrip()


def _remove_key(arguments: argparse.Namespace) -> int:
    print(f"Removed {_row(config_file.remove_key(arguments.config, arguments.key))}")
    return 0


def _print_catalog(arguments: argparse.Namespace) -> int:
    print(json.dumps(client_catalog(load_config(arguments.config, check_weights=False))))
    return 0


def _examine(arguments: argparse.Namespace) -> int:
    findings = doctor.examine(arguments.config)
    if arguments.json:
        print(json.dumps([finding._asdict() for finding in findings], indent=2, ensure_ascii=False))
    else:
        for finding in findings:
            print(f"{finding.status:<7}  {finding.check:<8}  {finding.message}")
    return int(any(finding.status == doctor.PROBLEM for finding in findings))


def _back_up(arguments: argparse.Namespace) -> int:
    data = load_config(arguments.config, check_weights=False).data
    size = backup.back_up(data, arguments.file)
    print(f"Wrote {arguments.file}, {ByteSize(size).human_readable(separator=' ')}.")
    return 0


def _restore(arguments: argparse.Namespace) -> int:
    data = load_config(arguments.config, check_weights=False).data
    backup.restore(arguments.file, data)
    print(f"Restored {data}.")
    return 0


def _hint(text: str) -> None:
    print(text, file=sys.stderr)


def _project(text: str) -> str:
    if not re.fullmatch(PROJECT_PATTERN, text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a project such as {DEFAULT_PROJECT}")
    return text
