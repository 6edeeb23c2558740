"""Names of imported resources."""

from __future__ import annotations

import keyword

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulumi_openai_ft._client.objects import FileObject, Job
from pulumi_openai_ft.cli.imports.names import (
    RESERVED,
    file_name,
    job_name,
    permission_name,
    renamed,
    unique_names,
)

TEXTS = st.text() | st.sampled_from(
    ["support", "Support", "for", "a_file", "a_step_2", "x-permission-2", "2024"]
)
JOBS = st.builds(Job, id=st.just("ftjob-1"), user_provided_suffix=TEXTS, model=TEXTS, fine_tuned_model=TEXTS)
FILES = st.builds(FileObject, id=st.just("file-1"), filename=st.none() | TEXTS)


@pytest.mark.parametrize(
    ("job", "name"),
    [
        ({"user_provided_suffix": "customer-support"}, "customer_support"),
        ({"fine_tuned_model": "ft:gpt-4o-mini-2024-07-18:acme:billing:9xYz"}, "billing"),
        ({"fine_tuned_model": "ft:gpt-4o-mini-2024-07-18:acme::9xYz", "model": "gpt-4o-mini-2024-07-18"}, "gpt_4o_mini_job"),
        ({"model": "gpt-4.1-2025-04-14"}, "gpt_4_1_job"),
        ({"user_provided_suffix": "2024-q3"}, "job_2024_q3"),
        ({"user_provided_suffix": "for"}, "for_job"),
        ({"user_provided_suffix": "null"}, "null_job"),
        ({"user_provided_suffix": "pulumi"}, "pulumi_job"),
        ({"user_provided_suffix": "training-file"}, "training_file_job"),
        ({}, "job"),
    ],
)  # fmt: skip
def test_jobs_are_named_after_their_suffix(job: dict[str, str], name: str) -> None:
    assert job_name(Job(id="ftjob-1", **job)) == name


@pytest.mark.parametrize(
    ("filename", "name"),
    [
        ("Café Chats (v2).jsonl", "cafe_chats_v2_file"),
        ("my_file.jsonl", "my_file"),
        ("data.2024.jsonl", "data_2024_file"),
        ("漢字.jsonl", "data_file"),
        (None, "data_file"),
    ],
)
def test_files_are_named_after_their_file_name(filename: str | None, name: str) -> None:
    assert file_name(FileObject(id="file-1", filename=filename)) == name


@given(st.lists(JOBS), st.lists(FILES))
def test_names_are_unique_identifiers_across_kinds(jobs: list[Job], files: list[FileObject]) -> None:
    of_jobs = unique_names((number, job_name(job)) for number, job in enumerate(jobs))
    of_files = unique_names((number, file_name(file)) for number, file in enumerate(files))
    of_permissions = [permission_name(name, step) for name in of_jobs.values() for step in (None, 2)]

    names = [*of_jobs.values(), *of_files.values(), *of_permissions]
    assert len(names) == len(jobs) + len(files) + 2 * len(jobs)
    assert len(set(names)) == len(names)
    for name in names:
        assert name.isidentifier()
        assert name.isascii()
        assert name == name.lower()
        assert not keyword.iskeyword(name)
        assert name not in RESERVED


@given(st.lists(TEXTS, min_size=1), st.data())
def test_newer_objects_do_not_rename_older_ones(suffixes: list[str], data: st.DataObject) -> None:
    bases = [job_name(Job(id="ftjob-1", user_provided_suffix=suffix)) for suffix in suffixes]
    older = data.draw(st.integers(0, len(bases)))

    assert unique_names(enumerate(bases[:older])).items() <= unique_names(enumerate(bases)).items()


def test_names_of_other_resources_in_the_stack_are_avoided() -> None:
    names = unique_names([("a", "support"), ("b", "support"), ("c", "billing")])

    assert renamed(names, {"support"}) == {"a": "support_3", "b": "support_2", "c": "billing"}
