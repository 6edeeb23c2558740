"""The configuration of the service, `serve.toml`. docs/self-hosting.md lists its keys.

`load_config` reports all mistakes at once, each in a sentence with the key's path, such as `base[1].path`.
"""

from __future__ import annotations

import os
import re
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ByteSize,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    model_validator,
)

from pulumi_openai_ft.serve.addresses import checked_address
from pulumi_openai_ft.serve.answers.vllm_address import checked_address as checked_vllm_address
from pulumi_openai_ft.serve.child_environment import is_secret
from pulumi_openai_ft.serve.config_mistakes import duplicate_names, schema_mistakes
from pulumi_openai_ft.serve.errors import ConfigError, ServeError
from pulumi_openai_ft.serve.keys import PROJECT_PATTERN, Key
from pulumi_openai_ft.serve.weights import DOWNLOADS, context_length, weight_problems

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic.fields import FieldInfo

CONFIG_FILE = "serve.toml"
RAY_SLOTS = 100
"""Default number of training runs that Ray receives at the same time, waiting ones included."""
Method = Literal["supervised", "dpo"]


def _absolute(path: Path, info: ValidationInfo) -> Path:
    """Return the path relative to the folder of the configuration file, which is the context of the validation."""
    return Path(os.path.normpath((info.context or Path.cwd()) / path.expanduser()))


def _not_empty(entries: tuple[Any, ...]) -> tuple[Any, ...]:
    """Reject an empty list. `min_length` would also count invalid entries as missing."""
    if not entries:
        raise ValueError("must not be empty")
    return entries


def _vllm_address(address: str) -> str:
    checked_vllm_address(address)
    return address


def _ray_address(address: str) -> str:
    return checked_address(address, "Ray", "http://127.0.0.1:8265")


def _not_secret(variables: dict[str, str]) -> dict[str, str]:
    """Reject variables that look like secrets: everyone with the cluster's token can read them."""
    for name in filter(is_secret, variables):
        raise ValueError(
            f"{name} looks like a secret, which Ray would show: set it on the machines of the cluster"
        )
    return variables


def _device(name: str) -> str:
    if not re.fullmatch(r"cpu|cuda(:[0-9]+)?", name):
        raise ValueError(f"{name!r} is not a device: must be cpu, cuda or cuda:N, such as cuda:1")
    return name


Location = Annotated[Path, Field(strict=False), AfterValidator(_absolute)]
Count = Annotated[int, Field(ge=1)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)]
Repository = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=200)
]
Variable = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


class Table(BaseModel):
    """A table of the file. Unknown keys are mistakes, and values are not converted between types."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        defer_build=True,  # commands that read no configuration start faster
        populate_by_name=True,
    )


class Base(Table):
    """A base model, `[[base]]`."""

    id: Name
    """Name of the model, also in the names of models that are tuned from it."""
    path: Location | None = None
    """Folder with the model's safetensors files, its tokenizer and its `config.json`."""
    hub: Repository | None = None
    """Name of the model on a hub, `organization/model`, instead of `path`. It is downloaded to the data folder once."""
    revision: Name = "main"
    """Branch, tag or commit of the model on the hub."""
    aliases: tuple[Name, ...] = ()
    """Other names that requests may use, such as `gpt-4o-mini`, so that programs need no edit."""
    methods: Annotated[tuple[Method, ...], AfterValidator(_not_empty)] = ("supervised", "dpo")
    """Training methods that the service offers for the model."""
    lora_r: Count = 16
    """Rank of the LoRA adapters."""
    lora_alpha: Count = 32
    """Scale of the LoRA adapters."""
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 2e-4
    """Learning rate of a job whose `learning_rate_multiplier` is 1 or `auto`."""
    max_length: Count = 2048
    """Maximum number of tokens of a training example and of a conversation."""

    @model_validator(mode="after")
    def _has_one_source(self) -> Self:
        if (self.path is None) == (self.hub is None):
            found = (
                "neither path, the folder of the model, nor hub" if self.path is None else "both path and hub"
            )
            raise ValueError(f"has {found}, its name on a hub: set exactly one of them")
        if self.hub is None and "revision" in self.model_fields_set:
            raise ValueError("revision belongs to hub, which is not set: remove it")
        return self


class Training(Table):
    """Training runs, `[training]`."""

    slots: Count | None = None
    """Number of training runs at the same time. By default 1, the number of entries of `gpus`, or 100 on Ray."""
    gpus: tuple[Annotated[int, Field(ge=0)] | str, ...] = ()
    """GPUs for the slots, as in `CUDA_VISIBLE_DEVICES`. By default a training run sees all GPUs."""
    python: Location = Field(default_factory=lambda: Path(sys.executable))
    """Python of the environment with the extra `train`. By default the Python that runs the service."""


class RuntimeEnvironment(Table):
    """Ray's runtime environment of the training runs, `[engine.runtime_env]`."""

    image: Annotated[str, Field(pattern=r"^\S+$")] | None = None
    """Container image in which Ray runs the trainers (`image_uri`)."""
    pip: tuple[str, ...] = ()
    """Packages that Ray installs for the trainers."""
    env_vars: Annotated[dict[Variable, str], AfterValidator(_not_secret)] = Field(default_factory=dict)
    """Environment variables of the trainers. They must not be secrets, because Ray shows them."""

    @model_validator(mode="after")
    def _has_image_or_packages(self) -> Self:
        if self.image is not None and self.pip:
            raise ValueError("Ray refuses image together with pip: install the packages in the image")
        return self


class Engine(Table):
    """Where training runs, `[engine]`."""

    type: Literal["local", "ray"] = "local"
    """`local`: on the machine of the service. `ray`: on a Ray cluster, with the settings below."""
    address: Annotated[str, AfterValidator(_ray_address)] | None = None
    """Base URL of the cluster's dashboard: https, or http on loopback."""
    token_env: Variable | None = None
    """Environment variable with the cluster's token."""
    token_file: Location | None = None
    """File with the cluster's token, instead of `token_env`. It is read again for each call."""
    python: Annotated[str, Field(min_length=1)] = "python"
    """Python with the extra `train` on the machines of the cluster, such as `/opt/train/bin/python`."""
    workers: Count = 1
    """Number of workers of each training run. Several ones train under Ray Train, on CPUs."""
    cpus: Count = 1
    """CPUs of each worker."""
    gpus: Annotated[int, Field(ge=0)] = 0
    """GPUs of each worker."""
    memory: ByteSize | None = None
    """Memory to reserve for a training run, such as `16 GiB`."""
    accelerator_type: Name | None = None
    """Type of the GPUs in Ray's words, such as `A100`."""
    runtime_env: RuntimeEnvironment = Field(default_factory=RuntimeEnvironment)
    """Ray's runtime environment of the training runs."""

    @model_validator(mode="after")
    def _has_settings_of_its_type(self) -> Self:
        if self.type == "local":
            others = [name for name, field in Engine.model_fields.items() if _differs(self, name, field)]
            if others:
                raise ValueError(f'{others[0]} belongs to type = "ray": remove it, or set type')
            return self
        if self.address is None:
            raise ValueError("ray needs address, such as http://127.0.0.1:8265")
        if (self.token_env is None) == (self.token_file is None):
            raise ValueError(
                "ray needs the cluster's token: set exactly one of token_env, an environment variable, and token_file"
            )
        if self.workers > 1:
            self._check_workers()
        return self

    def _check_workers(self) -> None:
        if self.gpus:
            raise ValueError("several workers on GPUs (nccl) are not tried: set gpus to 0, or workers to 1")
        for name in ("memory", "accelerator_type"):
            if name in self.model_fields_set:
                raise ValueError(
                    f"{name} applies to training runs with a single worker: remove it, or set workers to 1"
                )


def _differs(table: Table, name: str, field: FieldInfo) -> bool:
    return bool(getattr(table, name) != field.get_default(call_default_factory=True))


class Serving(Table):
    """Responses of models, `[serving]`."""

    device: Annotated[str, AfterValidator(_device)] | None = None
    """Device of the embedded engine: `cpu`, `cuda` or `cuda:N`. By default the first GPU, or the CPU if there is none."""
    vllm: Annotated[str, AfterValidator(_vllm_address)] | None = None
    """Base URL of a vLLM server that serves models instead of the embedded engine: on loopback, or with https."""
    vllm_key_env: Variable | None = None
    """Environment variable with the key of the vLLM server."""

    @property
    def gpu(self) -> int | None:
        """Return the number of the GPU on which the embedded engine runs if the machine has one; None for the CPU."""
        if self.device == "cpu":
            return None
        return int((self.device or "").partition(":")[2] or 0)

    @model_validator(mode="after")
    def _has_key(self) -> Self:
        if self.vllm is not None and self.vllm_key_env is None:
            raise ValueError(
                "vllm needs vllm_key_env, the environment variable with the key of the vLLM server"
            )
        return self


class Limits(Table):
    """Limits, `[limits]`. Sizes are numbers of bytes or strings such as `512 MiB`."""

    body_bytes: ByteSize = ByteSize(8 * 2**20)
    """Maximum size of a JSON request body."""
    file_bytes: ByteSize = ByteSize(512 * 2**20)
    """Maximum size of a file that is uploaded in one request."""
    upload_bytes: ByteSize = ByteSize(8 * 2**30)
    """Maximum size of a file that is uploaded in parts."""
    free_disk_bytes: ByteSize = ByteSize(5 * 2**30)
    """Space that must stay free on the disk of the data folder. With less, uploads and jobs are refused."""
    queued_jobs_per_key: Count = 20
    """Maximum number of jobs that wait for a slot, for each key."""
    max_tokens: Count = 4096
    """Maximum number of tokens of a response."""
    requests_in_flight: Count = 64
    """Maximum number of chat requests at the same time. Further ones receive a 429."""


class Tls(Table):
    """Certificate for hosts other than loopback, `[tls]`."""

    certificate: Location
    """PEM file with the certificate and its chain."""
    key: Location
    """PEM file with the private key."""


class Wandb(Table):
    """Weights & Biases, `[wandb]`. Keys come from the environment of the service, never from a request."""

    key_env: Variable | None = None
    """Environment variable with the key of projects that `project_key_env` does not list."""
    project_key_env: dict[Annotated[str, Field(pattern=PROJECT_PATTERN)], Variable] = Field(
        default_factory=dict
    )
    """Environment variable with the key, for each project."""

    def variable(self, project: str) -> str | None:
        """Return the environment variable with the key of a project, or None if the project has none."""
        return self.project_key_env.get(project, self.key_env)


class ServeConfig(Table):
    """The configuration. All paths are absolute."""

    organization: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=40)] = "local"
    """Name of the organization in the names of tuned models, `ft:BASE:ORGANIZATION:SUFFIX:ID`."""
    data: Location = Field(default=Path("data"), validate_default=True)
    """Folder with everything that the service stores: files, jobs, models."""
    bases: Annotated[tuple[Base, ...], Field(alias="base"), AfterValidator(_not_empty)]
    """Base models."""
    keys: Annotated[tuple[Key, ...], Field(alias="key")] = ()
    """API keys. `openai-ft serve key add` writes these tables."""
    training: Training = Field(default_factory=Training)
    """Training runs."""
    engine: Engine = Field(default_factory=Engine)
    """Where training runs."""
    serving: Serving = Field(default_factory=Serving)
    """Responses of models."""
    limits: Limits = Field(default_factory=Limits)
    """Limits."""
    tls: Tls | None = None
    """Certificate for hosts other than loopback."""
    wandb: Wandb = Field(default_factory=Wandb)
    """Weights & Biases."""

    @model_validator(mode="after")
    def _fits_its_engine(self) -> Self:
        if self.engine.type == "ray" and self.training.gpus:
            raise ValueError("training.gpus belongs to the engine local: set engine.gpus, and training.slots")
        if shown := self.secret_variables.intersection(self.engine.runtime_env.env_vars):
            raise ValueError(
                f"engine.runtime_env.env_vars contains {min(shown)}, a variable of a key, which Ray would show: remove it"
            )
        if self.engine.type == "ray" and (self.wandb.key_env or self.wandb.project_key_env):
            raise ValueError(
                "wandb is not supported by the engine ray, which would show the keys: remove [wandb]"
            )
        return self

    @property
    def secret_variables(self) -> frozenset[str]:
        """Return the environment variables that contain keys of the service. No process that it starts receives them."""
        wandb = (self.wandb.key_env, *self.wandb.project_key_env.values())
        names = (self.engine.token_env, self.serving.vllm_key_env, *wandb)
        return frozenset(name for name in names if name is not None)

    def find_base(self, name: str) -> Base | None:
        """Return the base model with an id or alias, or None."""
        return next((base for base in self.bases if name in (base.id, *base.aliases)), None)

    def folder(self, base: Base) -> Path:
        """Return the folder with the files of a base model, which does not exist before its download."""
        if base.path is not None:
            return base.path
        assert base.hub is not None
        return self.data / DOWNLOADS / base.hub / base.revision

    def not_downloaded(self) -> dict[int, Base]:
        """Return the base models that must be downloaded first, by their places in the file."""
        return {
            index: base
            for index, base in enumerate(self.bases)
            if base.hub is not None and not self.folder(base).exists()
        }

    def slot_devices(self) -> tuple[str | None, ...]:
        """Return the value of `CUDA_VISIBLE_DEVICES` for each slot. None leaves the variable unchanged."""
        gpus = [str(gpu) for gpu in self.training.gpus]
        slots = self.training.slots or len(gpus) or (RAY_SLOTS if self.engine.type == "ray" else 1)
        return tuple(gpus[slot % len(gpus)] if gpus else None for slot in range(slots))


def load_config(path: Path, *, check_weights: bool = True, may_download: bool = False) -> ServeConfig:
    """Read and check the configuration.

    Args:
        path: The file.
        check_weights: Whether to check the folders of the base models as well.
        may_download: Whether to accept base models that are not downloaded yet.

    Raises:
        ConfigError: The file contains mistakes.
        ServeError: The file does not exist or is not readable.
    """
    config = parse_config(read_text(path), path, check_weights=check_weights)
    if check_weights:
        missing = config.not_downloaded()
        mistakes = [
            *([] if may_download else (not_downloaded(index, base) for index, base in missing.items())),
            *_download_mistakes(config, missing),
        ]
        if mistakes:
            raise ConfigError(path, mistakes)
    return config


def not_downloaded(index: int, base: Base) -> str:
    """Return the sentence about a base model that is not downloaded yet."""
    return (
        f"base[{index}].hub: {base.hub} is not downloaded: start once with `openai-ft serve --allow-download`, "
        "or set path to a folder with the model"
    )


def parse_config(text: str, path: Path, *, check_weights: bool = True) -> ServeConfig:
    """Check the text of a configuration file.

    Args:
        text: The text.
        path: The file of the text. Relative paths in the text are relative to its folder.
        check_weights: Whether to check the folders of the base models as well.

    Raises:
        ConfigError: The text contains mistakes.
    """
    data, folder = parse_toml(text, path), path.absolute().parent
    mistakes = [*duplicate_names(data), *(_weight_mistakes(data, folder) if check_weights else ())]
    try:
        config = ServeConfig.model_validate(_with_tuples(data), context=folder)
    except ValidationError as error:
        raise ConfigError(path, [*schema_mistakes(error, data, ServeConfig), *mistakes]) from None
    if mistakes:
        raise ConfigError(path, mistakes)
    return config


def read_keys(path: Path) -> tuple[Key, ...]:
    """Read only the keys of a configuration file, whose other parts may contain mistakes.

    Raises:
        ConfigError: The file is not TOML, or its keys contain mistakes.
        ServeError: The file does not exist or is not readable.
    """
    return parse_keys(read_text(path), path)


def parse_keys(text: str, path: Path) -> tuple[Key, ...]:
    """Return only the keys in the text of a configuration file.

    Raises:
        ConfigError: The text is not TOML, or its keys contain mistakes.
    """
    data = {"key": parse_toml(text, path).get("key", [])}
    try:
        return _Keys.model_validate(_with_tuples(data)).keys
    except ValidationError as error:
        raise ConfigError(path, schema_mistakes(error, data, _Keys)) from None


class _Keys(Table):
    keys: Annotated[tuple[Key, ...], Field(alias="key")]


def read_text(path: Path) -> str:
    """Return the text of a configuration file.

    Raises:
        ServeError: The file does not exist or is not readable.
    """
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        raise ServeError(f"{path} does not exist: run `openai-ft serve init`, or pass --config") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ServeError(f"{path} is not readable: {getattr(error, 'strerror', None) or error}") from None


def parse_toml(text: str, path: Path) -> dict[str, Any]:
    """Return the contents of a TOML text.

    Raises:
        ConfigError: The text is not TOML.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(path, [f"not valid TOML: {error}"]) from None


def _weight_mistakes(data: Mapping[str, Any], folder: Path) -> Iterator[str]:
    bases = data.get("base")
    for index, base in enumerate(bases if isinstance(bases, list) else []):
        if not isinstance(base, dict) or not isinstance(base.get("path"), str):
            continue
        path = Path(os.path.normpath(folder / Path(base["path"]).expanduser()))
        if problems := weight_problems(path):
            yield from map(f"base[{index}].path: ".__add__, problems)
        else:
            yield from _length_mistake(base, path, f"base[{index}].max_length")


def _download_mistakes(config: ServeConfig, missing: Mapping[int, Base]) -> Iterator[str]:
    for index, base in enumerate(config.bases):
        if base.hub is None or index in missing:
            continue
        folder = config.folder(base)
        yield from map(f"base[{index}].hub: ".__add__, weight_problems(folder))
        yield from _length_mistake(base.model_dump(), folder, f"base[{index}].max_length")


def _length_mistake(base: Mapping[str, Any], folder: Path, path: str) -> Iterator[str]:
    length, context = base.get("max_length", Base.model_fields["max_length"].default), context_length(folder)
    if isinstance(length, int) and context is not None and length > context:
        yield f"{path} is {length}: must be at most {context}, the context length in {folder}/config.json"


def _with_tuples(value: Any) -> Any:
    """Return a value of TOML with tuples for its arrays, as the models have them."""
    if isinstance(value, dict):
        return {key: _with_tuples(item) for key, item in value.items()}
    return tuple(map(_with_tuples, value)) if isinstance(value, list) else value
