from __future__ import annotations

import json
import subprocess
import sys
import timeit
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulumi_openai_ft import catalog as catalog_module
from pulumi_openai_ft._shared.docs_links import MODEL_CATALOG, SHUTDOWN, docs_link
from pulumi_openai_ft.catalog import Catalog, Facts, model_warnings, warnings
from pulumi_openai_ft.emulator.catalog import load_catalog
from pulumi_openai_ft.errors import SettingsError

DATA = json.loads(Path(catalog_module.__file__).with_name("catalog.json").read_text())
SEED = [
    "gpt-4o-2024-08-06",
    "gpt-4o-mini-2024-07-18",
    "gpt-4-0613",
    "gpt-3.5-turbo-0125",
    "gpt-3.5-turbo-1106",
    "gpt-3.5-turbo-0613",
]

OPENAI, AZURE, ELSEWHERE = Catalog.load(), Catalog.load(service="azure"), Catalog.load(service="generic")
MINI, NANO = "gpt-4.1-mini-2025-04-14", "gpt-4.1-nano-2025-04-14"
LONG_AGO, TODAY = date(2026, 1, 1), date(2026, 11, 23)


@pytest.mark.parametrize("service", DATA["services"])
def test_each_service_has_its_models(service: str) -> None:
    ids = {id_ for id_, model in DATA["models"].items() if service in model}

    assert {entry.id for entry in Catalog.load(service=service).models()} == ids


@pytest.mark.parametrize("model", SEED)
def test_commonly_used_models_have_a_shutdown_date(model: str) -> None:
    entry = OPENAI.find(model)

    assert entry is not None
    assert entry.shutdown_date is not None


@pytest.mark.parametrize("service", DATA["services"])
def test_both_readers_of_the_data_find_the_same_facts(service: str) -> None:
    ours, theirs = Catalog.load(service=service), load_catalog(service)

    assert {entry.id: (entry.aliases, confirmed(entry.facts)) for entry in ours.models()} == {
        model.id: (
            model.aliases,
            (
                None if model.methods is None else set(model.methods),
                model.context_length,
                model.no_new_jobs_from,
                model.shutdown_date,
            ),
        )
        for model in theirs.models
    }


def confirmed(facts: Facts) -> tuple[Any, ...]:
    """The facts on which the emulator refuses a job or cuts a row."""
    found = (facts.methods, facts.context_length, facts.no_new_jobs_from, facts.shutdown_date)
    return tuple(fact.value if fact and fact.confirmed else None for fact in found)


def test_the_catalog_is_read_lazily() -> None:
    program = """
import sys
opened = []
sys.addaudithook(lambda event, arguments: event == "open" and opened.append(str(arguments[0])))
from pulumi_openai_ft.catalog import Catalog
before = [path for path in opened if path.endswith("catalog.json")]
Catalog.load()
after = [path for path in opened if path.endswith("catalog.json")]
print(len(before), len(after))
"""
    result = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)

    assert result.stdout.split() == ["0", "1"]


@pytest.mark.parametrize(
    ("name", "id_"),
    [
        (MINI, MINI),
        ("gpt-4.1-mini", MINI),
        ("gpt-4o", "gpt-4o-2024-08-06"),
        ("gpt-3.5-turbo", "gpt-3.5-turbo-0125"),
        ("gpt-5", "gpt-5-2025-08-07"),
        (f"ft:{MINI}:acme:support:AbCdEf12", MINI),
        (f"ft:{MINI}:acme::AbCdEf12", MINI),
        (f"ft:{MINI}:acme:support:AbCdEf12:ckpt-step-50", MINI),
        ("ft:gpt-4.1-mini:personal::AbCdEf12", MINI),
        ("ft:davinci-002:acme::AbCdEf12", "davinci-002"),
        (f"{MINI}.ft-0123456789abcdef", MINI),
        (f"{MINI}.ft-0123456789abcdef-support", MINI),
        (f"{MINI}.ft-0123456789abcdef:ckpt-step-50", MINI),
        ("gpt-35-turbo-0125.ft-0123456789abcdef", "gpt-3.5-turbo-0125"),
        (f"{MINI}.ft-0123.ft-4567", MINI),
    ],
)
def test_a_name_resolves_to_its_base_model(name: str, id_: str) -> None:
    entry = OPENAI.find(name)

    assert entry is not None
    assert entry.id == id_


@pytest.mark.parametrize(
    "name",
    [
        "",
        "gpt-unknown",
        "gpt-4o-mini-2025-01-01",
        "ft:",
        "ft::a::b",
        "ft:gpt-unknown:acme::a",
        ".ft-1",
        "GPT-4o",
    ],
)
def test_an_unknown_name_resolves_to_no_model(name: str) -> None:
    assert OPENAI.find(name) is None


@given(st.text() | st.from_regex(r"(ft:)?[a-z0-9.:-]*(\.ft-)?[a-z0-9:]*"))
def test_finding_never_raises(name: str) -> None:
    assert OPENAI.find(name) is None or OPENAI.find(name) in OPENAI.models()


@given(st.sampled_from(OPENAI.models()), st.text(), st.text(), st.text())
def test_a_fine_tuned_model_resolves_to_its_base(
    entry: catalog_module.ModelEntry, org: str, suffix: str, end: str
) -> None:
    assert OPENAI.find(f"ft:{entry.id}:{org}:{suffix}:{end}") == entry


def test_facts_differ_between_services() -> None:
    at_openai, at_azure = OPENAI.find(NANO), AZURE.find(NANO)

    assert at_openai is not None
    assert at_azure is not None
    assert (at_openai.context_length, at_azure.context_length) == (65536, 32768)
    assert (at_openai.shutdown_date, at_azure.shutdown_date) == (date(2026, 10, 23), date(2027, 10, 14))
    assert at_azure.training_price is None


def test_a_price_has_a_source() -> None:
    entry = OPENAI.find("gpt-4o-mini")

    assert entry is not None
    assert entry.training_price is not None
    assert entry.training_price.value == 3.0
    assert (
        str(entry.training_price)
        == "OpenAI's price page, developers.openai.com/api/docs/pricing, 2025-04-16, not confirmed"
    )


def test_reinforcement_is_priced_by_the_hour() -> None:
    entry = OPENAI.find("o4-mini")

    assert entry is not None
    assert entry.training_price is None
    assert entry.training_price_per_hour is not None
    assert entry.training_price_per_hour.value == 100.0


@pytest.mark.parametrize(
    ("model", "method", "sure"),
    [
        ("gpt-4.1", "reinforcement", True),
        ("gpt-4.1", "dpo", False),
        ("gpt-4o", "reinforcement", False),  # its methods are not confirmed
        ("gpt-4o-2024-11-20", "dpo", False),  # its methods are unknown
        ("gpt-5", "supervised", True),
    ],
)
def test_only_confirmed_methods_are_known_unsupported(model: str, method: str, sure: bool) -> None:  # noqa: FBT001
    entry = OPENAI.find(model)

    assert entry is not None
    assert entry.is_known_unsupported(method) is sure


@pytest.mark.parametrize(
    ("model", "method", "today", "beginnings"),
    [
        (MINI, "dpo", LONG_AGO, []),
        (MINI, "dpo", date(2026, 11, 6), []),
        (
            MINI,
            "dpo",
            date(2026, 11, 7),
            ["OpenAI accepts no new fine-tuning jobs from 2027-01-06, in 60 days ("],
        ),
        (
            MINI,
            "dpo",
            date(2026, 11, 15),
            [
                f"OpenAI shuts down {MINI} and models fine-tuned from it on 2027-01-14, in 60 days (",
                "OpenAI accepts no new fine-tuning jobs from 2027-01-06, in 52 days (",
            ],
        ),
        (
            "gpt-4.1-mini",
            "supervised",
            date(2027, 1, 6),
            [
                f"OpenAI shuts down {MINI} and models fine-tuned from it on 2027-01-14, in 8 days (",
                "OpenAI has accepted no new fine-tuning jobs since 2027-01-06 (",
            ],
        ),
        (f"ft:{MINI}:acme::a", "dpo", date(2027, 1, 14), [f"OpenAI shut down {MINI} on 2027-01-14 ("]),
        (
            MINI,
            "reinforcement",
            LONG_AGO,
            [f"OpenAI does not support the method reinforcement for {MINI}, only dpo and supervised ("],
        ),
        ("gpt-5", "dpo", LONG_AGO, ["OpenAI does not support any training method for gpt-5-2025-08-07 ("]),
        (
            "babbage-002",
            "supervised",
            LONG_AGO,
            ["OpenAI has accepted no new jobs for babbage-002 since 2024-10-28 ("],
        ),
        ("gpt-unknown", "dpo", LONG_AGO, ["the catalog has no model 'gpt-unknown' of OpenAI: "]),
        (
            "gpt-unknown",
            "dpo",
            date(2027, 1, 5),
            [
                "the catalog has no model 'gpt-unknown' of OpenAI: ",
                "OpenAI accepts no new fine-tuning jobs from 2027-01-06, in 1 day (",
            ],
        ),
    ],
)
def test_a_warning_names_the_shutdown_and_its_date(
    model: str, method: str, today: date, beginnings: list[str]
) -> None:
    reported = warnings(OPENAI, model, method, today=today)

    assert [
        sentence[: len(beginning)] for sentence, beginning in zip(reported, beginnings, strict=True)
    ] == beginnings


def briefly(
    catalog: Catalog, model: str, method: str = "supervised", today: date = date(2027, 1, 2)
) -> list[str]:
    return [warning.brief() for warning in model_warnings(catalog, model, method, today=today)]


def test_a_brief_warning_links_to_its_explanation() -> None:
    shutdown, unknown = docs_link(SHUTDOWN), docs_link(MODEL_CATALOG)

    assert briefly(OPENAI, MINI) == [
        f"OpenAI shuts down {MINI} and models fine-tuned from it on 2027-01-14, in 12 days. See {shutdown}",
        f"OpenAI accepts no new fine-tuning jobs from 2027-01-06, in 4 days. See {shutdown}",
    ]
    assert briefly(OPENAI, "gpt-4.1-minii")[0] == (
        f"the catalog has no model 'gpt-4.1-minii' of OpenAI. Did you mean 'gpt-4.1-mini'? See {unknown}"
    )


def test_a_brief_warning_marks_corrected_and_unconfirmed_facts() -> None:
    own = Catalog.load({"llama": {"shutdown_date": "2027-01-14"}})
    unsure = Catalog.load(
        {"llama": {"shutdown_date": {"value": "2027-01-14", "source": "a blog", "sure": False}}}
    )

    assert briefly(own, "llama")[0] == (
        "OpenAI shuts down llama and models fine-tuned from it on 2027-01-14, in 12 days (openai-ft:catalog). "
        f"See {docs_link(MODEL_CATALOG)}"
    )
    assert "on 2027-01-14, in 12 days (not confirmed). See " in briefly(unsure, "llama")[0]


def test_a_warning_names_its_source_and_a_fix() -> None:
    assert warnings(OPENAI, "gpt-4.1-nano", "dpo", today=TODAY) == [
        (
            f"OpenAI shut down {NANO} on 2026-10-23 (OpenAI's deprecations page, developers.openai.com/api/docs/deprecations, "
            "2026-09-11): choose another model, or another service (openai-ft:baseUrl)"
        )
    ]


def test_the_end_at_openai_does_not_affect_other_services() -> None:
    assert warnings(AZURE, MINI, "dpo", today=date(2027, 1, 20)) == []


def test_an_unconfirmed_shutdown_is_marked_as_such() -> None:
    (sentence,) = warnings(AZURE, MINI, "dpo", today=date(2027, 4, 1))

    assert sentence.startswith(f"Azure accepts no new jobs for {MINI} from 2027-04-14, in 13 days (")
    assert "2026-07-07, not confirmed)" in sentence


def test_services_missing_in_the_catalog_get_no_warning() -> None:
    assert ELSEWHERE.models() == ()
    assert warnings(ELSEWHERE, "meta-llama/Llama-3.3-70B-Instruct", "dpo", today=TODAY) == []


@pytest.mark.parametrize(("days", "reported"), [(0, 0), (43, 0), (44, 1), (52, 2)])
def test_the_caller_chooses_how_early_to_warn(days: int, reported: int) -> None:
    assert len(warnings(OPENAI, MINI, "dpo", today=TODAY, days=days)) == reported


@given(st.text() | st.sampled_from(list(OPENAI.entries)), st.text(), st.dates(), st.integers())
def test_warning_never_raises(model: str, method: str, today: date, days: int) -> None:
    assert all(warnings(OPENAI, model, method, today=today, days=days))


def test_loading_is_fast() -> None:
    """The minimum of several runs does not depend on the load of the machine."""
    assert min(timeit.repeat(Catalog.load, number=1, repeat=20)) < 0.005


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
def test_each_fact_has_source_date_and_confirmation(
    figure: dict[str, Any],
) -> None:
    assert figure.keys() == {"value", "source", "as_of", "sure"}
    assert figure["source"] in DATA["sources"]
    assert date.fromisoformat(figure["as_of"]) <= date.today()  # noqa: DTZ011 - the time zone is irrelevant
    assert isinstance(figure["sure"], bool)


def test_each_source_is_used() -> None:
    assert {figure["source"] for figure in FIGURES.values()} == DATA["sources"].keys()


def test_names_of_models_are_unique() -> None:
    names = [name for id_, model in DATA["models"].items() for name in (id_, *model["aliases"])]

    assert len(names) == len(set(names))


def test_each_model_belongs_to_a_service_of_the_catalog() -> None:
    for model in DATA["models"].values():
        assert model.keys() - {"aliases"}
        assert model.keys() - {"aliases"} <= DATA["services"].keys()


def test_a_bare_override_changes_a_single_fact() -> None:
    entry = Catalog.load({"gpt-4.1-mini": {"training_price": 4}}).find(MINI)

    assert entry is not None
    assert entry.training_price is not None
    assert entry.training_price.value == 4.0
    assert str(entry.training_price) == "openai-ft:catalog"
    assert entry.context_length == 65536


def test_an_override_may_name_its_source() -> None:
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


def test_null_removes_a_fact() -> None:
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
            "the service does not support the method dpo for meta-llama/Llama-3.3-70B-Instruct, only supervised (openai-ft:catalog): "
            "choose another method, another model, or another service (openai-ft:baseUrl)"
        ),
        (
            "the service shuts down meta-llama/Llama-3.3-70B-Instruct and models fine-tuned from it on 2026-12-01, in 8 "
            "days (openai-ft:catalog): choose another model, or another service (openai-ft:baseUrl)"
        ),
    ]


def test_an_alias_of_the_user_has_precedence() -> None:
    entry = Catalog.load({"gpt-4o-2024-11-20": {"aliases": ["gpt-4o"]}}).find("gpt-4o")

    assert entry is not None
    assert entry.id == "gpt-4o-2024-11-20"


def test_a_model_override_precedes_the_services_end() -> None:
    catalog = Catalog.load({MINI: {"no_new_jobs_from": "2027-12-31", "shutdown_date": None}})

    assert warnings(catalog, MINI, "dpo", today=date(2027, 2, 1)) == []


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        ([], "openai-ft:catalog is []: must be an object with a property for each model"),
        ({"a": 5}, 'openai-ft:catalog["a"] is 5: must be an object such as {training_price: 25.0}'),
        ({"a": {"aliases": "b"}}, "openai-ft:catalog[\"a\"].aliases is 'b': must be a list of names"),
        (
            {"a": {"shutdown_date": "soon"}},
            "openai-ft:catalog[\"a\"].shutdown_date is 'soon': must be a date such as 2027-01-14",
        ),
        (
            {"a": {"shutdown_date": "2027-02-30"}},
            "openai-ft:catalog[\"a\"].shutdown_date is '2027-02-30': must be a date such as 2027-01-14",
        ),
        (
            {"a": {"training_price": True}},
            'openai-ft:catalog["a"].training_price is True: must be USD per million tokens such as 25.0',
        ),
        (
            {"a": {"training_price_per_hour": -1}},
            'openai-ft:catalog["a"].training_price_per_hour is -1: must be USD per hour such as 100.0',
        ),
        (
            {"a": {"context_length": 0.5}},
            'openai-ft:catalog["a"].context_length is 0.5: must be a whole number of tokens such as 65536',
        ),
        (
            {"a": {"methods": ["sft"]}},
            "openai-ft:catalog[\"a\"].methods is ['sft']: must be a list with any of supervised, dpo, reinforcement",
        ),
        (
            {"a": {"inference_prices": {"input": 1}}},
            (
                "openai-ft:catalog[\"a\"].inference_prices is {'input': 1}: must be an object of input, output and "
                "cached_input, USD per million tokens"
            ),
        ),
        (
            {"a": {"training_price": {"value": 1, "sure": "yes"}}},
            (
                "openai-ft:catalog[\"a\"].training_price is {'value': 1, 'sure': 'yes'}: must be an object of value, source, "
                "as_of (a date), sure (true or false), and value must be USD per million tokens such as 25.0"
            ),
        ),
        (
            {"a": {"price": 1}},
            (
                'openai-ft:catalog["a"].price is an unknown property: use aliases, methods, context_length, no_new_jobs_from, '
                "shutdown_date, vision, training_price, training_price_per_hour, inference_prices"
            ),
        ),
    ],
)
def test_an_invalid_override_is_rejected_with_path_and_fix(overrides: Any, sentence: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Catalog.load(overrides)

    assert str(caught.value) == sentence


def test_all_invalid_overrides_are_reported_together() -> None:
    with pytest.raises(SettingsError) as caught:
        Catalog.load({"a": {"training_price": "x", "methods": 1}, "b": {"context_length": "long"}})

    assert str(caught.value).count("openai-ft:catalog[") == 3


@pytest.mark.parametrize("value", ["x" * 10_000, 10**400])
def test_a_long_value_is_truncated_in_the_message(value: Any) -> None:
    with pytest.raises(SettingsError) as caught:
        Catalog.load({"a": {"training_price": value}})

    assert len(str(caught.value)) < 200


@given(st.dictionaries(st.text() | st.just(MINI), anything | facts) | anything)
def test_overrides_load_or_raise_a_settings_error(overrides: Any) -> None:
    try:
        catalog = Catalog.load(overrides)
    except SettingsError:
        return
    assert len(catalog.models()) >= len(Catalog.load().models())
