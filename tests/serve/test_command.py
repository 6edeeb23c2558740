from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import tomlkit
from tests.serve.config_support import make_base_folder, write_config

from pulumi_openai_ft.catalog import Catalog
from pulumi_openai_ft.cli.main import main
from pulumi_openai_ft.serve.config import ServeConfig, Tls, load_config, parse_config, read_keys
from pulumi_openai_ft.serve.errors import ServeError
from pulumi_openai_ft.serve.keys import find_key
from pulumi_openai_ft.serve.listener import Listener
from pulumi_openai_ft.serve.live_keys import LiveKeys

if TYPE_CHECKING:
    from pathlib import Path

KEY_TEXT = re.compile(r"sk-(?:proj|admin)-[A-Za-z0-9_-]{43}")
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    make_base_folder(tmp_path / "models" / "SmolLM2 135M", context=1024)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def serve(*arguments: str) -> int:
    return main(["serve", *arguments])


def initialize(capsys: Capture, *options: str) -> tuple[str, str]:
    """Write a configuration and return the two keys that the command printed."""
    assert serve("init", "--model", "models/SmolLM2 135M", *options) == 0
    project, admin = dict.fromkeys(KEY_TEXT.findall(capsys.readouterr().out))
    return project, admin


def test_init_writes_a_configuration_that_loads(folder: Path, capsys: Capture) -> None:
    initialize(capsys, "--alias", "gpt-4o-mini")
    config = load_config(folder / "serve.toml")
    (base,) = config.bases
    assert (base.id, base.aliases, base.max_length) == ("SmolLM2-135M", ("gpt-4o-mini",), 1024)
    assert base.path == folder / "models" / "SmolLM2 135M"
    assert [(key.project, key.admin) for key in config.keys] == [("proj_default", False), (None, True)]
    assert (folder / "serve.toml").stat().st_mode & 0o777 == 0o600


def test_init_prints_lines_that_set_the_keys(folder: Path, capsys: Capture) -> None:
    assert serve("init", "--project", "proj_shop") == 0
    output = capsys.readouterr().out
    project, admin = dict.fromkeys(KEY_TEXT.findall(output))
    assert f"pulumi config set --secret openai-ft:apiKey {project}\n" in output
    assert f"pulumi config set --secret openai-ft:adminKey {admin}\n" in output
    assert "pulumi config set openai-ft:service self-hosted\n" in output
    assert "pulumi config set openai-ft:baseUrl http://127.0.0.1:8000/v1\n" in output
    assert "edit base[0] in serve.toml" in output
    text = (folder / "serve.toml").read_text()
    assert project not in text
    assert admin not in text


def test_init_never_overwrites_a_configuration(folder: Path, capsys: Capture) -> None:
    (folder / "serve.toml").write_text("mine")
    assert serve("init") == 1
    assert "serve.toml already exists" in capsys.readouterr().err
    assert (folder / "serve.toml").read_text() == "mine"


def test_init_checks_the_weights(folder: Path, capsys: Capture) -> None:
    (folder / "models" / "SmolLM2 135M" / "model.safetensors").unlink()
    assert serve("init", "--model", "models/SmolLM2 135M") == 1
    assert "contains no safetensors files" in capsys.readouterr().err
    assert not (folder / "serve.toml").exists()


def test_commented_lines_state_the_defaults(folder: Path, capsys: Capture) -> None:
    initialize(capsys)
    text = (folder / "serve.toml").read_text()
    assert parse_config(re.sub(r"(?m)^#(?! )", "", text), folder / "serve.toml") == load_config(
        folder / "serve.toml"
    ).model_copy(
        update={"training": parse_config(text.replace("#slots", "slots"), folder / "serve.toml").training}
    )


def test_commented_examples_are_valid(folder: Path, capsys: Capture) -> None:
    initialize(capsys)
    text = (folder / "serve.toml").read_text()
    examples = re.sub(r"(?m)^# (?=\[{0,2}[a-z_]+(\]| = ))", "", text)
    config = parse_config(examples, folder / "serve.toml")
    assert (config.serving.vllm_key_env, config.wandb.variable("proj_default")) == (
        "VLLM_API_KEY",
        "WANDB_API_KEY_DEFAULT",
    )
    assert config.tls


def test_the_example_of_a_ray_cluster_is_valid(folder: Path, capsys: Capture) -> None:
    initialize(capsys)
    text = (folder / "serve.toml").read_text()
    example = re.sub(r"(?m)^#   (?!.*# instead of)", "", text)
    engine = parse_config(example, folder / "serve.toml").engine
    assert (engine.type, engine.runtime_env.pip) == ("ray", ("package",))


def test_the_template_names_every_key_of_the_configuration(folder: Path, capsys: Capture) -> None:
    initialize(capsys)
    text = (folder / "serve.toml").read_text()
    tables = json.dumps(ServeConfig.model_json_schema()["$defs"])
    names = {name for table in json.loads(tables).values() for name in table.get("properties", {})}
    missing = {name for name in names if not re.search(rf"(?m)^(# *)?(runtime_env\.)?{name} = ", text)}
    assert missing <= {"masked", "hash", "runtime_env"}


def test_a_key_is_added_and_the_rest_is_kept(folder: Path, capsys: Capture) -> None:
    initialize(capsys)
    before = (folder / "serve.toml").read_text()
    assert serve("key", "add", "--project", "proj_b") == 0
    key = capsys.readouterr().out.strip()
    assert KEY_TEXT.fullmatch(key)
    assert (folder / "serve.toml").read_text().startswith(before.rstrip())
    found = find_key(load_config(folder / "serve.toml").keys, key)
    assert found
    assert (found.project, found.admin) == ("proj_b", False)


_ENTRY = 'hash = "HASH"\nmasked = "m"\nadmin = true\n'


@pytest.mark.parametrize(
    "existing", ["", f"key = [{{{_ENTRY.strip().replace(chr(10), ', ')}}}]", f"[[key]]\n{_ENTRY}"]
)
def test_keys_are_added_to_every_form_of_file(folder: Path, capsys: Capture, existing: str) -> None:
    path = write_config(folder, existing.replace("HASH", f"sha256:{'0' * 64}"))
    assert serve("key", "add", "--admin") == 0
    key = capsys.readouterr().out.strip()
    keys = read_keys(path)
    assert len(keys) == 1 + bool(existing)
    assert load_config(path).keys == keys
    assert find_key(keys, key) == keys[-1]


@pytest.mark.usefixtures("folder")
def test_keys_are_listed_without_their_texts(capsys: Capture) -> None:
    project, admin = initialize(capsys)
    assert serve("key", "list") == 0
    first, second = capsys.readouterr().out.splitlines()
    assert re.fullmatch(rf"sk-proj-…{project[-4:]}\s+project\s+proj_default\s+\d{{4}}-\d\d-\d\d", first)
    assert second.startswith(f"sk-admin-…{admin[-4:]}  admin    -")


def test_a_removed_key_is_refused(folder: Path, capsys: Capture) -> None:
    project, admin = initialize(capsys)
    live = LiveKeys(folder / "serve.toml", read_keys(folder / "serve.toml"))
    assert live.find(project)
    assert serve("key", "remove", f"sk-proj-…{project[-4:]}") == 0
    assert live.find(project) is None
    assert live.find(admin)
    assert serve("key", "remove", f"sk-proj-…{project[-4:]}") == 1
    assert "no key has this form" in capsys.readouterr().err


def test_keys_survive_a_broken_file(folder: Path, capsys: Capture, caplog: pytest.LogCaptureFixture) -> None:
    project, _ = initialize(capsys)
    path = folder / "serve.toml"
    live, text = LiveKeys(path, read_keys(path)), path.read_text()
    path.write_text("[[key]]\nhash = 1\n")
    assert live.find(project)
    assert "key[0].hash is 1: must be a string" in caplog.text
    path.write_text(text)
    assert live.find("sk-proj-other") is None


def test_a_file_with_broken_keys_is_not_changed(folder: Path, capsys: Capture) -> None:
    path = write_config(folder, base="[[key]]\nhash = 'x'\nmasked = 'm'\nadmin = true")
    before = path.read_text()
    assert serve("key", "add", "--admin") == 1
    assert "key[0].hash" in capsys.readouterr().err
    assert path.read_text() == before


@pytest.mark.parametrize(
    "arguments", [["key", "add", "--project", "shop"], ["--port", "x"], ["key"], ["fly"]]
)
def test_wrong_usage_exits_with_2(arguments: list[str], capsys: Capture) -> None:
    with pytest.raises(SystemExit, match="2"):
        serve(*arguments)
    assert "usage: openai-ft serve" in capsys.readouterr().err


def test_a_key_needs_a_project_or_admin(folder: Path, capsys: Capture) -> None:
    path = write_config(folder)
    assert serve("key", "add") == 1
    assert "a key needs --project, such as --project proj_default, or --admin" in capsys.readouterr().err
    assert serve("key", "add", "--project", "proj_a", "--admin") == 0
    assert [(key.project, key.admin) for key in read_keys(path)] == [("proj_a", True)]


def test_catalog_prints_the_setting_of_the_client(folder: Path, capsys: Capture) -> None:
    write_config(folder, base='aliases = ["gpt-4o-mini"]\nmax_length = 512\nmethods = ["supervised"]')
    assert serve("catalog") == 0
    found = Catalog.load(json.loads(capsys.readouterr().out), service="self-hosted").find("gpt-4o-mini")
    assert found
    assert (found.id, found.methods, found.context_length) == ("small", frozenset({"supervised"}), 512)


def test_options_work_before_and_after_a_subcommand(folder: Path, capsys: Capture) -> None:
    write_config(folder).rename(folder / "other.toml")
    assert serve("--config", "other.toml", "catalog") == serve("catalog", "--config", "other.toml") == 0
    assert serve("catalog") == 1
    assert "serve.toml does not exist: run `openai-ft serve init`" in capsys.readouterr().err


@pytest.mark.usefixtures("folder")
def test_a_host_other_than_loopback_needs_protection(capsys: Capture) -> None:
    initialize(capsys)
    assert serve("--host", "0.0.0.0") == 1  # noqa: S104
    assert "add --tls-cert and --tls-key, or --behind-proxy" in capsys.readouterr().err


def test_the_service_does_not_start_without_keys(folder: Path, capsys: Capture) -> None:
    write_config(folder)
    assert serve() == 1
    assert "has no keys: run `openai-ft serve key add" in capsys.readouterr().err


def test_the_service_does_not_start_with_mistakes(folder: Path, capsys: Capture) -> None:
    write_config(folder, base="lora_r = 0")
    assert serve() == 1
    assert "base[0].lora_r is 0: must be at least 1" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--tls-cert", "c.pem"], "--tls-cert and --tls-key belong together"),
        (["--tls-cert", "c.pem", "--tls-key", "k.pem"], "the TLS certificate {folder}/c.pem does not exist"),
        (["--tls-cert", "serve.toml", "--tls-key", "serve.toml"], "cannot be used: they are not in PEM"),
    ],
)
def test_a_wrong_certificate_is_named(folder: Path, capsys: Capture, options: list[str], reason: str) -> None:
    initialize(capsys)
    assert serve("--host", "0.0.0.0", *options) == 1  # noqa: S104
    assert reason.format(folder=folder) in capsys.readouterr().err


def test_vllm_needs_its_key(folder: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    initialize(capsys)
    text = (folder / "serve.toml").read_text()
    (folder / "serve.toml").write_text(
        text.replace("# vllm = ", "vllm = ").replace("# vllm_key_env = ", "vllm_key_env = ")
    )
    monkeypatch.delenv("VLLM_API_KEY", raising=False)
    assert serve() == 1
    assert "serving.vllm_key_env is VLLM_API_KEY, which is not set" in capsys.readouterr().err


def test_doctor_reports_each_mistake_of_the_configuration(folder: Path, capsys: Capture) -> None:
    write_config(folder, "dat = 1", base="lora_r = 0")
    assert serve("doctor", "--json") == 1
    found = json.loads(capsys.readouterr().out)
    assert [(finding["check"], finding["status"]) for finding in found] == [("config", "problem")] * 2


def test_doctor_names_the_missing_packages(
    folder: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    initialize(capsys)
    python = folder / "empty" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "empty"], check=True)
    edit(folder / "serve.toml", training={"python": str(python)}, wandb={"key_env": "NO_SUCH_KEY"})
    assert serve("doctor") == 1
    output = capsys.readouterr().out
    assert "problem  training" in output
    assert "lacks torch, transformers, peft, trl, safetensors, pulumi-openai-ft: install the extra" in output
    assert "problem  wandb     wandb.key_env is NO_SUCH_KEY, which is not set" in output
    assert "ok       weights   SmolLM2-135M: 0 B of safetensors" in output
    assert "ok       keys      1 project key, 1 project, 1 admin key" in output


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (None, "cannot be run (No such file or directory): name a Python executable"),
        ("echo broken >&2; exit 3", "torch cannot be imported (broken): reinstall the extra `train`"),
        ("echo not json", "torch cannot be imported (no message)"),
    ],
)
def test_doctor_explains_a_python_that_does_not_run(
    folder: Path, capsys: Capture, script: str | None, reason: str
) -> None:
    initialize(capsys)
    python = folder / "python"
    if script:
        python.write_text(f"#!/bin/sh\n{script}\n")
        python.chmod(0o755)
    edit(folder / "serve.toml", training={"python": "python"})
    assert serve("doctor") == 1
    assert reason in capsys.readouterr().out


def test_doctor_reports_too_little_disk(folder: Path, capsys: Capture) -> None:
    initialize(capsys)
    edit(folder / "serve.toml", limits={"free_disk_bytes": "900 TiB"}, training={"python": "no"})
    assert serve("doctor") == 1
    assert "but limits.free_disk_bytes is 900.0 TiB: uploads and jobs are refused" in capsys.readouterr().out


@pytest.mark.skipif(os.geteuid() == 0, reason="root can write to every folder")
def test_doctor_reports_a_folder_that_is_not_writable(folder: Path, capsys: Capture) -> None:
    initialize(capsys)
    edit(folder / "serve.toml", data="/", training={"python": "no"})
    assert serve("doctor") == 1
    assert "/ is not writable" in capsys.readouterr().out


def edit(path: Path, **changes: object) -> None:
    document = tomlkit.parse(path.read_text())
    for name, value in changes.items():
        document[name] = value
    path.write_text(tomlkit.dumps(document))


def test_an_encrypted_or_foreign_key_is_explained(folder: Path, capsys: Capture) -> None:
    initialize(capsys)
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-days", "2", "-subj", "/CN=localhost"]
    for name, options in (("plain", ["-nodes"]), ("secret", ["-passout", "pass:secret"])):
        files = ["-keyout", folder / f"{name}.key", "-out", folder / f"{name}.pem"]
        subprocess.run([*make, *map(str, files), *options], check=True, capture_output=True)
    for certificate, key, reason in (
        ("secret", "secret", "the key is encrypted; store it without a password"),
        ("plain", "secret", "the key is encrypted"),
        ("plain", "plain", None),
    ):
        tls = Tls(certificate=folder / f"{certificate}.pem", key=folder / f"{key}.key")
        listener = Listener("0.0.0.0", tls=tls)  # noqa: S104
        if reason is None:
            listener.check(load_config(folder / "serve.toml"))
            continue
        with pytest.raises(ServeError, match=reason):
            listener.check(load_config(folder / "serve.toml"))


@pytest.mark.parametrize(
    ("serving", "training", "finding"),
    [
        (
            "",
            "",
            'warning  serving   the embedded engine uses GPU 0, and its memory is missing in training: set serving.device to "cpu"',
        ),
        (
            'device = "cuda:1"',
            "",
            "ok       serving   the embedded engine uses GPU 1, on which no job trains",
        ),
        ('device = "cuda:1"', "gpus = [0, 1]", "warning  serving   the embedded engine uses GPU 1"),
        ('device = "cuda"', "gpus = [1]", "ok       serving   the embedded engine uses GPU 0"),
        ('device = "cuda:2"', "", "problem  serving   serving.device is cuda:2, but torch finds 2 GPUs"),
        ('device = "cpu"', "", None),
        (
            'vllm = "http://127.0.0.1:1/v1"\nvllm_key_env = "PATH"',
            "",
            "ok       serving   serving.vllm_key_env: PATH",
        ),
    ],
)
def test_doctor_compares_gpus_of_answers_and_training(
    folder: Path, capsys: Capture, serving: str, training: str, finding: str | None
) -> None:
    packages = dict.fromkeys(("torch", "transformers", "peft", "trl", "safetensors"), "1")
    found = json.dumps({"packages": packages, "trainer": True, "gpus": ["H200", "H200"]})
    (folder / "python").write_text(f"#!/bin/sh\necho '{found}'\n")
    (folder / "python").chmod(0o755)
    write_config(folder, f'[training]\npython = "python"\n{training}\n[serving]\n{serving}\n')
    serve("doctor")
    lines = [line for line in capsys.readouterr().out.splitlines() if " serving " in line]
    assert len(lines) == (finding is not None)
    assert finding is None or lines[0].startswith(finding)
