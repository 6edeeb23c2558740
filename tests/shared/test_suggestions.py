from __future__ import annotations

import pytest
from tests.edits import is_one_edit_away, misspellings

from pulumi_openai_ft._service_profiles import FEATURES, PROFILES
from pulumi_openai_ft._settings import SOURCES
from pulumi_openai_ft._shared.suggestions import closest, did_you_mean

CLOSED_SETS = {
    "settings": [source.config_key for source in SOURCES.values()],
    "services": list(PROFILES),
    "features": list(FEATURES),
    "graders": ["string_check", "text_similarity", "score_model", "label_model", "python", "multi"],
    "short": ["eq", "ne", "like", "ilike"],
}


@pytest.mark.parametrize("known", CLOSED_SETS.values(), ids=CLOSED_SETS)
def test_each_misspelling_suggests_a_name_one_edit_away(known: list[str]) -> None:
    for name in known:
        for edited in misspellings(name, known):
            found = closest(edited, known)
            assert found is not None
            assert is_one_edit_away(edited, found), (edited, found)


@pytest.mark.parametrize(("name", "expected"), [("APIKEY", "apiKey"), ("base_url", "baseUrl"), ("zzz", None)])
def test_the_case_of_a_name_does_not_matter(name: str, expected: str | None) -> None:
    assert closest(name, CLOSED_SETS["settings"]) == expected


def test_a_dissimilar_or_non_string_value_has_no_suggestion() -> None:
    assert did_you_mean("zzz", ["dpo"]) == did_you_mean(3, ["dpo"]) == did_you_mean(["dpo"], ["dpo"]) == ""
    assert did_you_mean("dop", ["dpo"]) == ". Did you mean 'dpo'?"
