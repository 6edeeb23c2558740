"""Recordings contain no original id, key, organization or name: generated responses of a service."""

from __future__ import annotations

import base64
import json
import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support import ADMIN_KEY, API_KEY
from tools.record.exchanges import WRONG_KEY
from tools.record.plan import Plan
from tools.record.recording import Exchange, Recording, Request, Response, encode
from tools.record.run import Result, hidden, replaced

from pulumi_openai_ft._service_profiles import Profile
from pulumi_openai_ft._settings import Settings

MODEL = "gpt-4.1-mini-2025-04-14"
TOKEN = "kqzwvxyj"
SETTINGS = Settings(
    api_key=API_KEY,
    admin_key=ADMIN_KEY,
    organization="org-Qq7Ww8Ee9Rr0",
    project="proj_Zz1Xx2Cc3Vv4",
    base_url="https://nightwatch.openai.azure.com/openai/v1",
)
PLAN = Plan("azure", MODEL, train=True, project="proj_Partner12345", admin=True, extra_body={}, token=TOKEN)

letters = st.text(string.ascii_letters + string.digits, min_size=12, max_size=24).filter(
    lambda text: any(map(str.isdigit, text)) and any(map(str.isalpha, text))
)
hexes = st.text("0123456789abcdef", min_size=32, max_size=32).filter(lambda text: not text.isdigit())
prefixes = st.sampled_from(
    ["file-", "ftjob-", "ftevent-", "ftckpt_", "cp_", "org-", "proj_", "req_", "user-"]
)
slugs = st.text(string.ascii_lowercase, min_size=9, max_size=14).map(lambda text: f"zz{text}")
ids = st.builds(str.__add__, prefixes, letters) | st.uuids().map(str) | hexes
models = st.builds(lambda slug, tail: f"ft:{MODEL}:{slug}:ours:{tail}", slugs, letters) | st.builds(
    lambda tail: f"{MODEL}.ft-{tail}", hexes
)
emails = st.builds(lambda name, host: f"{name}@{host}.example", slugs, slugs)
keys = st.builds(lambda tail: f"sk-proj-{tail}", letters) | st.just(API_KEY) | st.just(ADMIN_KEY)
hosts = st.builds(lambda name: f"https://{name}.openai.azure.com/path", slugs)
originals = ids | models | emails | keys

ID_FIELDS = ("id", "first_id", "training_file", "organization_id", "project_id", "x-request-id")
TEXT_FIELDS = ("message", "detail", "unknown_field", "created_by", "filename")


def recorded(*responses: Any, **settings: Any) -> Result:
    """Replace all names of a recording with these bodies; a text is a body that is not JSON."""
    exchanges = [
        Exchange(
            f"step {number}",
            Request("GET", settings.get("path", "/files")),
            Response(200, text=body) if isinstance(body, str) else Response(200, body=body),
        )
        for number, body in enumerate(responses)
    ]
    recording = Recording("azure", None, "2026-11-29", PLAN.model, PLAN.options, exchanges)
    return replaced(recording, SETTINGS, PLAN, settings.get("owners", {}))


def saved(result: Result) -> str:
    assert result.leftovers == []
    return encode(result.recording)


def secret_part(original: str) -> str:
    """The part of an original that identifies a person: all but the base model and the prefix."""
    if original.startswith("https://"):
        return original.split("/")[2].split(".", maxsplit=1)[0]
    if original.startswith(("ft:", MODEL)):
        return original.rpartition(":")[2] if original.startswith("ft:") else original.rpartition("-")[2]
    return original


@given(originals, st.sampled_from(ID_FIELDS))
def test_original_in_a_field_is_replaced_everywhere(original: str, field: str) -> None:
    text = f"No such object: {original}. See {original}/events."

    result = saved(
        recorded({field: original}, {"error": {"message": text}}, {"data": [{"nested": [original]}]}, text)
    )

    assert secret_part(original) not in result


@given(originals | hosts, st.sampled_from(TEXT_FIELDS))
def test_original_in_a_text_is_replaced(original: str, field: str) -> None:
    result = saved(recorded({field: f"see {original} for more"}, f"<p>{original}</p>"))

    assert secret_part(original) not in result


@given(originals)
def test_original_in_a_key_is_replaced(original: str) -> None:
    assert secret_part(original) not in saved(recorded({"id": original}, {"data": {original: 1}}))


@given(slugs, st.sampled_from(["owned_by", "model name"]))
def test_organization_is_replaced_in_other_texts(slug: str, where: str) -> None:
    body = (
        {"owned_by": slug} if where == "owned_by" else {"fine_tuned_model": f"ft:{MODEL}:{slug}:x:Ab3De6Gh"}
    )

    assert slug not in saved(recorded({"message": f"{slug} has no credit"}, body))


@given(st.lists(ids, min_size=2, max_size=8, unique_by=str.lower))
def test_equal_ids_stay_equal_and_others_differ(found: list[str]) -> None:
    result = recorded({"data": [{"id": name} for name in found]}, {"data": [{"id": name} for name in found]})

    first, second = ([item["id"] for item in one.response.body["data"]] for one in result.recording.exchanges)
    assert first == second
    assert len(set(first)) == len(found)


@given(prefixes, letters)
def test_replacement_keeps_prefix_and_length(prefix: str, tail: str) -> None:
    (exchange,) = recorded({"id": prefix + tail}).recording.exchanges

    assert exchange.response.body["id"].startswith(prefix)
    assert len(exchange.response.body["id"]) == len(prefix + tail)


@given(ids)
def test_shape_of_a_body_is_unchanged(original: str) -> None:
    body = {
        "id": original,
        "n": 1,
        "f": 1.5,
        "t": True,
        "none": None,
        "list": [original, {}],
        "object": "file",
    }

    (exchange,) = recorded(body).recording.exchanges

    assert {name: type(value) for name, value in exchange.response.body.items()} == {
        name: type(value) for name, value in body.items()
    }
    assert exchange.response.body["object"] == "file"


@pytest.mark.parametrize(
    "name",
    ["organization", "project", "partner", "token", "host", "owner header"],
)
def test_names_of_the_person_are_replaced(name: str) -> None:
    original = {
        "organization": SETTINGS.organization,
        "project": SETTINGS.project,
        "partner": PLAN.project,
        "token": TOKEN,
        "host": "nightwatch.openai.azure.com",
        "owner header": "acme-and-sons",
    }[name]

    result = recorded({"message": f"a text with {original} in it"}, owners={"acme-and-sons": "organization"})

    assert str(original) not in saved(result)


@given(st.integers(10_000), st.sampled_from(["id", "organization_id", "user"]))
def test_number_as_id_is_replaced(number: int, field: str) -> None:
    first, second = recorded({field: number, "bytes": 7}, {field: number}).recording.exchanges

    assert first.response.body[field] == second.response.body[field] == 1
    assert first.response.body["bytes"] == 7


@given(
    slugs.map(str.title),
    st.sampled_from(
        ["created_by", "name", "user_name", "email", "project", "deployment", "api_key", "token"]
    ),
)
def test_name_in_a_field_is_replaced_everywhere(name: str, field: str) -> None:
    assert name not in saved(recorded({"message": f"{name} was here"}, {"by": {field: name}}))


@pytest.mark.parametrize("name", ["api-key", "subscription_key", "token", "sig"])
def test_secret_in_the_query_is_replaced(name: str) -> None:
    settings = Settings(api_key=API_KEY, profile=Profile("generic", query=((name, "hush-hush-hush"),)))
    request = Request("GET", "/files", {name: "hush-hush-hush"})
    exchanges = [Exchange("list files", request, Response(400, body={"message": "no hush-hush-hush here"}))]
    recording = Recording("generic", None, "2026-11-29", MODEL, PLAN.options, exchanges)

    assert "hush" not in saved(replaced(recording, settings, PLAN, {}))


def test_names_in_the_base_url_are_replaced() -> None:
    settings = Settings(api_key=API_KEY, base_url="https://gateway.example/nightwatch/prod/v1")
    body = {"message": "Invalid URL (GET /nightwatch/v1/files)"}
    exchanges = [Exchange("list files", Request("GET", "/files"), Response(404, body=body))]
    recording = Recording("generic", None, "2026-11-29", MODEL, PLAN.options, exchanges)

    assert "nightwatch" not in saved(replaced(recording, settings, PLAN, {}))


def test_other_case_of_a_name_is_a_leftover() -> None:
    result = recorded({"owned_by": "night-watch"}, {"message": "NIGHT-WATCH has no credit"})

    assert [left.place for left in result.leftovers] == ["exchanges[1].response.body.message"]


def test_keys_of_the_format_stay() -> None:
    (exchange,) = recorded({"key": "project", "base": "parent"}).recording.exchanges

    assert exchange.request.key == "project"


def test_fine_tuned_base_model_is_replaced() -> None:
    name = f"ft:{MODEL}:nightwatch:ours:Ab3De6Gh"
    plan = Plan("openai", name, train=False, project=None, admin=False, extra_body={}, token=TOKEN)
    exchanges = [Exchange("read", Request("GET", f"/models/{name}"), Response(200, body={"id": name}))]
    recording = Recording("openai", None, "2026-11-29", name, plan.options, exchanges)

    result = encode(replaced(recording, SETTINGS, plan, {}).recording)

    assert "nightwatch" not in result
    assert "Ab3De6Gh" not in result


@pytest.mark.parametrize(
    ("name", "made"),
    [
        (f"ft:{MODEL}:nightwatch:recording:Ab3De6Gh", f"ft:{MODEL}:organization:recording:00000001"),
        (f"ft:{MODEL}:nightwatch:ours:Ab3De6Gh", f"ft:{MODEL}:organization:suffix:00000001"),
        (f"ft:{MODEL}:nightwatch::Ab3De6Gh:ckpt-step-5", f"ft:{MODEL}:organization::00000001:ckpt-step-5"),
        (f"{MODEL}.ft-{'ab' * 16}-recording", f"{MODEL}.ft-{1:032}-recording"),
        (f"{MODEL}.ft-{'ab' * 16}-ours", f"{MODEL}.ft-{1:032}"),
        ("some/model:nightwatch", "model-1"),
    ],
)
def test_model_name_keeps_its_form(name: str, made: str) -> None:
    (exchange,) = recorded({"fine_tuned_model": name}).recording.exchanges

    assert exchange.response.body == {"fine_tuned_model": made}


def test_options_of_the_person_are_replaced() -> None:
    plan = Plan(
        "azure",
        MODEL,
        train=False,
        project=None,
        admin=False,
        extra_body={"user": "user-Ab3De6Gh9"},
        token=TOKEN,
    )
    recording = Recording("azure", None, "2026-11-29", MODEL, plan.options, [])

    assert "Ab3De6Gh9" not in encode(replaced(recording, SETTINGS, plan, {}).recording)


def test_public_texts_stay() -> None:
    message = "You can find your key at https://platform.openai.com/account/api-keys."
    body = {
        "object": "model",
        "id": MODEL,
        "owned_by": "system",
        "shutdown_date": "2027-01-14",
        "message": message,
    }

    (exchange,) = recorded(body).recording.exchanges

    assert exchange.response.body == body


def test_metrics_of_a_result_file_stay() -> None:
    content = base64.b64encode(b"step,train_loss\n1,1.25\n2,0.75\n" * 5).decode()

    (exchange,) = recorded(content, path="/files/file-1/content").recording.exchanges

    assert exchange.response.text == content


def test_echoed_wrong_key_is_replaced() -> None:
    assert WRONG_KEY not in saved(recorded({"message": f"Incorrect API key provided: {WRONG_KEY}"}))


@pytest.mark.parametrize("part", [API_KEY[-8:], API_KEY[:16], ADMIN_KEY[-8:]])
def test_part_of_a_key_is_a_leftover(part: str) -> None:
    result = recorded({"message": f"your key ends with {part}"})

    assert part not in encode(result.recording) or [left.kind for left in result.leftovers] == ["key"]


def test_leftover_names_its_place() -> None:
    result = recorded({"data": [{"note": f"ends with {API_KEY[-8:]}"}]})

    assert [(left.place, left.kind) for left in result.leftovers] == [
        ("exchanges[0].response.body.data[0].note", "key")
    ]


@given(
    st.text(string.ascii_letters + " ", min_size=8, max_size=30)
    .map(str.strip)
    .filter(lambda text: len(text) > 7)
)
def test_hidden_text_is_replaced(text: str) -> None:
    result = hidden(recorded({"note": f"before {text} after", "list": [text]}), text, SETTINGS)

    assert text not in json.dumps([one.response.body for one in result.recording.exchanges])
