"""Values that people write in Python: paths, assets, and values that Pulumi cannot pass on."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest
from tests.e2e.conftest import ON_BOTH_HOSTS
from tests.support import write_training_data

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import Stack

    from pulumi_openai_ft.emulator import Emulator

pytestmark = [pytest.mark.e2e, ON_BOTH_HOSTS]

START = """
import datetime
import pathlib
import pulumi
import pulumi_openai_ft as openai_ft

MODEL = "gpt-4o-mini-2024-07-18"

"""
ACCEPTED = f"""{START}
text = pathlib.Path("data.jsonl").read_text()
path = openai_ft.File("path", file=pathlib.Path("data.jsonl"), validate="off")
openai_ft.File("asset", file=pulumi.Output.from_input(pulumi.FileAsset(pathlib.Path("data.jsonl"))))
openai_ft.File("text", file=pulumi.StringAsset(text.replace("Account", "Settings")), filename="text.jsonl")
openai_ft.FineTunedModel("model", model=MODEL, training_file=path, validation_file=path)
openai_ft.FineTuningJob(
    "job", model=MODEL, training_file=path, triggers=[pathlib.Path("v1"), pulumi.FileAsset("version"), path]
)
"""
REFUSED = f"""{START}
def job(name, **inputs):
    openai_ft.FineTuningJob(name, model=MODEL, training_file="file-1", **inputs)

def add_asset(args):
    if args.name == "transformed":
        return pulumi.ResourceTransformResult({{**args.props, "triggers": [pulumi.FileAsset("data.jsonl")]}}, args.opts)

pulumi.runtime.register_resource_transform(add_asset)
"""


@pytest.mark.core
def test_paths_assets_and_files_are_accepted(make_stack: Callable[..., Stack], service: Emulator) -> None:
    stack = make_stack(ACCEPTED)
    data = write_training_data(stack.folder / "data.jsonl")
    (stack.folder / "version").write_text("1")
    stack.up()

    state = stack.export()
    assert hashlib.sha256(data.read_bytes().replace(b"Account", b"Settings")).hexdigest() in state
    assert " object at 0x" not in state
    assert "text.jsonl" in {file["filename"] for file in service.files()}
    assert len({job["training_file"] for job in service.jobs()}) == 1
    assert stack.planned() == {}
    (stack.folder / "version").write_text("2")
    assert stack.planned().keys() == {"job"}


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        (
            'openai_ft.File("f", file=pulumi.StringAsset("x"))',
            "file: is a StringAsset, which has no name: set",
        ),
        ('openai_ft.File("f", file=pulumi.FileArchive("."))', "file: is a FileArchive: download or unpack"),
        (
            'job("j", extra_body={"a": [pulumi.FileAsset("x")]})',
            "extra_body.a[0]: is a FileAsset, which this",
        ),
        ('job("j", triggers=[datetime.date(2026, 12, 1)])', "triggers[0]: has the type date, which Pulumi"),
        ('job("transformed")', "triggers[0]: is a FileAsset that a transform or policy set: set a string"),
    ],
)
def test_other_assets_and_types_get_one_sentence(
    make_stack: Callable[..., Stack], service: Emulator, statement: str, sentence: str
) -> None:
    stack = make_stack(f"{REFUSED}{statement}\n")
    write_training_data(stack.folder / "data.jsonl")

    text = stack.preview(code=1).text

    assert sentence in text
    assert "Traceback" not in text
    assert service.files() == service.jobs() == []
