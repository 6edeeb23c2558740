"""Functions in Pulumi programs, with Pulumi's own mocks.

The programs run in a single separate process, as Pulumi's mocks create event loops that are never closed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from textwrap import dedent, indent
from typing import TYPE_CHECKING, Any

import pytest
from tests.support import API_KEY

from pulumi_openai_ft._program.functions.lookups import LOOKUPS
from pulumi_openai_ft._shared.state_names import TYPE_PREFIX

if TYPE_CHECKING:
    from pulumi_openai_ft.emulator import Emulator

CALLS: dict[str, dict[str, Any]] = {
    "getFineTuningJob": {"fine_tuning_job_id": "ftjob-1"},
    "getFineTuningJobs": {"status": "running", "model": "m", "metadata": {"team": "red"}, "limit": 5},
    "getFineTuningCheckpoints": {"fine_tuning_job_id": "ftjob-1", "limit": 5},
    "getFineTuningEvents": {
        "fine_tuning_job_id": "ftjob-1",
        "limit": 5,
        "level": "warn",
        "type": "metrics",
        "order": "oldest",
    },
    "getFineTuningMetrics": {"fine_tuning_job_id": "ftjob-1"},
    "bestCheckpoint": {"fine_tuning_job_id": "ftjob-1", "by": "train_loss"},
    "getFineTuningCheckpointPermissions": {"checkpoint_id": "ft:x", "project_id": "proj_b", "limit": 5},
    "getFile": {"file_id": "file-1"},
    "getFiles": {"purpose": "fine-tune", "limit": 5},
    "getModel": {"model_id": "m"},
    "getModels": {"owned_by": "system", "limit": 5},
}
"""Each function with all its arguments."""
JOB = {"id": "ftjob-1", "status": "succeeded", "model": "m", "trained_tokens": 12, "more": 2}
EVENTS = [{"id": "e", "data": {"step": 2, "train_loss": 0.5}}]
RESPONSES = {
    "getFineTuningJob": JOB,
    "getFineTuningJobs": {"jobs": [JOB]},
    "getFineTuningCheckpoints": {"checkpoints": []},
    "getFineTuningEvents": {"events": EVENTS},
    "getFineTuningMetrics": {"metrics": [{"step": 2, "train_loss": 0.5}], "source": "events"},
    "bestCheckpoint": {"id": "ftckpt_1", "fine_tuned_model_checkpoint": "ft:x:ckpt-step-2", "step_number": 2},
    "getFineTuningCheckpointPermissions": {"permissions": []},
    "getFile": {"id": "file-1", "bytes": 70},
    "getFiles": {"files": []},
    "getModel": {"id": "m"},
    "getModels": {"models": []},
}
SENTENCE = "No such File object: file-2 (GET /files/file-2, status 404); check (twice) that {it} is right"
REFUSALS = {
    "file-labelled": [json.dumps({"error": "NotFoundError", "facts": {"status": 404}}), SENTENCE],
    "file-unlabelled": ["", SENTENCE],
    "file-unserved": ["", "Invoke is not implemented by the dynamic provider"],
}
"""The errors of the mocks, by file."""
RUNNER = f"""
import json
import pulumi
import pulumi_openai_ft as ft
from pulumi_openai_ft.errors import OpenAIFTError

RESPONSES, REFUSALS = {RESPONSES}, {REFUSALS}

class FunctionMocks(pulumi.runtime.Mocks):
    def __init__(self, new_id):
        self.new_id, self.calls = new_id, []

    def new_resource(self, args):
        self.calls.append(args.name)
        return self.new_id, args.inputs

    def call(self, args):
        self.calls.append([args.token, args.args])
        error = REFUSALS.get(args.args.get("file_id"))
        return ({{}}, [error]) if error else RESPONSES[args.token.rsplit(":", 1)[1]]

def describe(output):
    async def follow():
        return [await output.is_known(), await output.is_secret(), dumped(await output.future())]
    return follow()

def dumped(value):
    return value.model_dump(exclude_unset=True) if hasattr(value, "model_dump") else value

def result_of(call):
    try:
        return dumped(call())
    except OpenAIFTError as error:
        return [type(error).__name__, str(error), getattr(error, "status", None), isinstance(error, pulumi.RunError)]

def run(program, preview):
    mocks, results = FunctionMocks("" if preview else "new-id"), {{}}
    pulumi.runtime.set_mocks(mocks, project="shop", stack="dev", preview=preview)
    async def wait():
        for name, value in program():
            results[name] = await value if hasattr(value, "__await__") else value
    failure = result_of(lambda: pulumi.runtime.test(lambda: pulumi.Output.from_input(wait()))())
    return {{"results": results, "calls": mocks.calls, "failure": failure}}
"""


@dataclass(frozen=True)
class ProgramRun:
    """The results, calls and error of a program.

    Attributes:
        results: Results by name; outputs as: whether known, whether secret, and their value.
        calls: Names of new resources, and tokens and arguments of calls.
        failure: Class, message, status, and whether Pulumi prints only the message.
    """

    results: dict[str, Any]
    calls: list[Any]
    failure: list[Any] | None


DEPENDS_ON = [
    "file",
    "[file]",
    "[pulumi.Output.from_input(file)]",
    "pulumi.Output.from_input([file])",
    "team",
]
PROGRAMS = {
    "every function": "\n".join(
        f"yield '{name}', ft.{lookup.function}(**{CALLS[name]}).model_dump(exclude_unset=True)\n"
        f"yield '{name}_output', describe(ft.{lookup.function}_output(**{CALLS[name]}))"
        for name, lookup in LOOKUPS.items()
        if name in CALLS and name in RESPONSES  # the first test reports missing ones
    ),
    "unmade": """
        file = ft.File("data", file="missing.jsonl", purpose="evals")
        yield "by id", describe(ft.get_file_output(file.id))
        yield "by known argument", describe(ft.get_files_output(purpose=file.purpose))
        """,
    **{
        f"depends on {depends_on}": f"""
        team = pulumi.ComponentResource("shop:index:Team", "team")
        file = ft.File("data", file="missing.jsonl", opts=pulumi.ResourceOptions(parent=team))
        opts = pulumi.InvokeOutputOptions(depends_on={depends_on})
        yield "files", describe(ft.get_files_output(opts=opts))
        """
        for depends_on in DEPENDS_ON
    },
    "outputs": """
        team = pulumi.ComponentResource("shop:index:Team", "team")
        yield "parent", describe(ft.get_file_output("file-1", opts=pulumi.InvokeOptions(parent=team)))
        yield "secret", describe(ft.get_file_output(pulumi.Output.secret("file-1")))
        yield "nested", describe(ft.get_fine_tuning_jobs_output(metadata={"team": pulumi.Output.from_input("red")}))
        """,
    "refusals": """
        for name in ("file-labelled", "file-unlabelled"):
            yield name, result_of(lambda: ft.get_file(name))
        yield "limit", result_of(lambda: ft.get_files(limit=0))
        """,
    "error of an output form": 'yield "file", describe(ft.get_file_output("file-labelled"))',
    "wrong argument of an output form": 'yield "files", describe(ft.get_files_output(limit=pulumi.Output.from_input(0)))',
    "no functions": """
        yield "first", result_of(lambda: ft.get_file("file-unserved"))
        yield "second", dumped(ft.get_files())
        yield "third", describe(ft.get_files_output())
        """,
    "no functions for an output form": """
        yield "first", describe(ft.get_file_output("file-unserved").apply(lambda file: file.id))
        """,
    "functions again": 'yield "file", describe(ft.get_file_output("file-1"))',
}
"""Bodies of functions that yield their results."""
PREVIEWS = {name: True for name in PROGRAMS if name.startswith(("unmade", "depends", "outputs"))}


@pytest.fixture(scope="module")
def runs(_instant_emulator: Emulator) -> dict[tuple[str, bool], ProgramRun]:
    """Run all programs, and return the runs by name and whether each was a preview."""
    _instant_emulator.reset()
    calls = [
        (name, preview)
        for name in PROGRAMS
        for preview in (False, True)
        if preview <= PREVIEWS.get(name, False)
    ]
    script = [RUNNER, "results = []"]
    for name, preview in calls:
        script.append(f"def program():\n{indent(dedent(PROGRAMS[name]).strip(), '    ')}")
        script.append(f"results.append(run(program, {preview}))")
    script.append("print(json.dumps(results))")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", "\n".join(script)],
        env={**os.environ, "OPENAI_API_KEY": API_KEY, "OPENAI_BASE_URL": _instant_emulator.url},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return {call: ProgramRun(**result) for call, result in zip(calls, json.loads(done.stdout), strict=True)}


def test_the_calls_are_those_of_all_functions() -> None:
    assert RESPONSES.keys() == CALLS.keys()
    assert {name: set(given) for name, given in CALLS.items()} == {
        name: set(lookup.arguments.model_fields) for name, lookup in LOOKUPS.items()
    }


@pytest.mark.parametrize("name", CALLS)
def test_mocks_receive_calls_of_both_forms(runs: Any, name: str) -> None:
    assert runs["every function", False].calls.count([TYPE_PREFIX + name, CALLS[name]]) == 2


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("getFineTuningJob", JOB),
        ("getFineTuningEvents", {"fine_tuning_job_id": "ftjob-1", "events": EVENTS}),
        ("getModels", {"models": []}),
    ],
)
def test_the_program_gets_the_response_of_mocks(runs: Any, name: str, found: Any) -> None:
    """Whole numbers arrive as ints, although the engine transports floats."""
    results = runs["every function", False].results

    assert results[name] == found
    assert results[f"{name}_output"] == [True, False, found]
    assert isinstance(runs["every function", False].results["getFineTuningJob"]["more"], int)


class TestOutputForms:
    @pytest.mark.parametrize("output", ["by id", "by known argument"])
    def test_stay_unknown_while_their_arguments_are_unknown(self, runs: Any, output: str) -> None:
        preview, up = runs["unmade", True], runs["unmade", False]

        assert preview.results[output] == [False, False, None]
        assert preview.calls == ["data"]
        assert up.results[output][0] is True
        assert len(up.calls) == 3

    @pytest.mark.parametrize("depends_on", DEPENDS_ON)
    def test_wait_for_their_dependencies(self, runs: Any, depends_on: str) -> None:
        """In a preview they stay unknown until the dependency exists; a component depends on its children."""
        preview, up = runs[f"depends on {depends_on}", True], runs[f"depends on {depends_on}", False]

        assert preview.results["files"] == [False, False, None]
        assert preview.calls == ["team", "data"]
        assert up.results["files"] == [True, False, {"files": []}]
        assert up.calls == ["team", "data", [f"{TYPE_PREFIX}getFiles", {}]]

    @pytest.mark.parametrize("preview", [False, True])
    def test_call_the_service_when_all_arguments_are_known(self, runs: Any, preview: bool) -> None:  # noqa: FBT001 - a parameter
        results = runs["outputs", preview].results

        assert results["parent"] == [True, False, RESPONSES["getFile"]]

    def test_keep_secrets(self, runs: Any) -> None:
        assert runs["outputs", False].results["secret"] == [True, True, RESPONSES["getFile"]]

    def test_take_outputs_within_arguments(self, runs: Any) -> None:
        given = {"metadata": {"team": "red"}}

        assert [f"{TYPE_PREFIX}getFineTuningJobs", given] in runs["outputs", False].calls


class TestFailures:
    def test_are_package_errors_and_print_a_single_sentence(self, runs: Any) -> None:
        results = runs["refusals", False].results

        assert results["file-labelled"] == ["NotFoundError", SENTENCE, 404, True]
        assert results["file-unlabelled"] == ["OpenAIFTError", SENTENCE, None, True]

    def test_of_arguments_are_raised_before_any_request(self, runs: Any) -> None:
        sentence = "get_files: limit: 0 is invalid: must be at least 1"

        assert runs["refusals", False].results["limit"] == ["InputError", sentence, None, True]
        assert len(runs["refusals", False].calls) == 2

    def test_of_output_forms_end_the_program_with_a_sentence(self, runs: Any) -> None:
        assert runs["error of an output form", False].failure == ["NotFoundError", SENTENCE, 404, True]
        assert (
            runs["wrong argument of an output form", False]
            .failure[1]
            .startswith("get_files: limit: 0 is invalid")
        )


class TestHostsWithoutFunctions:
    def test_make_the_program_call_the_service_itself(self, runs: Any) -> None:
        results = runs["no functions", False].results

        assert results["first"][0] == "NotFoundError"
        assert results["second"] == {"files": []}
        assert results["third"] == [True, False, {"files": []}]

    def test_are_called_once(self, runs: Any) -> None:
        assert len(runs["no functions", False].calls) == 1

    def test_make_output_forms_call_too(self, runs: Any) -> None:
        assert runs["no functions for an output form", False].failure[0] == "NotFoundError"

    def test_differ_from_another_engine_of_the_process(self, runs: Any) -> None:
        assert runs["functions again", False].results["file"] == [True, False, RESPONSES["getFile"]]
