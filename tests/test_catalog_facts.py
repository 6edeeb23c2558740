"""The facts that come with the package, and those of users, `openai-ft:catalog`: their form, and faults in it."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulumi_openai_ft import catalog as catalog_module
from pulumi_openai_ft.catalog import Catalog, Facts, warnings
from pulumi_openai_ft.errors import SettingsError

DATA = json.loads(Path(catalog_module.__file__).with_name("catalog.json").read_text())
FIGURES = {
    f"{place} {name}": figure
    for place, facts in [
        *((service, known["facts"]) for service, known in DATA["services"].items()),
        *(
            (f"{id_} at {key}", model[key])
            for id_, model in DATA["models"].items()
            for key in sorted(model.keys() - {"aliases"})
        ),
    ]
    for name, figure in facts.items()
}
MINI = "gpt-4.1-mini-2025-04-14"
TODAY = date(2026, 11, 23)

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=8,
)
facts = st.dictionaries(st.sampled_from([*Facts.__dataclass_fields__, "aliases", "other"]), anything)


@pytest.mark.parametrize("figure", FIGURES.values(), ids=FIGURES)
def test_a_figure_has_a_known_source_a_day_that_has_come_and_says_whether_it_is_sure(
    figure: dict[str, Any],
) -> None:
    assert figure.keys() == {"value", "source", "as_of", "sure"}
    assert figure["source"] in DATA["sources"]
    assert date.fromisoformat(figure["as_of"]) <= date.today()  # noqa: DTZ011 - either side of midnight will do
    assert isinstance(figure["sure"], bool)


def test_no_source_is_left_over() -> None:
    assert {figure["source"] for figure in FIGURES.values()} == DATA["sources"].keys()


def test_no_name_stands_for_two_models() -> None:
    names = [name for id_, model in DATA["models"].items() for name in (id_, *model["aliases"])]

    assert len(names) == len(set(names))


def test_each_model_is_at_a_service_that_the_catalogue_describes() -> None:
    for model in DATA["models"].values():
        assert model.keys() - {"aliases"}
        assert model.keys() - {"aliases"} <= DATA["services"].keys()


def test_a_plain_value_is_the_users_own_and_leaves_the_other_facts_alone() -> None:
    entry = Catalog.load({"gpt-4.1-mini": {"training_price": 4}}).find(MINI)

    assert entry is not None
    assert entry.training_price is not None
    assert entry.training_price.value == 4.0
    assert str(entry.training_price) == "openai-ft:catalog"
    assert entry.context_length == 65536


def test_a_figure_may_have_its_origin() -> None:
    given_ = {
        "value": "2027-06-01",
        "source": "letter of our account manager",
        "as_of": "2026-11-20",
        "sure": False,
    }

    entry = Catalog.load({MINI: {"shutdown_date": given_}}).find(MINI)

    assert entry is not None
    assert entry.shutdown_date == date(2027, 6, 1)
    assert str(entry.facts.shutdown_date) == "letter of our account manager, 2026-11-20, not confirmed"


def test_null_takes_a_fact_away() -> None:
    entry = Catalog.load({MINI: {"shutdown_date": None}}).find(MINI)

    assert entry is not None
    assert entry.shutdown_date is None


def test_a_model_of_another_service_can_be_described() -> None:
    described = {
        "aliases": ["llama"],
        "methods": ["supervised"],
        "context_length": 8192.0,
        "training_price": 0.4,
    }
    described |= {"inference_prices": {"input": 0.1, "output": 0.4}, "shutdown_date": "2026-12-01"}

    catalog = Catalog.load({"meta-llama/Llama-3.3-70B-Instruct": described}, service="nebius")

    entry = catalog.find("llama")
    assert entry is not None
    assert entry.methods == {"supervised"}
    assert entry.context_length == 8192
    assert entry.facts.inference_prices is not None
    assert entry.facts.inference_prices.value == (0.1, 0.4, None)
    assert warnings(catalog, "llama", "dpo", today=TODAY) == [
        (
            "the service does not train meta-llama/Llama-3.3-70B-Instruct by dpo, only by supervised (openai-ft:catalog): "
            "choose another method, another model, or another service by openai-ft:baseUrl"
        ),
        (
            "the service shuts meta-llama/Llama-3.3-70B-Instruct and what is fine-tuned from it down on 2026-12-01, in 8 "
            "days (openai-ft:catalog): choose another model, or another service by openai-ft:baseUrl"
        ),
    ]


def test_an_alias_of_the_user_wins() -> None:
    entry = Catalog.load({"gpt-4o-2024-11-20": {"aliases": ["gpt-4o"]}}).find("gpt-4o")

    assert entry is not None
    assert entry.id == "gpt-4o-2024-11-20"


def test_what_the_user_says_of_a_model_counts_before_the_services_closing() -> None:
    catalog = Catalog.load({MINI: {"no_new_jobs_from": "2027-12-31", "shutdown_date": None}})

    assert warnings(catalog, MINI, "dpo", today=date(2027, 2, 1)) == []


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        ([], "openai-ft:catalog is []: write an object with a member for each model"),
        ({"a": 5}, 'openai-ft:catalog["a"] is 5: write an object such as {training_price: 25.0}'),
        ({"a": {"aliases": "b"}}, "openai-ft:catalog[\"a\"].aliases is 'b': write a list of names"),
        (
            {"a": {"shutdown_date": "soon"}},
            "openai-ft:catalog[\"a\"].shutdown_date is 'soon': write a date such as 2027-01-14",
        ),
        (
            {"a": {"shutdown_date": "2027-02-30"}},
            "openai-ft:catalog[\"a\"].shutdown_date is '2027-02-30': write a date such as 2027-01-14",
        ),
        (
            {"a": {"training_price": True}},
            'openai-ft:catalog["a"].training_price is True: write USD per million tokens such as 25.0',
        ),
        (
            {"a": {"training_price_per_hour": -1}},
            'openai-ft:catalog["a"].training_price_per_hour is -1: write USD per hour such as 100.0',
        ),
        (
            {"a": {"context_length": 0.5}},
            'openai-ft:catalog["a"].context_length is 0.5: write a whole number of tokens such as 65536',
        ),
        (
            {"a": {"methods": ["sft"]}},
            "openai-ft:catalog[\"a\"].methods is ['sft']: write a list with any of supervised, dpo, reinforcement",
        ),
        (
            {"a": {"inference_prices": {"input": 1}}},
            (
                "openai-ft:catalog[\"a\"].inference_prices is {'input': 1}: write an object of input, output and "
                "cached_input, USD per million tokens"
            ),
        ),
        (
            {"a": {"training_price": {"value": 1, "sure": "yes"}}},
            (
                "openai-ft:catalog[\"a\"].training_price is {'value': 1, 'sure': 'yes'}: write an object of value, source, "
                "as_of (a date), sure (true or false), the value USD per million tokens such as 25.0"
            ),
        ),
        (
            {"a": {"price": 1}},
            (
                'openai-ft:catalog["a"].price is not known: write one of aliases, methods, context_length, no_new_jobs_from, '
                "shutdown_date, training_price, training_price_per_hour, inference_prices"
            ),
        ),
    ],
)
def test_a_bad_override_is_refused_by_its_path_with_what_to_write(overrides: Any, sentence: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Catalog.load(overrides)

    assert str(caught.value) == sentence


def test_all_bad_overrides_are_told_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        Catalog.load({"a": {"training_price": "x", "methods": 1}, "b": {"context_length": "long"}})

    assert str(caught.value).count("openai-ft:catalog[") == 3


@pytest.mark.parametrize("value", ["x" * 10_000, 10**400])
def test_a_long_value_is_cut_in_the_message(value: Any) -> None:
    with pytest.raises(SettingsError) as caught:
        Catalog.load({"a": {"training_price": value}})

    assert len(str(caught.value)) < 200


@given(st.dictionaries(st.text() | st.just(MINI), anything | facts) | anything)
def test_overrides_load_or_are_refused_as_settings(overrides: Any) -> None:
    try:
        catalog = Catalog.load(overrides)
    except SettingsError:
        return
    assert len(catalog.models()) >= len(Catalog.load().models())
