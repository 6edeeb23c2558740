"""No message, error or plaintext output contains a secret input, for any operation and any failure."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.fake_clock import FakeClock
from tests.support import ADMIN_KEY, API_KEY, write_training_data

from pulumi_openai_ft._client.client import Client
from pulumi_openai_ft._provider.checkpoint_permission import FineTuningCheckpointPermissionProvider
from pulumi_openai_ft._provider.file import FileProvider
from pulumi_openai_ft._provider.fine_tuning_job import FineTuningJobProvider
from pulumi_openai_ft._provider.host_interface import Host
from pulumi_openai_ft._settings import Settings
from pulumi_openai_ft._shared.state_names import DERIVED_OUTPUTS, REQUESTED_INPUTS
from pulumi_openai_ft.errors import OpenAIFTError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tests.support import Configure

    from pulumi_openai_ft.emulator import Emulator

CANARY, VALUE = "canary-4711", "canary-value"
NUMBER = 471147
"""A canary where an input is a number."""
INVALID = (CANARY, VALUE, str(NUMBER))
NO_TEXT = {
    "allow_view",
    "allow_create",
    "validate",
    "wait_for_completion",
    "paused",
    "recreate_on_failure",
    "delete_model_on_destroy",
}
"""Inputs with a few known values, which reveal nothing."""
PROVIDERS = {
    "file": FileProvider,
    "job": FineTuningJobProvider,
    "permission": FineTuningCheckpointPermissionProvider,
}
FAULTS: dict[str, dict[str, Any]] = {
    "refused": {"action": "status", "status": 400},
    "failed": {"action": "status", "status": 500},
    "not found": {"action": "status", "status": 404},
    "no permission": {"action": "status", "status": 403},
    "conflict": {"action": "status", "status": 409},
    "rate limit": {"action": "status", "status": 429},
    "HTML": {"action": "status", "status": 502, "text": True},
}


@dataclass
class Case:
    """One input of one resource, with a value that the service accepts and one that it does not.

    Attributes:
        kind: Key of `PROVIDERS`.
        name: Name of the input.
        valid: A valid value, in which the canary is.
        invalid: An invalid value, in which the canary is.
        canaries: The texts of the valid value that must not appear. Those of the invalid one are constant.
        mode: Mode of the emulator.
    """

    kind: str
    name: str
    valid: Any
    invalid: Any
    canaries: tuple[str, ...] = (CANARY,)
    mode: str = "openai"

    @property
    def id(self) -> str:
        return f"{self.kind}.{self.name}"


HYPERPARAMETERS = {"n_epochs": 3, "learning_rate_multiplier": 1.4711}
CASES = [
    Case("file", "file", "DATA", f"missing/{CANARY}.jsonl"),
    Case("file", "filename", f"{CANARY}.jsonl", f"a/{CANARY}\n"),
    Case("file", "purpose", "user_data", CANARY, ("user_data",)),
    Case("file", "sha256", "HASH", CANARY, ("HASH",)),
    Case(
        "file",
        "expires_after",
        {"anchor": "created_at", "seconds": NUMBER},
        {"anchor": CANARY, "seconds": -NUMBER, CANARY: 1},
        (str(NUMBER),),
    ),
    Case("job", "model", "gpt-4.1-mini", [CANARY], ("gpt-4.1-mini",)),
    Case("job", "training_file", "FILE", [CANARY], ("FILE",)),
    Case("job", "validation_file", "FILE", [CANARY], ("FILE",)),
    Case("job", "suffix", CANARY, CANARY * 20),
    Case("job", "seed", NUMBER, -NUMBER, (str(NUMBER),)),
    Case(
        "job",
        "method",
        {"type": "supervised", "supervised": {"hyperparameters": HYPERPARAMETERS}},
        {
            "type": "supervised",
            "supervised": {"hyperparameters": {"n_epochs": -NUMBER, CANARY: 2}, CANARY: 3},
        },
        ("1.4711",),
    ),
    Case(
        "job",
        "integrations",
        [{"type": "wandb", "wandb": {"project": CANARY}}],
        [{"type": CANARY, CANARY: 1, "wandb": {"project": 1, CANARY: 2}}],
    ),
    Case("job", "metadata", {CANARY: VALUE}, {CANARY: [VALUE]}, (CANARY, VALUE)),
    Case("job", "extra_body", {CANARY: VALUE}, CANARY, (CANARY, VALUE), mode="gateway"),
    Case("job", "triggers", [{CANARY: VALUE}], CANARY, (CANARY, VALUE)),
    Case("job", "former_names", [CANARY], CANARY),
    Case("job", "cancel_after_timeout", NUMBER, -NUMBER, (str(NUMBER),)),
    Case("permission", "checkpoint_id", "MODEL", [CANARY], ("MODEL",)),
    Case("permission", "project_ids", [f"proj_{CANARY}"], [[CANARY]]),
]


@dataclass
class World:
    """Objects of the service, and everything that operations report about one case."""

    case: Case
    service: Emulator
    make: Callable[[], Any]
    known: dict[str, str]
    printed: pytest.CaptureFixture[str]
    reported: list[str] = field(default_factory=list)

    def _filled(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.known.get(value, value)
        return value

    @cached_property
    def provider(self) -> Any:
        return self.make()

    @property
    def canaries(self) -> list[str]:
        return [str(self._filled(text)) for text in self.case.canaries]

    def props(self, *, invalid: bool = False) -> dict[str, Any]:
        others: dict[str, dict[str, Any]] = {
            "file": {"file": self.known["OTHER_DATA"]},
            "job": {"model": "gpt-4o-mini", "training_file": self.known["OTHER_FILE"]},
            "permission": {"checkpoint_id": self.known["OTHER_MODEL"], "project_ids": ["proj_b"]},
        }
        value = self.case.invalid if invalid else self._filled(self.case.valid)
        given = {**others[self.case.kind], self.case.name: value}
        return {"__identity": f"dev::{self.case.id}", "__secret_inputs": [self.case.name], **given}

    def run(self, operation: Callable[..., Any], *arguments: Any) -> Any:
        """Run an operation, record its error, and return its result."""
        try:
            result = operation(*arguments)
        except OpenAIFTError as error:
            self.reported += [
                str(error),
                *(str(value) for name, value in vars(error).items() if name != "outs"),
            ]
            self._assert_state(getattr(error, "outs", None))
            return None
        self._assert_state(getattr(result, "outs", None))
        self.reported += [str(failure.reason) for failure in getattr(result, "failures", ())]
        return result

    def fail(self, fault: str, sent: dict[str, Any]) -> None:
        """Let requests fail with an error that repeats the properties that the service knows."""
        options = dict(FAULTS[fault])
        echoed = json.dumps(sent)
        if options.pop("text", False):
            options["body"] = f"<html>{echoed}</html>"
        else:
            options["body"] = {"error": {"message": f"cannot use {echoed}", "param": self.case.name}}
        self.service.fault("*", "*", times=None, **options)

    def _assert_state(self, outs: dict[str, Any] | None) -> None:
        """Assert that only outputs that Pulumi encrypts contain the secret."""
        encrypted = {self.case.name, REQUESTED_INPUTS} | {
            output for output, sources in DERIVED_OUTPUTS.items() if self.case.name in sources
        }
        plaintext = str({name: value for name, value in (outs or {}).items() if name not in encrypted})
        assert [text for text in self.canaries if text in plaintext] == [], plaintext

    def note_messages(self) -> None:
        """Record the messages that were printed since the last call."""
        self.reported += self.printed.readouterr().err.splitlines()

    def assert_hidden(self, canaries: Iterable[str]) -> None:
        self.note_messages()
        assert self.reported
        shown = [(text, message) for text in canaries for message in self.reported if text in message]
        assert shown == []


@pytest.fixture
def known(service: Emulator, tmp_path: Path) -> Iterator[dict[str, str]]:
    """Return existing objects by the words that stand for them in the cases."""
    api = Client(Settings(api_key=API_KEY, admin_key=ADMIN_KEY, base_url=service.url))
    found: dict[str, str] = {}
    for prefix in ("", "OTHER_"):
        path = write_training_data(tmp_path / (f"{CANARY}.jsonl" if not prefix else "other.jsonl"))
        with path.open("rb") as content:
            file = api.upload_file("chats.jsonl", content, purpose="fine-tune")
        job = api.job(
            api.create_job({"model": "gpt-4o-mini", "training_file": file.id, "suffix": "known"}).id
        )
        found |= {
            f"{prefix}DATA": str(path),
            f"{prefix}FILE": file.id,
            f"{prefix}MODEL": str(job.fine_tuned_model),
        }
    found["HASH"] = hashlib.sha256(Path(found["OTHER_DATA"]).read_bytes()).hexdigest()
    yield found
    api.close()


@pytest.fixture(params=CASES, ids=lambda case: case.id)
def world(
    request: pytest.FixtureRequest,
    service: Emulator,
    configure: Configure,
    known: dict[str, str],
    capsys: pytest.CaptureFixture[str],
) -> Iterator[World]:
    case: Case = request.param
    before, service.settings.mode = service.settings.mode, case.mode
    more = {"service": "generic"} if case.mode == "gateway" else {}

    def make() -> Any:
        return configure(PROVIDERS[case.kind], Host(FakeClock().time), maxRetries="0", **more)

    yield World(case, service, make, known, capsys)
    service.settings.mode = before


def test_every_input_has_a_canary() -> None:
    expected = {
        f"{kind}.{name}"
        for kind, provider in PROVIDERS.items()
        for name in provider.inputs_model.model_fields
        if name not in NO_TEXT
    }

    assert {case.id for case in CASES} == expected


def test_invalid_values_are_not_shown(world: World) -> None:
    checked = world.run(world.provider.check, {}, world.props(invalid=True))

    assert checked.failures
    world.assert_hidden(INVALID)


@pytest.mark.parametrize("fault", FAULTS)
def test_refused_creates_show_nothing(world: World, fault: str) -> None:
    world.fail(fault, world.props())

    world.run(world.provider.create, world.props())

    world.assert_hidden(world.canaries)


def test_the_lifecycle_shows_nothing(world: World) -> None:
    props = world.props()
    checked = world.run(world.provider.check, {}, props)
    assert checked.failures == []
    world.run(world.provider.preview_outputs, None, checked.inputs)
    created = world.run(world.provider.create, checked.inputs)
    assert created, world.reported
    assert [text for text in world.canaries if text in created.id] == []

    world.run(world.make().create, checked.inputs)  # in the next process, after the state was lost
    world.note_messages()
    assert world.case.kind == "permission" or any("adopted" in message for message in world.reported)
    world.run(world.provider.check, created.outs, props)
    world.run(world.provider.read, created.id, created.outs)
    world.run(world.provider.update, created.id, created.outs, checked.inputs)
    for fault in FAULTS:
        world.fail(fault, created.outs)
        world.run(world.provider.read, created.id, created.outs)
        world.run(world.provider.update, created.id, created.outs, checked.inputs)
        world.run(world.provider.delete, created.id, created.outs)
        world.service.clear_faults()
    world.run(world.provider.delete, created.id, created.outs)

    world.assert_hidden(world.canaries)


@pytest.mark.parametrize("secret", ["file", "purpose"])
def test_too_large_shows_neither_path_nor_purpose(configure: Configure, tmp_path: Path, secret: str) -> None:
    path = tmp_path / f"{CANARY}.jsonl"
    with path.open("wb") as content:
        content.truncate(513 * 2**20)
    props = {"file": str(path), "purpose": "user_data", "sha256": "0" * 64, "__secret_inputs": [secret]}

    (failure,) = configure(FileProvider).check({}, props).failures

    assert "[secret]" in failure.reason
    assert str(props[secret]) not in failure.reason
