"""Sources of programs: for any string, they run and create the resources that were passed."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulumi_openai_ft.cli.imports.program_source import ProgramResource, Reference, program_source

FILE, JOB, PERMISSION = "File", "FineTuningJob", "FineTuningCheckpointPermission"
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
NAMES = st.lists(st.text() | st.sampled_from(["pulumi", "class", "match", "a b", "a_b", "1"]), unique=True)


def calls(source: str) -> list[tuple[str, str, dict[str, Any]]]:
    """Return the class, the name and the inputs of each resource of a program, with variables as `Reference`."""
    tree = ast.parse(source)
    variables: dict[str, Reference] = {}
    found = []
    for statement in tree.body:
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Call):
            call, (target,) = statement.value, statement.targets
            assert isinstance(call.func, ast.Attribute)
            assert isinstance(target, ast.Name)
            name = ast.literal_eval(call.args[0])
            inputs = {
                str(argument.arg): value_of(argument.value, variables)
                for argument in call.keywords
                if argument.arg != "opts"
            }
            found.append((call.func.attr, name, inputs))
            assert target.id not in variables
            variables[target.id] = Reference(call.func.attr, name)
    return found


def value_of(node: ast.expr, variables: dict[str, Reference]) -> Any:
    """Return the value of an argument; a variable, or its output, is a `Reference`."""
    if isinstance(node, ast.Name):
        return variables[node.id]
    if isinstance(node, ast.Attribute):
        assert isinstance(node.value, ast.Name)
        return replace(variables[node.value.id], output=node.attr)
    return ast.literal_eval(node)


@given(NAMES, VALUES, st.text())
def test_any_value_survives_the_source(names: list[str], value: Any, comment: str) -> None:
    files = [ProgramResource(FILE, name, {"filename": value}, (comment,)) for name in names]
    jobs = [
        ProgramResource(JOB, name, {"training_file": Reference(FILE, name), "metadata": value}, (comment,))
        for name in names
    ]

    source = program_source([*files, *jobs], "Resources.")

    assert calls(source) == [(resource.kind, resource.name, resource.inputs) for resource in (*files, *jobs)]
    assert source.isprintable() or set(filter(lambda c: not c.isprintable(), source)) == {"\n"}
    assert source.encode()


def test_the_program_is_formatted_like_hand_written_code() -> None:
    hyperparameters = {"n_epochs": 3, "batch_size": 4, "learning_rate_multiplier": 0.1}
    job = {
        "model": "gpt-4o-mini",
        "training_file": Reference(FILE, "support"),
        "method": {"type": "supervised", "supervised": {"hyperparameters": hyperparameters}},
        "suffix": 'the "best"',
    }

    source = program_source(
        [
            ProgramResource(FILE, "support", {"file": "data.jsonl"}),
            ProgramResource(
                JOB,
                "support",
                job,
                ("Why", "where"),
                is_protected=True,
                exported=(("support", "fine_tuned_model"),),
            ),
        ],
        "Two resources.",
    )

    assert (
        source
        == '''\
"""Two resources."""

import pulumi
import pulumi_openai_ft as openai_ft

support = openai_ft.File("support", file="data.jsonl")

# Why
# where
support_job = openai_ft.FineTuningJob(
    "support",
    model="gpt-4o-mini",
    training_file=support,
    method={
        "type": "supervised",
        "supervised": {
            "hyperparameters": {"n_epochs": 3, "batch_size": 4, "learning_rate_multiplier": 0.1},
        },
    },
    suffix='the "best"',
    opts=pulumi.ResourceOptions(protect=True),
)

pulumi.export("support", support_job.fine_tuned_model)
'''
    )


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("class", "class_file"),
        ("match", "match_file"),
        ("pulumi", "pulumi_file"),
        ("2024", "file_2024"),
        ("eu-west.data", "eu_west_data"),
        ("ü", "file"),
        ("", "file"),
    ],
)
def test_variables_are_valid_identifiers(name: str, variable: str) -> None:
    source = program_source([ProgramResource(FILE, name, {})], "One resource.")

    assert source.splitlines()[-1].startswith(f"{variable} = openai_ft.File(")
