from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulumi_openai_ft._provider.job.idempotency import CarriedIdentities, JobKeys, idempotency_key, job_keys
from pulumi_openai_ft._provider.job.inputs import REPLACE_ON_CHANGE
from pulumi_openai_ft._shared.state_names import OWN_METADATA, TOKEN_KEY

PROPS = {"__identity": "organization::dev::shop::FineTuningJob::support", "__training_file_sha256": "aa"}
INPUTS = {"model": "gpt-4o-mini", "training_file": "file-1", "seed": 0}


def token(props: dict[str, Any] = {}, owner: str | None = None, **inputs: Any) -> str:  # noqa: B006 - never modified
    return idempotency_key({**PROPS, **props}, {**INPUTS, **inputs}, owner)


def test_the_key_of_existing_jobs_never_changes() -> None:
    """Existing jobs have the key in their metadata: with another key, `up` would create them again."""
    assert token() == "987f96d24900c70c04a8624b4a56f4054487a65a"
    assert token(owner="ada") == "4479552a7616e977a1296084a8626e17240d5a57"


@pytest.mark.parametrize(
    "same",
    [
        {"training_file": "file-other-id-same-content"},
        {"wait_for_completion": False},
        {"cancel_after_timeout": 60},
        {"paused": True},
        {"recreate_on_failure": True},
        {"delete_model_on_destroy": True},
    ],
    ids=repr,
)
def test_inputs_without_influence_on_training_keep_the_key(same: dict[str, Any]) -> None:
    assert token(**same) == token()


@pytest.mark.parametrize(
    "other",
    [
        {"props": {"__identity": "organization::prod::shop::FineTuningJob::support"}},
        {"props": {"__training_file_sha256": "bb"}},
        {"props": {"__training_file_sha256": None}},
        {"owner": "team-a"},
        {"seed": 1},
        {"suffix": "x"},
        {"triggers": ["again"]},
        {"extra_body": {"trainingType": "globalstandard"}},
    ],
    ids=repr,
)
def test_another_resource_or_other_inputs_have_another_key(other: dict[str, Any]) -> None:
    assert token(**other) != token()


def test_fits_into_metadata() -> None:
    assert len(token()) == 40


def keys(props: dict[str, Any] = {}, owner: str | None = None, **inputs: Any) -> JobKeys:  # noqa: B006 - never modified
    return job_keys({**PROPS, **props}, {**INPUTS, **inputs}, owner)


def key_of(identity: str) -> str:
    return token({"__identity": identity})


@pytest.mark.parametrize(
    "identity",
    ["organization::prod::shop::FineTuningJob::support", "acme::dev::shop::FineTuningJob::new", None],
)
def test_other_resources_have_the_same_content_key(identity: str | None) -> None:
    assert keys({"__identity": identity}).content == keys().content
    assert keys({"__identity": identity}).own != keys().own


def test_existing_content_keys_never_change() -> None:
    assert keys().content == "47b782699b512926098da586ea0fbb61f2d78159"
    assert keys(owner="ada").content == "692266645e1a3e3e8944734dbdd7e93913e22403"


@pytest.mark.parametrize("name", sorted({*REPLACE_ON_CHANGE} - {"training_file", "validation_file"}))
def test_each_input_that_replaces_changes_the_content_key(name: str) -> None:
    """Otherwise, a replacement would be stopped because of the job that it replaces."""
    changed: dict[str, Any] = {name: ["another value"]}

    assert keys(**changed).content != keys().content


@pytest.mark.parametrize(
    ("identity", "name", "former"),
    [
        ("o::dev::shop::FineTuningJob::new", "old", ["o::dev::shop::FineTuningJob::old"]),
        ("o::dev::shop::FineTuningJob::new", "o::a::b::FineTuningJob::c", ["o::a::b::FineTuningJob::c"]),
        (
            "o::urn:pulumi:dev::shop::a:b:C::new::FineTuningJob::new",
            "old",
            [
                "o::urn:pulumi:dev::shop::a:b:C::new::FineTuningJob::old",
                "o::urn:pulumi:dev::shop::a:b:C::old::FineTuningJob::old",
            ],
        ),
        (
            "o::urn:pulumi:dev::shop::a:b:C::new::FineTuningJob::new-job",
            "old-job",
            [
                "o::urn:pulumi:dev::shop::a:b:C::new::FineTuningJob::old-job",
                "o::urn:pulumi:dev::shop::a:b:C::old::FineTuningJob::old-job",
            ],
        ),
        (
            "o::urn:pulumi:dev::shop::a:b:C::new::FineTuningJob::job",
            "old",
            ["o::urn:pulumi:dev::shop::a:b:C::new::FineTuningJob::old"],
        ),
    ],
)
def test_former_names_give_former_keys(identity: str, name: str, former: list[str]) -> None:
    found = keys({"__identity": identity}, former_names=[name])

    assert found.former == tuple(map(key_of, former))
    assert found.content == keys().content


def test_current_and_repeated_names_are_not_former() -> None:
    old = "organization::dev::shop::FineTuningJob::old"

    found = keys({"__former_identities": [old, PROPS["__identity"]]}, former_names=["old", "support", old])

    assert found.former == (key_of(old),)


@pytest.mark.parametrize(("given", "own"), [(0, 3), (13, 3), (14, 2), (15, 1)])
def test_keys_take_the_remaining_metadata_pairs(given: int, own: int) -> None:
    metadata = keys().metadata({f"k{number}": "v" for number in range(given)})

    assert [name for name in metadata if name in OWN_METADATA] == list(OWN_METADATA[:own])
    assert len(metadata) == given + own
    assert metadata[TOKEN_KEY] == token()


def test_a_long_identity_is_not_stored() -> None:
    assert len(keys({"__identity": "o::dev::shop::FineTuningJob::" + "x" * 500}).metadata({})) == 2


class TestCarriedIdentities:
    """Identities in the old inputs of `check`."""

    OLD, NEW = {"__identity": "o::old"}, {"__identity": "o::new"}

    def test_another_identity_in_old_inputs_is_former(self) -> None:
        assert CarriedIdentities().add_to(self.OLD, self.NEW) == {
            **self.NEW,
            "__former_identities": ["o::old"],
        }

    def test_former_identities_accumulate(self) -> None:
        olds = {**self.OLD, "__former_identities": ["o::older", "o::new"]}
        news = {**self.NEW, "__former_identities": ["o::alias"]}

        assert CarriedIdentities().add_to(olds, news)["__former_identities"] == [
            "o::alias",
            "o::older",
            "o::old",
        ]

    def test_the_check_of_a_replacement_remembers_them(self) -> None:
        carried = CarriedIdentities()
        carried.add_to(self.OLD, self.NEW)

        assert carried.add_to({}, self.NEW)["__former_identities"] == ["o::old"]
        assert carried.add_to({}, {"__identity": "o::another"}) == {"__identity": "o::another"}

    @pytest.mark.parametrize("olds", [{}, NEW, {"model": "imported"}])
    def test_without_a_former_identity_nothing_is_added(self, olds: dict[str, Any]) -> None:
        assert CarriedIdentities().add_to(olds, self.NEW) == self.NEW


PLACES = st.sampled_from(
    [
        "dev::shop",
        "prod::shop",
        "urn:pulumi:dev::shop::a:b:C::new",
        "urn:pulumi:dev::shop::a:b:C$a:b:D::new::x",
    ]
)
IDENTITIES = st.builds(
    "{}::{}::FineTuningJob::{}".format, st.just("o"), PLACES, st.sampled_from(["new", "new-job", "x"])
)
FORMER_NAMES = st.lists(st.sampled_from(["old", "old-job", "new", "x"]) | IDENTITIES, max_size=3)


@given(st.lists(st.tuples(IDENTITIES, FORMER_NAMES), min_size=1, max_size=4))
def test_each_earlier_identity_keeps_its_key_after_any_renames(renames: list[tuple[str, list[str]]]) -> None:
    """Each `up` after a rename checks the inputs with those that the previous one recorded."""
    olds: dict[str, Any] = {}
    for identity, names in renames:
        olds = CarriedIdentities().add_to(olds, {"__identity": identity})
        found = keys(olds, former_names=names)

    earlier = {identity for identity, _ in renames} | {name for name in names if "::" in name}
    assert {key_of(identity) for identity in earlier} <= set(found.of_resource)
    assert len(set(found.of_resource)) == len(found.of_resource)
    assert found.own == key_of(identity)
