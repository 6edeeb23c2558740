"""Values that people write in Python arrive at the provider unchanged, or with a reason."""

from __future__ import annotations

import asyncio
import datetime as dt
import decimal
import enum
import math
import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import pulumi
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi.dynamic import Config, ConfigureRequest
from pulumi.runtime import rpc
from pulumi.runtime.proto.provider_pb2 import CheckRequest

from pulumi_openai_ft._program.input_values import DEEPEST, by_content, local_file, plain
from pulumi_openai_ft._program.local_content import content_sha256, string_file
from pulumi_openai_ft._provider.checkpoint_permission import FineTuningCheckpointPermissionProvider
from pulumi_openai_ft._provider.file import FileProvider
from pulumi_openai_ft._provider.fine_tuning_job import FineTuningJobProvider
from pulumi_openai_ft._provider.input_models import integers_from_floats, unsupported_values
from pulumi_openai_ft._provider.job.diff import input_digests
from pulumi_openai_ft.host._protocol import from_struct

if TYPE_CHECKING:
    from pulumi_openai_ft._provider.base import Provider

PROVIDERS = (FileProvider, FineTuningJobProvider, FineTuningCheckpointPermissionProvider)
INPUTS = sorted({name for provider in PROVIDERS for name in provider.inputs_model.model_fields})
ADDRESS = re.compile(r"\bat 0x[0-9a-f]+|Traceback")


class Color(enum.Enum):
    RED = "red"


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
odd_values = st.sampled_from(
    [
        b"bytes",
        bytearray(b"x"),
        {1, 2},
        frozenset(),
        {1: 2},
        {("a",): 1},
        object(),
        print,
        10**400,
        2**53 + 1,
        math.nan,
        -math.inf,
        "\ud800",
        {"\udc80": 1},
        1j,
        decimal.Decimal("1.5"),
        dt.date(2026, 12, 1),
        Color.RED,
        range(3),
        (1, "b"),
        PurePosixPath("a/b"),
        Path("\udc80"),
        Path(b"\xff".decode(errors="surrogateescape")),
    ]
)
assets = st.sampled_from(
    [
        pulumi.FileAsset(Path(__file__)),
        pulumi.FileAsset("missing"),
        pulumi.StringAsset("text"),
        pulumi.RemoteAsset("http://127.0.0.1/x"),
        pulumi.FileArchive(str(Path(__file__).parent / "functions")),
        pulumi.FileArchive("missing"),
        pulumi.RemoteArchive("http://127.0.0.1/x.zip"),
        pulumi.AssetArchive({"a": pulumi.StringAsset("x"), "b": pulumi.AssetArchive({})}),
    ]
)
written_values = st.recursive(
    json_values | odd_values | assets,
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=4), inner, max_size=2)
        | inner.map(lambda value: Later(value, is_secret=False))
        | inner.map(lambda value: Later(value, is_secret=True))
    ),
    max_leaves=4,
)


class Later:
    """A value that becomes an output inside of the event loop."""

    def __init__(self, value: Any, *, is_secret: bool) -> None:
        self.value, self.is_secret = value, is_secret

    def output(self) -> pulumi.Output[Any]:
        start: pulumi.Output[Any] = pulumi.Output.secret(0) if self.is_secret else pulumi.Output.from_input(0)
        return start.apply(lambda _: with_outputs(self.value))


def with_outputs(value: Any) -> Any:
    if isinstance(value, Later):
        return value.output()
    if type(value) is dict:
        return {key: with_outputs(item) for key, item in value.items()}
    return [with_outputs(item) for item in value] if type(value) is list else value


def without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_none(item) for key, item in value.items() if item is not None}
    return [without_none(item) for item in value] if isinstance(value, list) else value


def provider_of(kind: type[Provider]) -> Provider:
    provider = kind()
    provider.configure(ConfigureRequest(Config({}, "tests")))
    return provider


def arrived(value: Any, *arguments: Any) -> Any:
    """Return a value as it arrives at the provider: through Pulumi's SDK and the encoding of its messages."""

    async def sent() -> bytes:
        converted = {"value": plain(with_outputs(value), *arguments)}
        struct = await rpc.serialize_properties(converted, {})
        return CheckRequest(news=struct).SerializeToString()

    request = CheckRequest.FromString(asyncio.run(sent()))
    return from_struct(request.news).get("value")


@given(value=json_values)
def test_json_values_arrive_unchanged(value: Any) -> None:
    """Except for entries that are None, which Pulumi drops."""
    assert integers_from_floats(arrived(value)) == integers_from_floats(without_none(value))


@given(value=written_values, name=st.sampled_from(INPUTS))
def test_any_value_arrives_or_has_a_reason(value: Any, name: str) -> None:
    """Neither an exception nor a text with the address of an object, in any input of any resource."""
    props = {name: arrived(value, by_content if name == "triggers" else None)}

    problems = unsupported_values(props)
    if not problems:
        for provider in PROVIDERS:
            if name in provider.inputs_model.model_fields:
                problems += provider_of(provider).input_problems(props)
        input_digests(props)
    assert not ADDRESS.search(repr((props, problems)))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Path("a/b"), "a/b"),
        (PurePosixPath("a"), "a"),
        (Color.RED, "red"),
        ((1, (2,)), [1, [2]]),
        (Later(Later(Path("a"), is_secret=True), is_secret=False), "a"),
    ],
    ids=["path", "pure path", "enum", "tuples", "path in outputs"],
)
def test_python_values_are_converted(value: Any, expected: Any) -> None:
    assert integers_from_floats(arrived(value)) == expected


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({"a b": [pulumi.FileAsset("x")]}, r'value\["a b"\]\[0\]: is a FileAsset, which this input does not'),
        (
            Later(pulumi.FileArchive("x"), is_secret=True),
            "value: is a FileArchive, which this input does not",
        ),
        ([math.nan], r"value\[0\]: is not a finite number"),
        (2**53 + 1, "value: is too large for an exact number: pass it as a string"),
        ({"a": {1: 2}}, r"value\.a: has a key that is not a string"),
        (dt.date(2026, 12, 1), "value: has the type date, which Pulumi cannot pass on"),
        ("\ud800", "value: is not valid Unicode"),
    ],
    ids=["asset", "secret archive", "nan", "large integer", "integer key", "date", "surrogate"],
)
def test_an_unsupported_value_is_reported_with_its_path(value: Any, reason: str) -> None:
    (message,) = unsupported_values({"value": arrived(value)})

    assert re.match(reason, message)


@pytest.mark.parametrize(("levels", "problems"), [(DEEPEST, 0), (DEEPEST + 2, 1), (200, 1)])
def test_deep_values_are_limited(levels: int, problems: int) -> None:
    value: Any = "core"
    for _ in range(levels):
        value = {"a": value}

    assert len(unsupported_values({"value": arrived(value)})) == problems


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (pulumi.FileAsset("x"), "is a FileAsset that a transform or policy set"),
        (float("inf"), "is not a finite number: a transform or policy set it"),
        (float("nan"), "is not a finite number: a transform or policy set it"),
    ],
)
def test_a_value_of_a_transform_is_reported(value: Any, problem: str) -> None:
    (message,) = unsupported_values({"triggers": [value]})

    assert message.startswith(f"triggers[0]: {problem}")


def test_equal_content_counts_as_equal_in_triggers(tmp_path: Path) -> None:
    (tmp_path / "folder" / "inner").mkdir(parents=True)
    (tmp_path / "folder" / "inner" / "a").write_text("text")
    asset, text = pulumi.FileAsset(tmp_path / "folder" / "inner" / "a"), pulumi.StringAsset("text")
    archive = pulumi.AssetArchive({"inner/a": text})

    assert content_sha256(asset) == content_sha256(text)
    assert content_sha256(archive) == content_sha256(pulumi.FileArchive(str(tmp_path / "folder")))
    assert content_sha256(archive) != content_sha256(pulumi.AssetArchive({"inner/b": text}))
    (tmp_path / "folder" / "inner" / "a").write_text("other")
    assert content_sha256(archive) != content_sha256(pulumi.FileArchive(str(tmp_path / "folder")))


@pytest.mark.parametrize(
    ("asset", "reason"),
    [
        (pulumi.FileAsset("missing"), "is an asset or archive whose file cannot be read"),
        (pulumi.RemoteAsset("http://x"), "is a RemoteAsset, whose content is not on this machine"),
        (pulumi.FileArchive("missing"), "is an asset or archive whose file cannot be read"),
        (pulumi.RemoteArchive("http://x"), "is a RemoteArchive, whose content is not on this machine"),
    ],
)
def test_unavailable_content_in_triggers_is_reported(asset: Any, reason: str) -> None:
    (message,) = unsupported_values({"value": arrived([asset], by_content)})

    assert message.startswith(f"value[0]: {reason}")


def test_the_content_of_a_string_is_a_private_file(tmp_path: Path) -> None:
    path = Path(string_file("äöü\n"))

    assert path.read_bytes() == "äöü\n".encode()
    assert path.stat().st_mode & 0o777 == 0o600
    assert path == Path(string_file("äöü\n"))
    assert tmp_path in path.parents  # the cache directory of the test


def test_a_string_needs_a_name() -> None:
    assert "set `filename`" in str(local_file(pulumi.StringAsset("x"), has_name=False))
    assert Path(local_file(pulumi.StringAsset("x"), has_name=True)).read_text() == "x"


def test_an_unwritable_cache_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "occupied").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "occupied"))

    assert "cannot be written" in str(local_file(pulumi.StringAsset("x"), has_name=True))
