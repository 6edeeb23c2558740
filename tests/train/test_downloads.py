"""Downloads of base models from a hub on loopback, with huggingface_hub and the service's command."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import openai
import pytest
from tests.serve.services import PROJECT, PROJECT_KEY, key_entry
from tests.train.fake_hub import COMMIT, TOKEN, FakeHub, Repository, running_hub
from tests.train.support import MARKS, SRC

from pulumi_openai_ft.serve.config import load_config
from pulumi_openai_ft.serve.downloads import download_missing
from pulumi_openai_ft.serve.errors import ServeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = MARKS

NAME = "team/tiny-llama"
SERVE = """
import argparse, sys
from pulumi_openai_ft.serve.command import add_arguments
parser = argparse.ArgumentParser()
add_arguments(parser)
arguments = parser.parse_args()
sys.exit(arguments.run(arguments))
"""
SETTINGS = {
    "config.json": b'{"max_position_embeddings": 512}',
    "tokenizer.json": b"{}",
    "chat_template.jinja": b"{{ messages }}",
}
WEIGHTS = {"model.safetensors": Random(1).randbytes(40_000_000)}  # noqa: S311


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    with running_hub() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.setenv("PYTHONPATH", str(SRC))
        monkeypatch.delenv("HF_TOKEN", raising=False)
        yield hub


def write_config(folder: Path, more: str = "") -> Path:
    path = folder / "serve.toml"
    path.write_text(
        f'[[base]]\nid = "tiny"\nhub = "{NAME}"\nmax_length = 256\n{more}\n{key_entry(PROJECT_KEY, PROJECT)}'
        f'[training]\npython = "{sys.executable}"\n[limits]\nfree_disk_bytes = 0\n'
    )
    return path


def download(folder: Path, more: str = "") -> Path:
    """Download the base model of a configuration, and return its folder."""
    config = load_config(write_config(folder, more), may_download=True)
    config.data.mkdir(exist_ok=True)
    download_missing(config)
    return config.folder(config.bases[0])


@contextmanager
def serving(config: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """Run the service's command, and kill it at the end."""
    command = [sys.executable, "-c", SERVE, "--port", "0", "--config", str(config), *options]
    with (config.parent / "log").open("a") as log:
        service = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        yield service
    finally:
        service.kill()
        service.wait()
        assert service.stdout
        service.stdout.close()


def url_of(service: subprocess.Popen[str], folder: Path) -> str:
    assert service.stdout
    url = service.stdout.readline().strip()
    assert url, (folder / "log").read_text()
    return url


def test_service_downloads_once_and_answers(hub: FakeHub, base: Path, tmp_path: Path) -> None:
    files = {file.name: file.read_bytes() for file in base.iterdir()}
    unwanted = {
        "README.md": b"#",
        "modeling.py": b"raise",
        "pytorch_model.bin": b"x",
        "onnx/config.json": b"{}",
    }
    hub.repositories[NAME] = Repository(files | unwanted)
    config = write_config(tmp_path)

    with serving(config, "--allow-download") as service:
        client = openai.OpenAI(base_url=url_of(service, tmp_path), api_key=PROJECT_KEY, timeout=300)
        answer = client.chat.completions.create(
            model="tiny", messages=[{"role": "user", "content": "hello"}], max_tokens=3
        )
    requests = len(hub.requests)
    with serving(config) as service:
        assert url_of(service, tmp_path)

    assert answer.usage is not None
    assert answer.usage.completion_tokens > 0
    assert len(hub.requests) == requests
    folder = tmp_path / "data" / "bases" / "team" / "tiny-llama" / "main"
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == files
    assert [place.name for place in folder.parent.iterdir()] == ["main"]
    log = (tmp_path / "log").read_text()
    assert f"Downloaded {NAME}, commit {COMMIT}" in log
    assert "Traceback" not in log


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_killed_download_continues(hub: FakeHub, tmp_path: Path, number: signal.Signals) -> None:
    hub.repositories[NAME] = Repository({**SETTINGS, **WEIGHTS})
    hub.seconds_per_chunk = 0.1
    config = write_config(tmp_path)
    folder = tmp_path / "data" / "bases" / "team" / "tiny-llama"
    part = folder / ".main.part" / COMMIT / "model.safetensors.part"
    with serving(config, "--allow-download") as service:
        wait_until(lambda: part.exists() and part.stat().st_size > 0)
        service.send_signal(number)
        service.wait()
    wait_until(lambda: not downloaders(tmp_path))
    stored = part.stat().st_size
    assert not (folder / "main").exists()

    hub.seconds_per_chunk = 0
    with serving(config, "--allow-download") as service:
        assert url_of(service, tmp_path)

    assert hub.ranges()[-1] == f"bytes={stored}-"
    assert (folder / "main" / "model.safetensors").read_bytes() == WEIGHTS["model.safetensors"]
    assert not part.exists()


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def downloaders(folder: Path) -> list[Path]:
    """Return the processes that download to a folder."""
    found = []
    for process in Path("/proc").iterdir():
        try:
            command = (process / "cmdline").read_bytes() if process.name.isdecimal() else b""
        except OSError:
            continue
        if b"trainer.download" in command and os.fsencode(folder) in command:
            found.append(process)
    return found


def test_parts_of_another_commit_are_removed(hub: FakeHub, tmp_path: Path) -> None:
    old = tmp_path / "data" / "bases" / "team" / "tiny-llama" / ".main.part" / ("f" * 40)
    old.mkdir(parents=True)
    (old / "model.safetensors.part").write_bytes(b"old")
    hub.repositories[NAME] = Repository({**SETTINGS, "model.safetensors": b"new"})

    folder = download(tmp_path)

    assert (folder / "model.safetensors").read_bytes() == b"new"
    assert hub.ranges() == [None]
    assert not old.exists()


def test_model_of_two_bases_is_downloaded_once(hub: FakeHub, tmp_path: Path) -> None:
    hub.repositories[NAME] = Repository({**SETTINGS, "model.safetensors": b"x"})

    folder = download(tmp_path, f'[[base]]\nid = "other"\nhub = "{NAME}"')

    assert folder.is_dir()
    assert len(hub.ranges()) == 1


@pytest.mark.parametrize("access", ["public", "private"])
def test_token_reaches_the_hub_but_not_its_storage(
    hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, access: str
) -> None:
    monkeypatch.setenv("HF_TOKEN", f"{TOKEN}\n")  # as from a file
    hub.repositories[NAME] = Repository({**SETTINGS, "model.safetensors": b"x"}, access)

    download(tmp_path)

    tokens = {path.startswith("/storage/"): token for _, path, _, token in hub.requests}
    assert tokens == {True: None, False: f"Bearer {TOKEN}"}


def test_stored_token_of_the_hubs_command_is_not_used(
    hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    (tmp_path / "token").write_text("hf_stored")
    hub.repositories[NAME] = Repository({**SETTINGS, "model.safetensors": b"x"})

    download(tmp_path)

    assert {token for *_, token in hub.requests} == {None}


def test_sharded_weights_are_downloaded_without_duplicates(hub: FakeHub, tmp_path: Path) -> None:
    shards = {f"model-0000{number}-of-00002.safetensors": b"%d" % number for number in (1, 2)}
    index = (
        '{"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}'
    )
    files = {**SETTINGS, **shards, "model.safetensors.index.json": index.encode()}
    hub.repositories[NAME] = Repository({**files, "consolidated.safetensors": b"3"})

    folder = download(tmp_path)

    assert {file.name for file in folder.iterdir()} == set(files)


GOOD = {**SETTINGS, "model.safetensors": b"x"}
FAULTS: dict[str, tuple[Repository | None, dict[str, Any], str]] = {
    "unknown": (None, {}, f"the hub has no model {NAME}, or HF_TOKEN may not read it"),
    "unknown with a token": (
        None,
        {"token": TOKEN},
        f"the hub has no model {NAME}, or HF_TOKEN may not read it",
    ),
    "private": (Repository(GOOD, "private"), {}, f"the hub has no model {NAME}, or HF_TOKEN may not read it"),
    "invalid token": (
        Repository(GOOD),
        {"token": "hf_wrong"},
        "the hub refuses the token: set HF_TOKEN to a valid one",
    ),
    "gated": (
        Repository(GOOD, "gated"),
        {},
        f"{NAME} is gated: accept its terms on the hub, and set HF_TOKEN",
    ),
    "gated with a token": (Repository(GOOD, "gated"), {"token": TOKEN}, f"{NAME} is gated: accept its terms"),
    "disabled": (
        Repository(GOOD, "disabled"),
        {"token": TOKEN},
        f"the account of HF_TOKEN may not read {NAME}",
    ),
    "revision": (
        Repository(GOOD),
        {"more": 'revision = "v2"'},
        f"{NAME} has no revision 'v2': correct `revision`",
    ),
    "failing": (
        Repository(GOOD),
        {"status": 503},
        f"the request for {NAME} with status 503: start again later",
    ),
    "no hub": (Repository(GOOD), {"status": 200}, "is not that of a hub: correct HF_ENDPOINT"),
    "odd commit": (Repository(GOOD, commit="../../x"), {}, "is not that of a hub: correct HF_ENDPOINT"),
    "not reached": (None, {"url": "http://127.0.0.1:1"}, "the hub http://127.0.0.1:1 cannot be reached"),
    "pickled": (
        Repository({**SETTINGS, "pytorch_model.bin": b"x"}),
        {},
        f"{NAME} contains only pytorch_model.bin, which may contain code: use a model in the format safetensors",
    ),
    "adapter": (
        Repository({"adapter_config.json": b"{}", "adapter_model.safetensors": b"x"}),
        {},
        f"{NAME} is an adapter: name its base model instead",
    ),
    "empty": (Repository({"README.md": b"x"}), {}, f"{NAME} contains no weights: use a model in the format"),
    "code": (
        Repository({**GOOD, "config.json": b'{"auto_map": {"AutoModel": "x.X"}}'}),
        {},
        f"{NAME}/config.json needs custom code (auto_map), which is never run: use another model",
    ),
    "no template": (
        Repository({name: content for name, content in GOOD.items() if name != "chat_template.jinja"}),
        {},
        f"{NAME} contains no chat template: use a model that was tuned for chat",
    ),
    "damaged": (Repository(GOOD), {"damages": True}, f"model.safetensors of {NAME} arrived damaged: start"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_failed_download_is_explained_in_one_sentence(
    hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    repository, changes, sentence = FAULTS[fault]
    hub.repositories = {} if repository is None else {NAME: repository}
    hub.status, hub.damages = changes.get("status"), changes.get("damages", False)
    monkeypatch.setenv("HF_ENDPOINT", changes.get("url", hub.url))
    if "token" in changes:
        monkeypatch.setenv("HF_TOKEN", changes["token"])

    with pytest.raises(ServeError) as caught:
        download(tmp_path, changes.get("more", ""))

    message = str(caught.value)
    assert message.startswith("base[0].hub: ")
    assert sentence in message
    assert "\n" not in message
    assert "hf_" not in message
    assert not (tmp_path / "data" / "bases" / "team" / "tiny-llama" / "main").exists()
    if fault in ("code", "no template"):
        assert hub.ranges() == []


def test_other_processes_stay_offline(hub: FakeHub) -> None:
    hub.repositories[NAME] = Repository(GOOD)
    program = (
        "import os; from pulumi_openai_ft.trainer.offline import OFFLINE; os.environ.update(OFFLINE)\n"
        f"from transformers import AutoTokenizer; AutoTokenizer.from_pretrained({NAME!r})"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert done.returncode != 0
    assert hub.requests == []
