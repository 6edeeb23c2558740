"""The inputs that `pulumi import` reads, in the providers that validate and compare them."""

from __future__ import annotations

import hashlib
import io
import json
import tracemalloc
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fake_clock import FakeClock

from pulumi_openai_ft._client.client import Client
from pulumi_openai_ft._client.objects import FileObject, Job
from pulumi_openai_ft._client.refusals import CONTENT_FORBIDDEN_STATUSES
from pulumi_openai_ft._provider.checkpoint_permission import FineTuningCheckpointPermissionProvider
from pulumi_openai_ft._provider.file import FileInputs, FileProvider, _outputs
from pulumi_openai_ft._provider.fine_tuning_job import FineTuningJobProvider
from pulumi_openai_ft._provider.job.inputs import MAX_METADATA, FineTuningJobInputs
from pulumi_openai_ft._provider.job.state import outputs
from pulumi_openai_ft._provider.permission_manager import PermissionManager
from pulumi_openai_ft._provider.resource_import import (
    CHECKPOINTS_TO_SEARCH,
    content_sha256,
    file_inputs,
    find_permissions,
    job_inputs,
    require_id,
    to_inputs,
)
from pulumi_openai_ft._service_profiles import PROFILES
from pulumi_openai_ft._shared.state_names import TOKEN_KEY
from pulumi_openai_ft.errors import (
    AuthenticationError,
    InputError,
    NotFoundError,
    ServerError,
    ServiceConnectionError,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support import Configure

    from pulumi_openai_ft.emulator import Emulator

MODEL = "gpt-4o-mini-2024-07-18"
MEGABYTE = 1 << 20
OPENAI = PROFILES["openai"]
EXACT = {
    "type": "string_check",
    "name": "exact",
    "operation": "eq",
    "input": "{{sample.output_text}}",
    "reference": "{{item.answer}}",
}
NEAR = {**{key: EXACT[key] for key in ("input", "reference")}, "type": "text_similarity", "name": "near"}
NEAR["evaluation_metric"] = "fuzzy_match"
MESSAGE = {"role": "user", "content": "Grade {{sample.output_text}}."}
SCORE = {"type": "score_model", "name": "score", "model": "gpt-4o", "input": [MESSAGE], "range": [0.0, 2.5]}
LABEL = {
    "type": "label_model",
    "name": "label",
    "model": "gpt-4o",
    "input": [{**MESSAGE, "content": {"type": "input_text", "text": "Label."}, "type": "message"}],
    "labels": ["good", "bad"],
    "passing_labels": ["good"],
}
CODE = {"type": "python", "name": "code", "source": "def grade(sample, item):\n    return 1.0\n"}
FORMAT = {
    "type": "json_schema",
    "json_schema": {"name": "a", "schema": {"type": "object", "properties": {}, "default": None}},
}


def tuned(kind: str, **settings: Any) -> dict[str, Any]:
    return {"type": kind, kind: settings}


def multi(graders: Any) -> dict[str, Any]:
    return {"type": "multi", "name": "all", "graders": graders, "calculate_output": "exact + near"}


def job(**fields: Any) -> Job:
    """Return a job as a service returns it."""
    return Job.model_validate(
        {"id": "ftjob-1", "status": "succeeded", "model": MODEL, "training_file": "file-1", **fields}
    )


def inputs_of(**fields: Any) -> dict[str, Any]:
    """Return the inputs of an import that differ between these jobs."""
    found = job_inputs(job(**fields), OPENAI)
    return {name: value for name, value in found.items() if name not in ("model", "training_file")}


@pytest.fixture
def jobs(configure: Configure) -> FineTuningJobProvider:
    made: FineTuningJobProvider = configure(FineTuningJobProvider, maxRetries="0")
    return made


@pytest.fixture
def files(configure: Configure) -> FileProvider:
    made: FileProvider = configure(FileProvider, maxRetries="0")
    return made


@pytest.fixture
def permissions(configure: Configure) -> PermissionManager:
    return PermissionManager(configure(FineTuningCheckpointPermissionProvider, maxRetries="0").api)


def uploaded(api: Client, content: bytes, filename: str = "data.jsonl", **options: Any) -> FileObject:
    return api.upload_file(filename, io.BytesIO(content), **{"purpose": "fine-tune", **options})


def rows(row: dict[str, Any]) -> bytes:
    return (json.dumps(row) + "\n").encode() * 12


QUESTION = [{"role": "user", "content": "How do I reset my password?"}]
GOOD, BAD = ([{"role": "assistant", "content": text}] for text in ("Under Account.", "No idea."))
DATA = {
    "supervised": rows({"messages": [*QUESTION, *GOOD]}),
    "dpo": rows({"input": {"messages": QUESTION}, "preferred_output": GOOD, "non_preferred_output": BAD}),
    "reinforcement": rows({"messages": QUESTION, "answer": "Account"}),
}


class TestIds:
    @pytest.mark.parametrize(
        ("resource", "id_"),
        [
            ("File", "file-123"),
            ("File", "file-0a1b2c3d4e5f60718293a4b5c6d7e8f9"),
            ("File", "training/2026.jsonl"),
            ("FineTuningJob", "ftjob-123"),
            ("FineTuningJob", "a2f7c6e0-8c1e-4a3b-9a5e-6f5d1c2b3a49"),
            ("FineTuningCheckpointPermission", "ft:m:o::abc:ckpt-step-9/cp_1"),
            ("FineTuningCheckpointPermission", "ft:m:o::abc"),
            ("FineTuningCheckpointPermission", "ftckpt_1"),
            ("FineTuningCheckpointPermission", "ftchkpt-1/cp_1"),
            ("FineTuningCheckpointPermission", "gpt-4o-mini-2024-07-18.ft-0a1b"),
            ("FineTuningCheckpointPermission", "cp_1"),
        ],
    )
    def test_a_plausible_id_is_accepted(self, resource: str, id_: str) -> None:
        require_id(resource, id_)

    @pytest.mark.parametrize(
        ("resource", "id_", "reported"),
        [
            (
                "File",
                "ftjob-1",
                "'ftjob-1' is the id of a job: to import a File, pass the id of a file, file-…",
            ),
            ("File", "upload_1", "'upload_1' is the id of an upload: to import a File, pass"),
            (
                "FineTuningJob",
                "file-1",
                "'file-1' is the id of a file: to import a FineTuningJob, pass the id of a job",
            ),
            (
                "FineTuningJob",
                "ft:m:o::abc",
                "is the id of a fine-tuned model: to import a FineTuningJob, pass",
            ),
            ("FineTuningJob", "ftevent-1", "is the id of an event of a job"),
            ("FineTuningJob", "ftchkpt-1", "is the id of a checkpoint"),
            ("FineTuningJob", "cp_1", "is the id of a permission"),
            (
                "FineTuningCheckpointPermission",
                "ftjob-1",
                "to import a FineTuningCheckpointPermission, pass <checkpoint>/<cp_…>, <checkpoint>",
            ),
            ("FineTuningCheckpointPermission", "proj_1/cp_1", "'proj_1/cp_1' is the id of a project"),
            ("File", "", "the id is empty: to import a File, pass the id of a file, file-…"),
            ("FineTuningJob", " ", "the id is empty: to import a FineTuningJob, pass"),
        ],
    )
    def test_another_kind_of_id_is_refused_with_accepted_forms(
        self, resource: str, id_: str, reported: str
    ) -> None:
        with pytest.raises(InputError) as caught:
            require_id(resource, id_)

        assert reported in str(caught.value)


class TestInputsOfJobs:
    def test_the_inputs_of_the_job_are_named(self) -> None:
        named = {
            "validation_file": "file-2",
            "seed": 0,
            "method": tuned("supervised", hyperparameters={"n_epochs": 3, "learning_rate_multiplier": 0.5}),
            "metadata": {"team": "shop", "note": ""},
        }

        assert inputs_of(**named, user_provided_suffix="support") == {**named, "suffix": "support"}

    def test_inputs_missing_in_the_job_are_not_named(self) -> None:
        empty: dict[str, Any] = {
            "method": None,
            "metadata": {},
            "integrations": [],
            "validation_file": "",
            "seed": None,
        }

        assert inputs_of(**empty, user_provided_suffix="") == {}

    def test_the_idempotency_key_is_omitted(self) -> None:
        assert inputs_of(metadata={TOKEN_KEY: "abc"}) == {}

    def test_excess_metadata_pairs_are_dropped(self) -> None:
        pairs = {f"key-{number}": "value" for number in range(16)}

        assert len(inputs_of(metadata=pairs)["metadata"]) == MAX_METADATA

    def test_invalid_metadata_pairs_are_omitted(self) -> None:
        pairs = {"": "empty", "k" * 65: "long", "long": "v" * 513, "team.name": "shop"}

        assert inputs_of(metadata=pairs) == {"metadata": {"team.name": "shop"}}

    def test_whole_floats_are_whole_numbers(self) -> None:
        method = tuned("supervised", hyperparameters={"n_epochs": 3.0, "learning_rate_multiplier": 1.0})

        found = inputs_of(method=method)["method"]["supervised"]["hyperparameters"]

        assert [type(number) for number in found.values()] == [int, int]

    def test_an_old_job_that_only_has_hyperparameters_was_supervised(self) -> None:
        assert inputs_of(hyperparameters={"n_epochs": 4, "batch_size": "auto"}) == {
            "method": tuned("supervised", hyperparameters={"n_epochs": 4})
        }

    @pytest.mark.parametrize(
        "given",
        [
            {"type": "supervised"},
            {"type": "supervised", "supervised": None, "dpo": None, "reinforcement": None},
            {"type": "supervised", "supervised": {}},
            tuned("supervised", hyperparameters=None),
            tuned("supervised", hyperparameters={"n_epochs": "auto", "batch_size": None}),
            tuned("supervised", hyperparameters={"n_epochs": 51, "batch_size": "8", "beta": 1, "lora": True}),
            {**tuned("supervised", hyperparameters={}, notes="ours"), "id": "m-1", "dpo": {"beta": 1}},
        ],
        ids=str,
    )
    def test_method_fields_added_by_a_service_are_omitted(self, given: dict[str, Any]) -> None:
        assert inputs_of(method=given) == {"method": {"type": "supervised"}}

    @pytest.mark.parametrize(
        "given",
        [
            {"type": "distillation", "distillation": {"teacher": "gpt-4o"}},
            {"supervised": {"hyperparameters": {"n_epochs": 3}}},
            tuned("reinforcement"),
            tuned("reinforcement", grader={"type": "endpoint", "name": "lambda"}),
            tuned("reinforcement", grader={**EXACT, "operation": "regex"}),
            tuned("reinforcement", grader={**EXACT, "input": "{{sample"}),
            tuned("reinforcement", grader=LABEL),
            tuned("reinforcement", grader=multi({"exact": EXACT, "own": {"type": "own"}})),
            tuned("reinforcement", grader=multi([EXACT, {"type": "own"}])),
        ],
        ids=str,
    )
    def test_a_method_outside_of_our_inputs_is_omitted(self, given: dict[str, Any]) -> None:
        assert inputs_of(method=given, validation_file="file-2") == {"validation_file": "file-2"}

    def test_reinforcement_without_a_validation_file_is_refused(self) -> None:
        assert inputs_of(method=tuned("reinforcement", grader=EXACT)) == {}

    @pytest.mark.parametrize(
        "grader",
        [
            EXACT,
            NEAR,
            SCORE,
            CODE,
            multi({"exact": EXACT, "near": NEAR}),
            multi([EXACT, LABEL]),
            multi(EXACT),
        ],
        ids=lambda grader: str(grader["type"]),
    )
    def test_each_grader_is_named_without_service_additions(self, grader: dict[str, Any]) -> None:
        shown = json.loads(
            json.dumps(grader),
            object_hook=lambda found: {**found, "note": None} if found.keys() & {"name", "role"} else found,
        )

        found = inputs_of(method=tuned("reinforcement", grader=shown), validation_file="file-2")

        assert found["method"] == tuned("reinforcement", grader=job_like(grader))

    def test_a_response_format_is_unchanged(self) -> None:
        method = tuned("reinforcement", grader=EXACT, response_format=FORMAT)

        assert inputs_of(method=method, validation_file="file-2")["method"] == method

    def test_integrations_are_named_without_service_additions(self) -> None:
        shown = {"project": "shop", "name": None, "entity": "us", "run_id": "ftjob-1"}
        added = ["openai/finetune", "openai/gpt-4o-mini", "openai/ftjob-1"]
        of_both = [{"type": "wandb", "wandb": {**shown, "tags": tags}} for tags in (["a", *added], added)]

        assert inputs_of(integrations=of_both)["integrations"] == [
            {"type": "wandb", "wandb": {"project": "shop", "entity": "us", "tags": ["a"]}},
            {"type": "wandb", "wandb": {"project": "shop", "entity": "us"}},
        ]

    @pytest.mark.parametrize(
        "entry",
        [{"type": "mlflow", "mlflow": {}}, {"type": "wandb", "wandb": None}, {"type": "wandb", "wandb": {}}],
        ids=str,
    )
    def test_integrations_are_named_completely_or_omitted(self, entry: dict[str, Any]) -> None:
        assert inputs_of(integrations=[{"type": "wandb", "wandb": {"project": "p"}}, entry]) == {}

    def test_hyperparameters_of_the_service_are_named_if_supported(self) -> None:
        own = {"lora": True, "lora_r": 8.0, "context_length": None, "other": 1}
        shown = job(method=tuned("supervised", hyperparameters={"n_epochs": 3, **own}))

        named = {
            name: job_inputs(shown, PROFILES[name])["method"]["supervised"]["hyperparameters"]
            for name in ("openai", "nebius", "generic")
        }

        assert named["openai"] == {"n_epochs": 3}
        assert json.dumps(named["nebius"]) == json.dumps({"n_epochs": 3, "lora": True, "lora_r": 8})
        assert named["generic"] == {"n_epochs": 3, "lora": True, "lora_r": 8, "other": 1}

    def test_a_paused_job_is_imported_as_paused(self) -> None:
        assert inputs_of(status="paused") == {"paused": True}

    @pytest.mark.parametrize(
        "missing", [{"training_file": None}, {"training_file": ""}, {"model": ""}], ids=str
    )
    def test_a_job_that_every_program_recreates_is_refused(self, missing: dict[str, Any]) -> None:
        with pytest.raises(
            InputError, match=rf"^{next(iter(missing))}: required, but the service does not return it"
        ):
            job_inputs(job(**missing), OPENAI)


def job_like(value: Any) -> Any:
    """Return a value as in JSON, with whole floats as ints."""
    if isinstance(value, dict):
        return {key: job_like(item) for key, item in value.items()}
    if isinstance(value, list):
        return [job_like(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def assert_converges(provider: FineTuningJobProvider, found: Job) -> None:
    """Check that a program with these inputs passes `check` and matches the job."""
    inputs = job_inputs(found, provider.settings.profile)
    diff = provider.diff(found.id, outputs(found, {}), inputs)

    assert [failure.reason for failure in provider.check({}, inputs).failures] == []
    assert diff.replaces == []
    assert diff.changes is (found.status != "succeeded")


def test_a_paused_job_is_imported_with_nothing_to_change(jobs: FineTuningJobProvider) -> None:
    found = job(status="paused")
    inputs = job_inputs(found, OPENAI)

    assert jobs.diff(found.id, outputs(found, inputs), inputs).changes is False


TEXTS = st.sampled_from(
    ["auto", "default", "", " ", "eq", "x" * 70, "{{item.a}}", "{{open", "supervised", "dpo"]
)
SCALARS = st.none() | st.booleans() | st.integers(-2, 300) | st.floats(allow_nan=False) | TEXTS
KEYS = st.sampled_from(
    [
        *("type", "supervised", "dpo", "reinforcement", "hyperparameters", "n_epochs", "batch_size", "beta"),
        *(
            "grader",
            "graders",
            "name",
            "input",
            "reference",
            "operation",
            "model",
            "labels",
            "range",
            "wandb",
        ),
        *("project", "tags", "role", "content", "response_format", "int", "", "literal['auto']", "[key]"),
    ]
)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4)
)
OBJECTS = st.dictionaries(KEYS, JSON, max_size=4)


@st.composite
def altered(draw: st.DrawFn, complete: Any) -> Any:
    """Draw a variant of a value in which some parts are replaced, removed or added."""
    if isinstance(complete, dict):
        kept = {key: draw(altered(value)) for key, value in complete.items() if draw(st.integers(0, 19))}
        return {**kept, **draw(st.just({}) | OBJECTS)} if not draw(st.integers(0, 3)) else kept
    if isinstance(complete, list):
        return [draw(altered(item)) for item in complete]
    return complete if draw(st.integers(0, 9)) else draw(JSON)


GRADERS = st.sampled_from(
    [EXACT, NEAR, SCORE, CODE, LABEL, multi([EXACT, LABEL]), multi({"a": EXACT, "b": SCORE})]
)
NUMBERS = {"n_epochs": 3.0, "batch_size": "auto", "learning_rate_multiplier": 0.1}
METHODS = (
    st.just(tuned("supervised", hyperparameters=NUMBERS))
    | st.just(tuned("dpo", hyperparameters={**NUMBERS, "beta": 0.1}))
    | GRADERS.map(lambda grader: tuned("reinforcement", grader=grader, response_format=FORMAT))
).flatmap(altered)
INTEGRATIONS = altered(
    [{"type": "wandb", "wandb": {"project": "p", "tags": ["a", "openai/b"], "run_id": "r"}}]
)
SHOWN_JOBS = st.fixed_dictionaries(
    {"status": st.sampled_from(["succeeded", "failed", "running", "paused", "notRunning"])},
    optional={
        "method": st.none() | METHODS.filter(lambda method: isinstance(method, dict)),
        "hyperparameters": st.none() | OBJECTS,
        "integrations": st.none()
        | INTEGRATIONS.filter(lambda found: all(isinstance(item, dict) for item in found)),
        "metadata": st.none() | st.dictionaries(KEYS, TEXTS, max_size=20),
        "validation_file": st.none() | TEXTS,
        "user_provided_suffix": st.none() | TEXTS,
        "seed": st.none() | st.integers(-1, 2**31),
    },
)


@pytest.fixture(params=["openai", "azure", "nebius", "generic"])
def any_provider(request: pytest.FixtureRequest, configure: Configure) -> FineTuningJobProvider:
    """Return the provider of jobs for each kind of service."""
    made: FineTuningJobProvider = configure(
        FineTuningJobProvider,
        service=request.param,
        apiKeyHeader="authorization",
        unsupportedFeatures="auto,metadata" if request.param == "generic" else None,
    )
    return made


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much])
@given(shown=SHOWN_JOBS)
def test_imported_inputs_always_pass_check_and_match_the_job(
    any_provider: FineTuningJobProvider, shown: dict[str, Any]
) -> None:
    assert_converges(any_provider, job(**shown))


EVERYTHING: dict[str, dict[str, Any]] = {
    "plain": {},
    "alias": {"model": "gpt-4.1-mini"},
    "left to the service": {"method": tuned("supervised", hyperparameters={"n_epochs": "auto"})},
    "settled": {
        "seed": 0.0,
        "suffix": "Support, v1 ",
        "method": tuned(
            "supervised",
            hyperparameters={"n_epochs": 3.0, "batch_size": 2.0, "learning_rate_multiplier": 0.5},
        ),
    },
    "bare method": {"seed": 2147483647.0, "method": {"type": "supervised"}},
    "described": {
        "validated": True,
        "metadata": {"team": "support", "empty": ""},
        "integrations": [
            {
                "type": "wandb",
                "wandb": {"project": "support", "name": "run", "entity": "shop", "tags": ["one", "two"]},
            }
        ],
    },
    "followed": {"integrations": [{"type": "wandb", "wandb": {"project": name}} for name in ("a", "b")]},
    "own": {"delete_model_on_destroy": True, "triggers": ["a"], "extra_body": {"seed": 7.0}, "metadata": {}},
    "choosing": {"method": tuned("dpo", hyperparameters={"beta": 0.25, "n_epochs": 1.0, "batch_size": 4.0})},
    "choosing freely": {"method": tuned("dpo", hyperparameters={"beta": "auto"})},
    **{
        f"reasoning {grader['type']}": {
            "model": "o4-mini",
            "validated": True,
            "method": tuned(
                "reinforcement",
                grader=grader,
                response_format=FORMAT,
                hyperparameters={
                    "n_epochs": 2.0,
                    "reasoning_effort": "low",
                    "compute_multiplier": 1.5,
                    "eval_interval": 5.0,
                    "eval_samples": 2.0,
                },
            ),
        }
        for grader in (EXACT, NEAR, SCORE, CODE, multi({"exact": EXACT, "near": NEAR}))
    },
    "reasoning list": {
        "model": "o4-mini",
        "validated": True,
        "method": tuned(
            "reinforcement", grader=multi([EXACT, NEAR]), hyperparameters={"reasoning_effort": "default"}
        ),
    },
}
"""Jobs that together use every option. `validated` jobs have a validation file."""


@pytest.mark.usefixtures("_every_method")
@pytest.mark.parametrize("name", EVERYTHING)
def test_a_job_with_every_option_is_imported_without_differences(
    name: str, jobs: FineTuningJobProvider
) -> None:
    declared = {"model": MODEL, **EVERYTHING[name]}
    kind = declared.get("method", {}).get("type", "supervised")
    declared["training_file"] = uploaded(jobs.api, DATA[kind]).id
    if declared.pop("validated", False):
        declared["validation_file"] = uploaded(jobs.api, DATA[kind] * 2).id
    created = jobs.create(declared)

    found = jobs.api.job(created.id)

    assert found.status == "succeeded"
    assert_converges(jobs, found)
    assert {"model", "training_file", "seed", "method"} <= job_inputs(found, OPENAI).keys()


def test_the_options_cover_every_input_of_a_job() -> None:
    used = {name for declared in EVERYTHING.values() for name in declared}
    own = {"wait_for_completion", "cancel_after_timeout", "paused", "recreate_on_failure", "training_file"}
    own.add("former_names")

    assert used | own == {*FineTuningJobInputs.model_fields, "validated"} - {"validation_file"}


@pytest.mark.parametrize(
    ("mode", "profile"),
    [
        ("azure", {"service": "azure", "query": "api-version=v1"}),
        ("gateway", {"service": "generic"}),
        ("gateway-with-models", {"service": "generic"}),
        ("gateway-without-metadata", {"service": "generic"}),
    ],
)
def test_a_job_of_another_service_is_imported_without_differences(
    mode: str,
    profile: dict[str, str],
    configure: Configure,
    service: Emulator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(service.settings, "mode", mode)
    provider: FineTuningJobProvider = configure(FineTuningJobProvider, **profile)
    declared = {"model": "gpt-4o-mini", "training_file": uploaded(provider.api, DATA["supervised"]).id}
    own = {"lora": True} if profile["service"] == "generic" else {}
    method = tuned("supervised", hyperparameters={"n_epochs": 3.0, **own})

    found = provider.api.job(provider.create({**declared, "method": method, "metadata": {"a": "b"}}).id)

    assert_converges(provider, found)
    hyperparameters = job_inputs(found, provider.settings.profile)["method"]["supervised"]["hyperparameters"]
    assert hyperparameters.items() >= {"n_epochs": 3, **own}.items()


class TestFiles:
    @pytest.mark.parametrize(
        "options",
        [
            {},
            {"filename": " support chats.jsonl", "expires_after": {"anchor": "created_at", "seconds": 3600}},
            {"filename": "jobs.jsonl", "purpose": "batch"},
            {"filename": "notes.txt", "purpose": "vision"},
        ],
        ids=str,
    )
    def test_an_imported_file_matches_its_inputs(self, options: dict[str, Any], files: FileProvider) -> None:
        found = uploaded(files.api, DATA["supervised"], **options)
        sha256 = content_sha256(files.api, found)
        outs = _outputs(found, sha256)

        inputs = file_inputs(FileInputs, found, outs)

        assert inputs == {name: outs[name] for name in inputs}
        assert inputs["sha256"] == hashlib.sha256(DATA["supervised"]).hexdigest()
        assert inputs.items() >= {"purpose": "fine-tune", **options}.items()
        assert files.check({}, inputs).failures == []
        assert files.diff(found.id, outs, inputs).changes is False

    def test_a_file_with_a_refused_content_matches_its_inputs(self, files: FileProvider) -> None:
        found = uploaded(files.api, b"notes", filename="notes.txt", purpose="user_data")
        outs = _outputs(found, content_sha256(files.api, found))

        inputs = file_inputs(FileInputs, found, outs)

        assert inputs == {"filename": "notes.txt", "purpose": "user_data"}
        assert files.check({}, inputs).failures == []
        assert files.diff(found.id, outs, inputs).changes is False

    def test_a_program_with_the_local_file_shows_no_change(
        self, files: FileProvider, training_data: Path
    ) -> None:
        found = uploaded(files.api, training_data.read_bytes(), filename="elsewhere.jsonl")
        outs = _outputs(found, content_sha256(files.api, found))
        named = {"file": str(training_data), "sha256": hashlib.sha256(training_data.read_bytes()).hexdigest()}

        assert files.diff(found.id, outs, named).changes is False

    @pytest.mark.parametrize(
        ("shown", "left_out"),
        [
            ({"filename": 'a "file".jsonl'}, "filename"),
            ({"filename": None}, "filename"),
            ({"expires_at": 60}, "expires_after"),
            ({"expires_at": 2592001}, "expires_after"),
        ],
        ids=str,
    )
    def test_values_outside_of_our_inputs_are_omitted(
        self, shown: dict[str, Any], left_out: str, files: FileProvider
    ) -> None:
        complete = {
            "id": "file-1",
            "filename": "a.jsonl",
            "purpose": "fine-tune",
            "bytes": 1,
            "created_at": 0,
            "expires_at": 3600,
        }
        found = FileObject.model_validate({**complete, **shown})
        outs = _outputs(found, None)

        inputs = file_inputs(FileInputs, found, outs)

        assert {"filename", "purpose", "expires_after"} - inputs.keys() == {left_out}
        assert files.check({}, inputs).failures == []
        assert files.diff(found.id, outs, inputs).changes is False

    def test_a_purpose_missing_in_the_response_is_omitted(self) -> None:
        found = FileObject(id="file-1", filename="a.jsonl")

        assert file_inputs(FileInputs, found, _outputs(found, None)) == {"filename": "a.jsonl"}

    @pytest.mark.parametrize("purpose", ["fine-tune-results", "assistants_output", "batch_output"])
    def test_a_file_that_was_not_uploaded_is_refused(self, purpose: str) -> None:
        found = FileObject(id="file-1", filename="step_metrics.csv", purpose=purpose)

        with pytest.raises(
            InputError, match=rf"^file-1 has the purpose '{purpose}': .* fine-tune, assistants, .*File\.get$"
        ):
            file_inputs(FileInputs, found, _outputs(found, None))


CONTENT = "/v1/files/*/content"


class TestContent:
    def test_its_hash_is_that_of_the_uploaded_content(self, files: FileProvider) -> None:
        content = bytes(range(256)) * 1000

        assert content_sha256(files.api, uploaded(files.api, content)) == hashlib.sha256(content).hexdigest()

    @pytest.mark.parametrize("megabytes", [20, pytest.param(200, marks=pytest.mark.long)])
    def test_it_is_never_loaded_into_memory(
        self, megabytes: int, files: FileProvider, service: Emulator
    ) -> None:
        found = uploaded(files.api, b"x").model_copy(update={"bytes": megabytes * MEGABYTE})
        with service.backend.blobs.path(found.id).open("r+b") as blob:
            blob.truncate(megabytes * MEGABYTE)

        tracemalloc.start()
        digest = content_sha256(files.api, found)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

        assert digest is not None
        assert peak < 4 * MEGABYTE

    @pytest.mark.parametrize("status", sorted(CONTENT_FORBIDDEN_STATUSES - set(range(301, 400))))
    def test_unreadable_content_has_no_hash(
        self, status: int, files: FileProvider, service: Emulator
    ) -> None:
        found = uploaded(files.api, b"x")
        message = "Not allowed to download files of purpose: assistants"
        body = {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": None}}
        service.fault("GET", CONTENT, "status", status=status, body=body)

        assert content_sha256(files.api, found) is None

    @pytest.mark.parametrize("status", [401, 403])
    def test_without_the_scope_there_is_no_hash(
        self, status: int, files: FileProvider, service: Emulator
    ) -> None:
        found = uploaded(files.api, b"x")
        body = {"error": {"message": "Missing scopes: api.files.read", "code": "missing_scope"}}
        service.fault("GET", CONTENT, "status", status=status, body=body)

        assert content_sha256(files.api, found) is None

    def test_without_the_endpoint_there_is_no_hash(self, files: FileProvider, service: Emulator) -> None:
        found = uploaded(files.api, b"x")
        service.fault("GET", CONTENT, "html", status=404)

        assert content_sha256(files.api, found) is None

    def test_content_that_the_service_changed_has_no_hash(self, files: FileProvider) -> None:
        """With a wrong hash, the file would be uploaded again, and its jobs recreated."""
        found = uploaded(files.api, b"x" * 10).model_copy(update={"bytes": 9})

        assert content_sha256(files.api, found) is None

    @pytest.mark.parametrize(
        ("fault", "kind"),
        [
            ({"action": "status", "status": 401}, AuthenticationError),
            ({"action": "status", "status": 403, "code": "unsupported_country"}, AuthenticationError),
            ({"action": "status", "status": 500}, ServerError),
            ({"action": "drop_before"}, ServiceConnectionError),
            ({"action": "truncate"}, ServiceConnectionError),
        ],
        ids=str,
    )
    def test_other_errors_are_raised(
        self, fault: dict[str, Any], kind: type[Exception], files: FileProvider, service: Emulator
    ) -> None:
        found = uploaded(files.api, b"x" * 100)
        service.fault("GET", CONTENT, **fault)

        with pytest.raises(kind):
            content_sha256(files.api, found)

    def test_a_truncated_body_is_read_again_from_the_start(
        self, configure: Configure, service: Emulator
    ) -> None:
        with closing(Client(configure(FileProvider).settings, FakeClock().time)) as api:
            found = uploaded(api, b"x" * 100)
            service.fault("GET", CONTENT, "truncate")

            assert content_sha256(api, found) == hashlib.sha256(b"x" * 100).hexdigest()


@pytest.fixture
def models(jobs: FineTuningJobProvider) -> list[str]:
    """Train three models, and return their names, oldest first."""
    file = uploaded(jobs.api, DATA["supervised"]).id
    created = [jobs.create({"model": MODEL, "training_file": file, "seed": seed}) for seed in range(3)]
    return [(job.outs or {})["fine_tuned_model"] for job in created]


def lists(service: Emulator) -> int:
    return len(service.journal(method="GET", path="/v1/fine_tuning/checkpoints/*"))


class TestPermissions:
    def test_a_checkpoint_name_finds_all_its_permissions(
        self, permissions: PermissionManager, models: list[str]
    ) -> None:
        made = permissions.grant(models[0], ["proj_b", "proj_c"])

        checkpoint, found = find_permissions(permissions, models[0])

        assert checkpoint == models[0]
        assert {permission.id for permission in found} == {permission.id for permission in made}

    def test_a_single_permission_is_found_by_checkpoint_and_id(
        self, permissions: PermissionManager, models: list[str]
    ) -> None:
        permission, _other = permissions.grant(models[0], ["proj_b", "proj_c"])

        assert find_permissions(permissions, f"{models[0]}/{permission.id}") == (models[0], [permission])

    def test_a_checkpoint_may_be_given_by_its_id(
        self, permissions: PermissionManager, models: list[str], jobs: FineTuningJobProvider
    ) -> None:
        newest = next(jobs.api.jobs())
        earlier = list(jobs.api.checkpoints(newest.id))[1]
        (permission,) = permissions.grant(earlier.fine_tuned_model_checkpoint, ["proj_b"])

        assert newest.fine_tuned_model in models
        for id_ in (earlier.id, f"{earlier.id}/{permission.id}"):
            assert find_permissions(permissions, id_) == (earlier.fine_tuned_model_checkpoint, [permission])

    @pytest.mark.parametrize("place", [0, 1])
    def test_a_bare_id_is_searched_among_the_newest_checkpoints(
        self,
        place: int,
        permissions: PermissionManager,
        models: list[str],
        jobs: FineTuningJobProvider,
        service: Emulator,
    ) -> None:
        newest = next(jobs.api.jobs())
        checkpoints = [
            checkpoint.fine_tuned_model_checkpoint for checkpoint in jobs.api.checkpoints(newest.id)
        ]
        (permission,) = permissions.grant(checkpoints[place], ["proj_b"])
        before = lists(service)

        assert checkpoints[0] == models[-1]
        assert find_permissions(PermissionManager(permissions.api), permission.id) == (
            checkpoints[place],
            [permission],
        )
        assert lists(service) - before == place + 1

    def test_a_bare_id_not_found_reports_the_search_range(
        self, permissions: PermissionManager, models: list[str], service: Emulator
    ) -> None:
        with pytest.raises(
            InputError, match=rf"^cp_1 was not found .*\({3 * len(models)} searched\).*/cp_1 with"
        ):
            find_permissions(permissions, "cp_1")

        assert lists(service) == 3 * len(models)

    def test_searching_a_bare_id_costs_few_admin_requests(
        self, permissions: PermissionManager, jobs: FineTuningJobProvider, service: Emulator
    ) -> None:
        file = uploaded(jobs.api, DATA["supervised"]).id
        for seed in range(5):
            jobs.create({"model": MODEL, "training_file": file, "seed": seed})

        for number in range(3):
            with pytest.raises(InputError, match="was not found among the permissions"):
                find_permissions(permissions, f"cp_{number}")

        assert lists(service) == CHECKPOINTS_TO_SEARCH

    def test_many_imports_of_one_checkpoint_list_it_once(
        self, permissions: PermissionManager, models: list[str], service: Emulator
    ) -> None:
        made = permissions.grant(models[0], [f"proj_{letter}" for letter in "bcdef"])
        before, fresh = lists(service), PermissionManager(permissions.api)

        for permission in made:
            find_permissions(fresh, f"{models[0]}/{permission.id}")

        assert lists(service) - before == 1

    def test_a_missing_permission_is_reported_with_the_existing_ones(
        self, permissions: PermissionManager, models: list[str]
    ) -> None:
        (permission,) = permissions.grant(models[0], ["proj_b"])

        with pytest.raises(InputError, match=rf"^cp_1 is not .* of {models[0]}: {permission.id} \(proj_b\)$"):
            find_permissions(permissions, f"{models[0]}/cp_1")

    def test_only_some_of_many_permissions_are_listed(
        self, permissions: PermissionManager, models: list[str]
    ) -> None:
        permissions.grant(models[0], [f"proj_{number}" for number in range(30)])

        with pytest.raises(InputError, match=r"\), …$"):
            find_permissions(permissions, f"{models[0]}/cp_1")

    @pytest.mark.parametrize("id_", ["{}", "{}/cp_1"])
    def test_a_checkpoint_without_permissions_is_reported(
        self, id_: str, permissions: PermissionManager, models: list[str]
    ) -> None:
        with pytest.raises(InputError, match=rf"^{models[0]} is not shared with any project"):
            find_permissions(permissions, id_.format(models[0]))

    @pytest.mark.parametrize("id_", ["meta/cp_llama/ft/cp_9", "meta/llama"])
    def test_a_checkpoint_may_have_slashes_in_its_name(
        self, id_: str, permissions: PermissionManager
    ) -> None:
        name = id_.removesuffix("/cp_9")

        with pytest.raises(
            InputError, match=f"^{name} is not shared with any project, or is not a checkpoint"
        ):
            find_permissions(permissions, id_)

    @pytest.mark.parametrize("id_", ["", "ftjob-1", "file-1/cp_1", "/cp_1"])
    def test_an_invalid_import_id_is_refused_without_a_request(
        self, id_: str, permissions: PermissionManager, service: Emulator
    ) -> None:
        with pytest.raises(InputError):
            find_permissions(permissions, id_)

        assert lists(service) == 0

    def test_a_service_without_permissions_is_named(self, configure: Configure) -> None:
        limited = PermissionManager(configure(FineTuningCheckpointPermissionProvider, service="bedrock").api)

        with pytest.raises(InputError, match="the service 'bedrock' does not support checkpoint permissions"):
            find_permissions(limited, "ft:m:o::abc")

    def test_without_checkpoints_only_models_are_searched(
        self, configure: Configure, permissions: PermissionManager, models: list[str], service: Emulator
    ) -> None:
        (permission,) = permissions.grant(models[0], ["proj_b"])
        limited = configure(FineTuningCheckpointPermissionProvider, unsupportedFeatures="checkpoints").api

        assert find_permissions(PermissionManager(limited), permission.id) == (models[0], [permission])
        assert service.journal(path="/v1/fine_tuning/jobs/*/checkpoints") == []


def test_a_list_is_named_completely_or_omitted() -> None:
    wandb = {"project": "p", "tags": ["a", 1]}

    found = to_inputs(
        FineTuningJobInputs,
        {"model": "m", "training_file": "f", "integrations": [{"type": "wandb", "wandb": wandb}]},
    )

    assert found["integrations"] == [{"type": "wandb", "wandb": {"project": "p"}}]


@pytest.mark.parametrize("id_", ["file-1", "a/b"])
def test_an_unknown_id_is_reported(id_: str, files: FileProvider) -> None:
    with pytest.raises(NotFoundError, match=id_):
        files.api.file(id_)


def test_jobs_are_imported_with_a_request_each(jobs: FineTuningJobProvider, service: Emulator) -> None:
    file = uploaded(jobs.api, DATA["supervised"]).id
    made = [jobs.api.create_job({"model": MODEL, "training_file": file}).id for _ in range(3)]
    ended = [jobs.api.job(id_).id for id_ in made]
    before = service.journal()[-1].number

    for id_ in ended:
        jobs.import_(id_)

    paths = [entry.path.removeprefix("/v1") for entry in service.journal(after=before)]
    assert paths[0] == f"/fine_tuning/jobs/{ended[0]}"
    assert sorted(paths) == sorted([*(f"/fine_tuning/jobs/{id_}" for id_ in ended), "/models"])
