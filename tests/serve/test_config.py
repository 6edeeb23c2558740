from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
import tomlkit
from hypothesis import given
from hypothesis import strategies as st
from tests.serve.config_support import make_base_folder, write_config

from pulumi_openai_ft.serve.config import ServeConfig, Table, load_config, parse_config, read_keys
from pulumi_openai_ft.serve.errors import ConfigError, ServeError
from pulumi_openai_ft.serve.keys import find_key, hash_key

if TYPE_CHECKING:
    from pathlib import Path

KEY = f'[[key]]\nhash = "{hash_key("sk-proj-x")}"\nmasked = "sk-proj-…x"\n'


def mistakes(path: Path) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    return caught.value.mistakes


def test_the_smallest_configuration_has_defaults(tmp_path: Path) -> None:
    config = load_config(write_config(tmp_path))
    (base,) = config.bases
    assert (base.id, base.path, base.methods) == ("small", tmp_path / "model", ("supervised", "dpo"))
    assert config.data == tmp_path / "data"
    assert str(config.training.python) == sys.executable
    assert config.slot_devices() == (None,)
    assert config.keys == ()


def test_a_base_is_found_by_id_and_alias(tmp_path: Path) -> None:
    config = load_config(write_config(tmp_path, base='aliases = ["gpt-4o-mini"]'))
    assert config.find_base("small") is config.find_base("gpt-4o-mini") is config.bases[0]
    assert config.find_base("other") is None


def test_paths_are_relative_to_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    config = load_config(write_config(tmp_path, 'data = "../books"\ntls = {certificate = "~/c", key = "/k"}'))
    assert config.data == tmp_path.parent / "books"
    assert config.tls
    assert (config.tls.certificate, str(config.tls.key)) == (tmp_path / "home" / "c", "/k")


@pytest.mark.parametrize(
    ("training", "devices"),
    [
        ("slots = 2", (None, None)),
        ("gpus = [0, 1]", ("0", "1")),
        ('gpus = ["GPU-1"]\nslots = 2', ("GPU-1", "GPU-1")),
        ("gpus = [0, 1]\nslots = 3", ("0", "1", "0")),
    ],
)
def test_slots_get_their_devices(tmp_path: Path, training: str, devices: tuple[str | None, ...]) -> None:
    path = write_config(tmp_path, base=f"[training]\n{training}")
    assert load_config(path).slot_devices() == devices


def test_sizes_have_units(tmp_path: Path) -> None:
    path = write_config(tmp_path, base='[limits]\nfile_bytes = "2 MiB"\nbody_bytes = 1000')
    limits = load_config(path).limits
    assert (limits.file_bytes, limits.body_bytes) == (2 * 2**20, 1000)


@pytest.mark.parametrize(
    ("text", "base", "expected"),
    [
        ("", "lora_R = 8", "base[0].lora_R is not a known key: did you mean lora_r?"),
        ("limitz = {}", "", "limitz is not a known key: did you mean limits?"),
        ("", "[tls]\ncert = 'c'\nkey = 'k'\ncertificate = 'c'", "tls.cert is not a known key"),
        ("", "zzz = 1", "base[0].zzz is not a known key: known keys are id, path, hub, revision, aliases"),
        ("", "lora_r = true", "base[0].lora_r is true: must be a whole number"),
        ("", "lora_r = 0", "base[0].lora_r is 0: must be at least 1"),
        ("", "learning_rate = nan", "base[0].learning_rate is NaN: must be at most 1"),
        ("", "learning_rate = '1e-4'", 'base[0].learning_rate is "1e-4": must be a number'),
        ("", "methods = ['rft']", "base[0].methods[0] is \"rft\": must be 'supervised' or 'dpo'"),
        ("", "methods = []", "base[0].methods: must not be empty"),
        ("", "aliases = ['a:b']", 'base[0].aliases[0] is "a:b": must be a string that matches'),
        ("", "aliases = ['small']", "base[0].aliases[0]: 'small' is also base[0].id"),
        ("", "max_length = 9000", "base[0].max_length is 9000: must be at most 8192, the context length"),
        (
            "",
            "[[base]]\nid = 'two'",
            "base[1]: has neither path, the folder of the model, nor hub, its name on a hub",
        ),
        (
            "",
            "hub = 'team/model'",
            "base[0]: has both path and hub, its name on a hub: set exactly one of them",
        ),
        ("", "revision = 'v1'", "base[0]: revision belongs to hub, which is not set: remove it"),
        ("", "[[base]]\nid = 'two'\nhub = '../x'", 'base[1].hub is "../x": must be a string that matches'),
        (
            "",
            "[[base]]\nid = 'two'\nhub = 'a/b'\nrevision = '..'",
            'base[1].revision is "..": must be a string',
        ),
        (
            "",
            "[[base]]\nid = 'two'\nhub = 'team/model'",
            "base[1].hub: team/model is not downloaded: start once with `openai-ft serve --allow-download`, or set path",
        ),
        ("", "[[base]]\nid = 'small'\npath = 'model'", "base[1].id: 'small' is also base[0].id"),
        (
            "",
            "[[base]]\nid = 'two'\npath = 'no'",
            "base[1].path: {folder}/no does not exist: name the folder",
        ),
        ("", "[training]\ngpus = [1.5]", "training.gpus[0] is 1.5: must be a whole number or a string"),
        ("", "[engine]\ntype = 'slurm'", "engine.type is \"slurm\": must be 'local' or 'ray'"),
        ("engine = 'local'", "", 'engine is "local": must be a table'),
        ("", "[limits]\nfile_bytes = 'big'", 'limits.file_bytes is "big": must be a size such as 512 MiB'),
        ("", "[limits]\nfile_bytes = -1", "limits.file_bytes is -1: must be a size"),
        (
            "",
            "[serving]\nvllm = 'http://10.0.0.1/v1'\nvllm_key_env = 'K'",
            "serving.vllm: vLLM at 10.0.0.1 must be reached over https",
        ),
        (
            "",
            "[serving]\ndevice = 'gpu0'",
            "serving.device: 'gpu0' is not a device: must be cpu, cuda or cuda:N",
        ),
        ("", "[serving]\nvllm = 'https://gpu.example/v1'", "serving: vllm needs vllm_key_env"),
        ("", "[wandb]\nproject_key_env = {x = 'K'}", 'wandb.project_key_env.x is "x": must be a string that'),
        ("organization = 'A B'", "", 'organization is "A B": must be a string that matches'),
        ("data = 1", "", "data is 1: must be a path"),
        ("", KEY, "key[0]: needs a project, such as proj_default, or admin = true"),
        ("", f"{KEY}project = 'a'", 'key[0].project is "a": must be a string that matches'),
        (
            "",
            "[[key]]\nhash = 'sk-proj-abc'\nmasked = 'x'\nadmin = true",
            'key[0].hash is "sk-…": must be a string',
        ),
    ],
)
def test_a_mistake_is_named_with_its_path(tmp_path: Path, text: str, base: str, expected: str) -> None:
    (found,) = mistakes(write_config(tmp_path, text, base=base))
    assert found.startswith(expected.format(folder=tmp_path))


def test_a_pasted_key_is_not_repeated_in_the_mistake(tmp_path: Path) -> None:
    path = write_config(tmp_path, base="[[key]]\nhash = 'sk-proj-abc'\nmasked = 'x'\nadmin = true")
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert "sk-proj-abc" not in str(caught.value)


def test_all_mistakes_are_reported_at_once(tmp_path: Path) -> None:
    path = write_config(tmp_path, "dat = 'x'", base="lora_r = 0\n[[base]]\nid = 'small'\npath = 'no'")
    assert [found.split(" ")[0].rstrip(":") for found in mistakes(path)] == [
        "base[0].lora_r",
        "dat",
        "base[1].id",
        "base[1].path",
    ]
    with pytest.raises(ConfigError, match=r"serve\.toml contains 4 mistakes:\n  base\[0\]\.lora_r is 0"):
        load_config(path)


def test_a_configuration_needs_a_base(tmp_path: Path) -> None:
    (tmp_path / "serve.toml").write_text("")
    assert mistakes(tmp_path / "serve.toml") == ("base is missing",)


def test_broken_toml_is_named_with_its_line(tmp_path: Path) -> None:
    (found,) = mistakes(write_config(tmp_path, "data = "))
    assert found.startswith("not valid TOML: ")
    assert "line 1" in found


@pytest.mark.parametrize("content", [None, b"\xff"])
def test_an_unreadable_file_is_one_sentence(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "serve.toml"
    if content:
        path.write_bytes(content)
    with pytest.raises(ServeError, match=r"serve\.toml (does not exist: run|is not readable)"):
        load_config(path)


def test_keys_are_read_although_weights_are_missing(tmp_path: Path) -> None:
    path = write_config(tmp_path, base=f"{KEY}project = 'proj_a'")
    (tmp_path / "model" / "model.safetensors").unlink()
    found = find_key(read_keys(path), "sk-proj-x")
    assert found
    assert found.project == "proj_a"
    assert find_key(read_keys(path), "sk-proj-y") is None


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)


def _paths(model: type[Table]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


@given(st.sampled_from(_paths(ServeConfig)), _VALUES)
def test_every_wrong_value_is_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, key: str, value: object
) -> None:
    """Write any value at any top-level key: the file is accepted, or each mistake names its path."""
    path = tmp_path_factory.getbasetemp() / "serve.toml"
    if not (path.parent / "model").exists():
        make_base_folder(path.parent / "model")
    try:
        text = tomlkit.dumps({"base": [{"id": "small", "path": "model"}], key: value})
    except (TypeError, ValueError):  # TOML has no null
        return
    assert all(found.startswith((key, "not valid TOML")) for found in found_mistakes(text, path))


def found_mistakes(text: str, path: Path) -> tuple[str, ...]:
    try:
        parse_config(text, path)
    except ConfigError as error:
        return error.mistakes
    return ()


def test_weights_of_each_kind_of_fault_are_refused(tmp_path: Path) -> None:
    faults = {
        "pickled": ("model.safetensors", "pytorch_model.bin", "contains only pytorch_model.bin"),
        "adapter": ("config.json", "adapter_config.json", "contains an adapter"),
        "empty": ("model.safetensors", None, "contains no safetensors files"),
        "no-config": ("config.json", None, "contains no config.json"),
        "no-tokenizer": ("tokenizer.json", None, "contains no tokenizer.json"),
        "no-template": ("chat_template.jinja", None, "contains no chat template"),
    }
    for name, (removed, added, expected) in faults.items():
        folder = make_base_folder(tmp_path / name)
        (folder / removed).unlink()
        if added:
            (folder / added).write_text("{}")
        (tmp_path / "serve.toml").write_text(f'[[base]]\nid = "x"\npath = "{name}"')
        (found,) = mistakes(tmp_path / "serve.toml")
        assert found.startswith(f"base[0].path: {folder} {expected}")


def test_code_in_a_model_is_refused(tmp_path: Path) -> None:
    path = write_config(tmp_path)
    (tmp_path / "model" / "config.json").write_text('{"auto_map": {"AutoModel": "x.Y"}}')
    (found,) = mistakes(path)
    assert "auto_map" in found


def test_a_missing_part_of_the_weights_is_named(tmp_path: Path) -> None:
    path = write_config(tmp_path)
    (tmp_path / "model" / "model.safetensors.index.json").write_text(
        '{"weight_map": {"a": "model.safetensors", "b": "two.safetensors"}}'
    )
    (found,) = mistakes(path)
    assert "lacks two.safetensors" in found


RAY = "[engine]\ntype = 'ray'\naddress = 'http://127.0.0.1:8265'\ntoken_env = 'T'\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[engine]\ntype = 'ray'", "engine: ray needs address, such as http://127.0.0.1:8265"),
        ("[engine]\ncpus = 2", 'engine: cpus belongs to type = "ray": remove it, or set type'),
        (
            RAY.replace("token_env = 'T'", ""),
            "engine: ray needs the cluster's token: set exactly one of token_env",
        ),
        (f"{RAY}token_file = 'x'", "engine: ray needs the cluster's token: set exactly one of token_env"),
        (RAY.replace("127.0.0.1", "10.0.0.1"), "engine.address: Ray at 10.0.0.1 must be reached over https"),
        (RAY.replace("//", "//u:secret@"), "engine.address: The address of Ray must not contain credentials"),
        (f"{RAY}workers = 2\ngpus = 1", "engine: several workers on GPUs (nccl) are not tried"),
        (
            f"{RAY}workers = 2\nmemory = '1 GiB'",
            "engine: memory applies to training runs with a single worker",
        ),
        (
            f"{RAY}runtime_env.env_vars.HF_TOKEN = 'x'",
            "engine.runtime_env.env_vars: HF_TOKEN looks like a secret",
        ),
        (
            f"{RAY}runtime_env = {{ image = 'team/train:1', pip = ['x'] }}",
            "engine.runtime_env: Ray refuses image together with pip: install the packages in the image",
        ),
        (
            f"{RAY}runtime_env.env_vars.T = 'x'",
            "engine.runtime_env.env_vars contains T, a variable of a key",
        ),
        (f"{RAY}[training]\ngpus = [0]", "training.gpus belongs to the engine local: set engine.gpus"),
        (f"{RAY}[wandb]\nkey_env = 'W'", "wandb is not supported by the engine ray"),
    ],
)
def test_a_mistake_of_ray_is_named_without_secrets(tmp_path: Path, text: str, expected: str) -> None:
    (found,) = mistakes(write_config(tmp_path, base=text))
    assert found.startswith(expected)
    assert "secret@" not in found


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:8265/",
        "http://127.9.9.9:8265",
        "http://localhost:8265",
        "http://[::1]:8265",
        "https://ray.example:8443",
    ],
)
def test_https_or_loopback_reaches_ray(tmp_path: Path, address: str) -> None:
    path = write_config(tmp_path, base=RAY.replace("http://127.0.0.1:8265", address))
    assert load_config(path).engine.address == address.rstrip("/")


@pytest.mark.parametrize(
    "host",
    ["0.0.0.0", "[::]", "192.168.1.7", "ray.example", "localhost.example", "127.0.0.1.example"],  # noqa: S104
)
def test_http_to_another_machine_is_refused(tmp_path: Path, host: str) -> None:
    (found,) = mistakes(write_config(tmp_path, base=RAY.replace("127.0.0.1", host)))
    assert found.startswith(f"engine.address: Ray at {host.strip('[]')} must be reached over https")


def test_ray_receives_a_hundred_training_runs_by_default(tmp_path: Path) -> None:
    assert load_config(write_config(tmp_path, base=RAY)).slot_devices() == (None,) * 100
    limited = write_config(tmp_path, base=f"{RAY}[training]\nslots = 3")
    assert load_config(limited).slot_devices() == (None,) * 3
