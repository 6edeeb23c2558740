"""Write `serve.toml`: a new file with comments, and changes of its keys that keep the rest of the file."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomlkit
from tomlkit.items import Array

from pulumi_openai_ft.serve.config import parse_keys, read_keys, read_text
from pulumi_openai_ft.serve.errors import ServeError
from pulumi_openai_ft.server.file_lock import lock

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pulumi_openai_ft.serve.keys import Key

_NEW_FILE_MODE = 0o600
_TEMPLATE = """\
# Configuration of `openai-ft serve`; docs/self-hosting.md explains each key. A line such as `#lora_r = 16` states a
# default: remove the # to change it. Paths are relative to this file. Check it with `openai-ft serve doctor`.

# Name of the organization in the names of tuned models, ft:BASE:ORGANIZATION:SUFFIX:ID.
#organization = "local"

# Folder with everything that the service stores. Back it up with `openai-ft serve backup FILE`.
#data = "data"

# A base model. Repeat the table for each model. The folder contains safetensors files, a tokenizer and config.json.
# Requests may use an alias, so that a program that names gpt-4o-mini needs no edit.
[[base]]
id = {id}
path = {path}
aliases = {aliases}
max_length = {max_length}
#methods = ["supervised", "dpo"]
#lora_r = 16
#lora_alpha = 32
#learning_rate = 2e-4

# A base model of a hub. `openai-ft serve --allow-download` downloads it to the data folder, once.
# [[base]]
# id = "qwen"
# hub = "organization/model"
# revision = "main"

# Each slot trains a job; other jobs wait. With gpus, each slot has its GPU and slots is their number by default.
[training]
#slots = 1
#gpus = []
# Python of the environment with the extra `train`, if another Python runs the service:
# python = "/opt/train/bin/python"

[engine]
#type = "local"
# To train on a Ray cluster (docs/cluster.md), with these resources for each worker of a training run:
#   type = "ray"
#   address = "http://127.0.0.1:8265"
#   token_env = "RAY_AUTH_TOKEN"
#   token_file = "ray-token"  # instead of token_env
#   memory = "16 GiB"
#   accelerator_type = "A100"
#   runtime_env.pip = ["package"]
#   runtime_env.image = "team/train:1"  # instead of pip
#   runtime_env.env_vars = {{ LANG = "C.UTF-8" }}
#python = "python"
#workers = 1
#cpus = 1
#gpus = 0

# By default, an embedded engine serves the models, slowly. For real traffic, name a vLLM server (loopback or https).
# The embedded engine uses the first GPU, unless `device` keeps it off the GPUs of training ("cpu", or another GPU).
[serving]
# device = "cuda:1"
# vllm = "http://127.0.0.1:8001/v1"
# vllm_key_env = "VLLM_API_KEY"

[limits]
#body_bytes = "8 MiB"
#file_bytes = "512 MiB"
#upload_bytes = "8 GiB"
#free_disk_bytes = "5 GiB"
#queued_jobs_per_key = 20
#max_tokens = 4096
#requests_in_flight = 64

# For hosts other than loopback, without a proxy:
# [tls]
# certificate = "/etc/ssl/serve.pem"
# key = "/etc/ssl/serve.key"

# Jobs may use Weights & Biases if the service's environment has a key for their project.
[wandb]
# key_env = "WANDB_API_KEY"
# project_key_env = {{ proj_default = "WANDB_API_KEY_DEFAULT" }}

# API keys, as hashes. Add a key with `openai-ft serve key add`.
"""


def new_config(*, id_: str, path: str, aliases: Sequence[str], max_length: int) -> str:
    """Return the text of a new configuration file with one base model."""
    values = {"id": id_, "path": path, "aliases": list(aliases), "max_length": max_length}
    return _TEMPLATE.format(**{name: tomlkit.item(value).as_string() for name, value in values.items()})


def create_config(path: Path, text: str, keys: Sequence[Key]) -> None:
    """Create a configuration file that only its owner can read.

    Raises:
        ServeError: The file exists, or cannot be written.
    """
    with _locked_folder(path):
        if path.exists():
            raise ServeError(f"{path} already exists: edit it, or choose another file with --config")
        _replace(path, _with_keys(text, keys), _NEW_FILE_MODE)


def add_key(path: Path, key: Key) -> None:
    """Add a key to a configuration file.

    Raises:
        ServeError: The file contains mistakes, or cannot be read or written.
    """
    with _locked_folder(path):
        read_keys(path)
        _write(path, _with_keys(read_text(path), [key]))


def remove_key(path: Path, masked: str) -> Key:
    """Remove the key with a masked form, as `serve key list` prints it, and return its entry.

    Raises:
        ServeError: None or several keys have this form, or the file cannot be read or written.
    """
    with _locked_folder(path):
        keys = read_keys(path)
        found = [index for index, key in enumerate(keys) if key.masked == masked]
        if len(found) != 1:
            reason = f"{len(found)} keys have this form: remove a table [[key]] yourself"
            unknown = "no key has this form: see `openai-ft serve key list`"
            raise ServeError(f"{path}: {masked!r}: {reason if found else unknown}")
        document = tomlkit.parse(read_text(path))
        _entries(document).pop(found[0])
        _write(path, tomlkit.dumps(document))
        return keys[found[0]]


def _with_keys(text: str, keys: Sequence[Key]) -> str:
    document = tomlkit.parse(text)
    if "key" not in document:
        document["key"] = tomlkit.aot()
    entries = _entries(document)
    for key in keys:
        table = tomlkit.inline_table() if isinstance(entries, Array) else tomlkit.table()
        table.update(key.model_dump(exclude_none=True, exclude_defaults=True))
        entries.append(table)
    return tomlkit.dumps(document)


def _entries(document: tomlkit.TOMLDocument) -> Any:
    return document["key"]


def _write(path: Path, text: str) -> None:
    """Replace an existing file, unless its keys could then not be read."""
    parse_keys(text, path)
    _replace(path.resolve(), text, path.stat().st_mode & 0o777)


def _replace(path: Path, text: str, mode: int) -> None:
    try:
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, delete=False) as draft:
            try:
                draft.write(text)
                draft.flush()
                os.fsync(draft.fileno())
                Path(draft.name).chmod(mode)
                Path(draft.name).replace(path)
            finally:
                Path(draft.name).unlink(missing_ok=True)
    except OSError as error:
        raise ServeError(f"{path} cannot be written: {error.strerror}") from error


@contextmanager
def _locked_folder(path: Path) -> Iterator[None]:
    """Let only one command at a time change the file. The lock is on the folder, so that no further file is needed."""
    try:
        folder = os.open(path.resolve().parent, os.O_RDONLY)
    except OSError as error:
        raise ServeError(f"{path.parent} cannot be opened: {error.strerror}") from error
    try:
        _lock(folder, path)
        yield
    finally:
        os.close(folder)


def _lock(folder: int, path: Path) -> None:
    try:
        lock(folder)
    except OSError as error:
        raise ServeError(
            f"the file system of {path.parent} refuses locks ({error.strerror}), without which two commands could overwrite "
            f"each other's changes: move {path.name} to a local disk"
        ) from error
