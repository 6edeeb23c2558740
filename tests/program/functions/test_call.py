"""Functions in Pulumi programs, under Pulumi's own mocks.

The programs run in one process of their own, for under its mocks Pulumi makes event loops that it never closes.
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
    "getFineTuningCheckpointPermissions": {"checkpoint_id": "ft:x", "project_id": "proj_b", "limit": 5},
    "getFile": {"file_id": "file-1"},
    "getFiles": {"purpose": "fine-tune", "limit": 5},
    "getModel": {"model_id": "m"},
    "getModels": {"owned_by": "system", "limit": 5},
}
"""Each function with all its arguments."""
JOB = {"id": "ftjob-1", "status": "succeeded", "model": "m", "trained_tokens": 12, "more": 2}
EVENTS = [{"id": "e", "data": {"step": 2, "train_loss": 0.5}}]
ANSWERS = {
    "getFineTuningJob": JOB,
    "getFineTuningJobs": {"jobs": [JOB]},
    "getFineTuningCheckpoints": {"checkpoints": []},
    "getFineTuningEvents": {"events": EVENTS},
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
"""How the mocks refuse files."""
RUNNER = f"""
import json
import pulumi
import pulumi_openai_ft as ft
from pulumi_openai_ft.errors import OpenAIFTError

ANSWERS, REFUSALS = {ANSWERS}, {REFUSALS}

class Answers(pulumi.runtime.Mocks):
    def __init__(self, new_id):
        self.new_id, self.seen = new_id, []

    def new_resource(self, args):
        self.seen.append(args.name)
        return self.new_id, args.inputs

    def call(self, args):
        self.seen.append([args.token, args.args])
        refused = REFUSALS.get(args.args.get("file_id"))
        return ({{}}, [refused]) if refused else ANSWERS[args.token.rsplit(":", 1)[1]]

def tell(output):
    async def follow():
        return [await output.is_known(), await output.is_secret(), dumped(await output.future())]
    return follow()

def dumped(value):
    return value.model_dump(exclude_unset=True) if hasattr(value, "model_dump") else value

def said(call):
    try:
        return dumped(call())
    except OpenAIFTError as error:
        return [type(error).__name__, str(error), getattr(error, "status", None), isinstance(error, pulumi.RunError)]

def run(program, preview):
    mocks, told = Answers("" if preview else "new-id"), {{}}
    pulumi.runtime.set_mocks(mocks, project="shop", stack="dev", preview=preview)
    async def wait():
        for name, what in program():
            told[name] = await what if hasattr(what, "__await__") else what
    failure = said(lambda: pulumi.runtime.test(lambda: pulumi.Output.from_input(wait()))())
    return {{"told": told, "seen": mocks.seen, "failure": failure}}
"""


@dataclass(frozen=True)
class Ran:
    """What a program told, whom it asked, and how it failed.

    Attributes:
        told: By name; outputs are whether they are known, whether they are secret, and their value.
        seen: Names of new resources, and tokens and arguments of calls.
        failure: Class, sentence, status, and whether Pulumi shows the sentence alone.
    """

    told: dict[str, Any]
    seen: list[Any]
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
        f"yield '{name}_output', tell(ft.{lookup.function}_output(**{CALLS[name]}))"
        for name, lookup in LOOKUPS.items()
    ),
    "unmade": """
        file = ft.File("data", file="missing.jsonl", purpose="evals")
        yield "by id", tell(ft.get_file_output(file.id))
        yield "by known argument", tell(ft.get_files_output(purpose=file.purpose))
        """,
    **{
        f"depends on {depends_on}": f"""
        team = pulumi.ComponentResource("shop:index:Team", "team")
        file = ft.File("data", file="missing.jsonl", opts=pulumi.ResourceOptions(parent=team))
        opts = pulumi.InvokeOutputOptions(depends_on={depends_on})
        yield "files", tell(ft.get_files_output(opts=opts))
        """
        for depends_on in DEPENDS_ON
    },
    "outputs": """
        team = pulumi.ComponentResource("shop:index:Team", "team")
        yield "parent", tell(ft.get_file_output("file-1", opts=pulumi.InvokeOptions(parent=team)))
        yield "secret", tell(ft.get_file_output(pulumi.Output.secret("file-1")))
        yield "nested", tell(ft.get_fine_tuning_jobs_output(metadata={"team": pulumi.Output.from_input("red")}))
        """,
    "refusals": """
        for name in ("file-labelled", "file-unlabelled"):
            yield name, said(lambda: ft.get_file(name))
        yield "limit", said(lambda: ft.get_files(limit=0))
        """,
    "refusal of a twin": 'yield "file", tell(ft.get_file_output("file-labelled"))',
    "wrong argument of a twin": 'yield "files", tell(ft.get_files_output(limit=pulumi.Output.from_input(0)))',
    "no functions": """
        yield "first", said(lambda: ft.get_file("file-unserved"))
        yield "second", dumped(ft.get_files())
        yield "third", tell(ft.get_files_output())
        """,
    "no functions for a twin": """
        yield "first", tell(ft.get_file_output("file-unserved").apply(lambda file: file.id))
        """,
    "functions again": 'yield "file", tell(ft.get_file_output("file-1"))',
}
"""Bodies of functions that yield what they tell."""
PREVIEWS = {name: True for name in PROGRAMS if name.startswith(("unmade", "depends", "outputs"))}


@pytest.fixture(scope="module")
def ran(_instant_emulator: Emulator) -> dict[tuple[str, bool], Ran]:
    """All programs, by name and whether it was a preview."""
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
    return {call: Ran(**result) for call, result in zip(calls, json.loads(done.stdout), strict=True)}


def test_the_calls_are_those_of_all_functions() -> None:
    assert {name: set(given) for name, given in CALLS.items()} == {
        name: set(lookup.arguments.model_fields) for name, lookup in LOOKUPS.items()
    }


@pytest.mark.parametrize("name", CALLS)
def test_mocks_receive_calls_of_both_forms(ran: Any, name: str) -> None:
    assert ran["every function", False].seen.count([TYPE_PREFIX + name, CALLS[name]]) == 2


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("getFineTuningJob", JOB),
        ("getFineTuningEvents", {"fine_tuning_job_id": "ftjob-1", "events": EVENTS}),
        ("getModels", {"models": []}),
    ],
)
def test_the_program_gets_the_response_of_mocks(ran: Any, name: str, found: Any) -> None:
    """Whole numbers among it, although the engine carries floats."""
    told = ran["every function", False].told

    assert told[name] == found
    assert told[f"{name}_output"] == [True, False, found]
    assert isinstance(ran["every function", False].told["getFineTuningJob"]["more"], int)


class TestTwins:
    @pytest.mark.parametrize("what", ["by id", "by known argument"])
    def test_stay_unknown_while_their_arguments_are_unknown(self, ran: Any, what: str) -> None:
        preview, up = ran["unmade", True], ran["unmade", False]

        assert preview.told[what] == [False, False, None]
        assert preview.seen == ["data"]
        assert up.told[what][0] is True
        assert len(up.seen) == 3

    @pytest.mark.parametrize("depends_on", DEPENDS_ON)
    def test_wait_for_their_dependencies(self, ran: Any, depends_on: str) -> None:
        """In a preview they stay unknown, for it is not made there; of a component, its children count."""
        preview, up = ran[f"depends on {depends_on}", True], ran[f"depends on {depends_on}", False]

        assert preview.told["files"] == [False, False, None]
        assert preview.seen == ["team", "data"]
        assert up.told["files"] == [True, False, {"files": []}]
        assert up.seen == ["team", "data", [f"{TYPE_PREFIX}getFiles", {}]]

    @pytest.mark.parametrize("preview", [False, True])
    def test_call_the_service_when_all_arguments_are_known(self, ran: Any, preview: bool) -> None:  # noqa: FBT001 - a parameter
        told = ran["outputs", preview].told

        assert told["parent"] == [True, False, ANSWERS["getFile"]]

    def test_keep_secrets(self, ran: Any) -> None:
        assert ran["outputs", False].told["secret"] == [True, True, ANSWERS["getFile"]]

    def test_take_outputs_within_arguments(self, ran: Any) -> None:
        given = {"metadata": {"team": "red"}}

        assert [f"{TYPE_PREFIX}getFineTuningJobs", given] in ran["outputs", False].seen


class TestFailures:
    def test_are_our_classes_and_print_one_sentence(self, ran: Any) -> None:
        told = ran["refusals", False].told

        assert told["file-labelled"] == ["NotFoundError", SENTENCE, 404, True]
        assert told["file-unlabelled"] == ["OpenAIFTError", SENTENCE, None, True]

    def test_of_arguments_are_said_before_anybody_is_asked(self, ran: Any) -> None:
        sentence = "get_files: limit: 0 is invalid: must be at least 1"

        assert ran["refusals", False].told["limit"] == ["InputError", sentence, None, True]
        assert len(ran["refusals", False].seen) == 2

    def test_of_output_forms_end_the_program_in_one_sentence(self, ran: Any) -> None:
        assert ran["refusal of a twin", False].failure == ["NotFoundError", SENTENCE, 404, True]
        assert ran["wrong argument of a twin", False].failure[1].startswith("get_files: limit: 0 is invalid")


class TestHostsWithoutFunctions:
    def test_make_the_program_call_the_service_itself(self, ran: Any) -> None:
        told = ran["no functions", False].told

        assert told["first"][0] == "NotFoundError"
        assert told["second"] == {"files": []}
        assert told["third"] == [True, False, {"files": []}]

    def test_are_called_once(self, ran: Any) -> None:
        assert len(ran["no functions", False].seen) == 1

    def test_make_output_forms_call_too(self, ran: Any) -> None:
        assert ran["no functions for a twin", False].failure[0] == "NotFoundError"

    def test_differ_from_another_engine_of_the_process(self, ran: Any) -> None:
        assert ran["functions again", False].told["file"] == [True, False, ANSWERS["getFile"]]
