"""Code in the documentation is whole and names what there is, and the programs in it run."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import re
import shutil
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from tests.docs.pages import ALL_SAMPLES, ROOT, Sample
from tests.e2e.conftest import engine, host, make_stack, service  # noqa: F401 - fixtures
from tests.support import ADMIN_KEY, API_KEY

from pulumi_openai_ft._client.client import Client
from pulumi_openai_ft._settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.conftest import Stack

    from pulumi_openai_ft.emulator import Emulator

CHECKED = ("pulumi", "pulumi_openai_ft")
"""Packages whose names are looked up."""
PYTHON = [sample for sample in ALL_SAMPLES if sample.language == "python"]
ELSEWHERE = {
    "StackReference": "reads the outputs of a stack of another project",
    "lambda": "is for Amazon Bedrock",
    "grpo": "is for a service that takes methods of its own",
    "lora_r": "is for a service that takes hyperparameters of its own",
}
"""What stands in programs that are not run here, and why not."""
PROGRAMS = [
    sample
    for sample in PYTHON
    if re.search(r"^import pulumi_openai_ft", sample.text, re.MULTILINE)
    and not any(word in sample.text for word in ELSEWHERE)
]
FOR_AZURE = [sample for sample in PROGRAMS if re.search("`azure`|trainingType", sample.text)]
FOR_OPENAI = [sample for sample in PROGRAMS if sample not in FOR_AZURE]
DATA = ROOT / "examples" / "data"
FILES = re.compile(r"[\w-]+\.jsonl")
IDS = re.compile(r"(?<=')(?:(file-)|(ftjob-)|(ft:))[\w:.-]+(?=')")
"""Ids of what was made elsewhere."""
_NAMING = re.compile(r"pulumi\.export|(\w+\.)?[A-Z]\w+(\.get)?")
"""Calls whose first argument names a stack output or a resource."""
RUNNER = """
import json
import pathlib

for place, text in json.loads(pathlib.Path("programs.json").read_text()).items():
    exec(compile(text, place, "exec"), {"__name__": "__main__"})
"""


def of(language: str) -> list[Sample]:
    return [sample for sample in ALL_SAMPLES if sample.language == language]


def places(samples: list[Sample]) -> list[str]:
    return [sample.place for sample in samples]


def imported(tree: ast.Module) -> dict[str, Any]:
    """What a program's imports bind, of the packages that are looked up."""
    bound: dict[str, Any] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            known = [one for one in node.names if one.name.split(".")[0] in CHECKED]
            bound |= {one.asname or one.name: importlib.import_module(one.name) for one in known}
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in CHECKED:
            module = importlib.import_module(node.module or "")
            bound |= {one.asname or one.name: getattr(module, one.name) for one in node.names}
    return bound


def found(node: ast.expr, bound: dict[str, Any]) -> Any:
    """What an expression such as `openai_ft.File.get` names, or None where it is a value of the program's own."""
    if isinstance(node, ast.Name):
        return bound.get(node.id)
    if isinstance(node, ast.Attribute) and (holder := found(node.value, bound)) is not None:
        return getattr(holder, node.attr)
    return None


@pytest.mark.parametrize("sample", PYTHON, ids=places(PYTHON))
def test_names_in_a_program_exist(sample: Sample) -> None:
    tree = ast.parse(sample.text)
    bound = imported(tree)

    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            found(node, bound)
        if isinstance(node, ast.Call) and callable(called := found(node.func, bound)):
            named = {one.arg: None for one in node.keywords if one.arg}
            inspect.signature(called).bind_partial(*node.args, **named)


@pytest.mark.parametrize("sample", of("yaml"), ids=places(of("yaml")))
def test_yaml_is_whole(sample: Sample) -> None:
    assert yaml.safe_load(sample.text)


@pytest.mark.parametrize("sample", of("json"), ids=places(of("json")))
def test_json_is_whole(sample: Sample) -> None:
    assert json.loads(sample.text)


class Renamed(ast.NodeTransformer):
    """Gives resources and stack outputs names of their own, so that all programs can share a stack."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if _NAMING.fullmatch(ast.unparse(node.func)) and node.args:
            match node.args[0]:
                case ast.Constant(value=str(name)):
                    node.args[0] = ast.Constant(f"{self.prefix}-{name}")
        return node


def renamed(sample: Sample) -> str:
    prefix = re.sub(r"\W+", "-", sample.place)
    return ast.unparse(Renamed(prefix).visit(ast.parse(sample.text)))


@pytest.fixture
def made_elsewhere(service: Emulator) -> Iterator[list[str]]:  # noqa: F811 - the fixture
    """A file, a job and a model that stand for those that samples name."""
    api = Client(Settings(api_key=API_KEY, admin_key=ADMIN_KEY, base_url=service.url))
    with (DATA / "customer_support.jsonl").open("rb") as content:
        file = api.upload_file("chats.jsonl", content, purpose="fine-tune")
    job = api.job(api.create_job({"model": "gpt-4o-mini", "training_file": file.id}).id)
    assert job.fine_tuned_model
    yield [file.id, job.id, job.fine_tuned_model]
    api.close()


def write_programs(stack: Stack, programs: dict[str, str]) -> None:
    """Put programs into a stack's folder, and the files that they name."""
    (stack.folder / "programs.json").write_text(json.dumps(programs))
    shutil.copytree(DATA, stack.folder, dirs_exist_ok=True)
    for name in {name for text in programs.values() for name in FILES.findall(text)}:
        if not (stack.folder / name).exists():
            shutil.copy(DATA / "customer_support.jsonl", stack.folder / name)


@pytest.mark.e2e
def test_programs_for_azure_run(make_stack: Callable[..., Stack], service: Emulator) -> None:  # noqa: F811 - the fixture
    service.settings.mode = "azure"
    stack = make_stack(RUNNER)
    stack.pulumi("config", "set", "openai-ft:service", "azure")
    stack.pulumi("config", "set", "openai-ft:query", "api-version=preview")
    write_programs(stack, {sample.place: renamed(sample) for sample in FOR_AZURE})

    stack.up()

    assert [job["status"] for job in service.jobs()] == ["succeeded"] * len(FOR_AZURE)


@pytest.mark.e2e
def test_programs_run(make_stack: Callable[..., Stack], made_elsewhere: list[str]) -> None:  # noqa: F811 - the fixture
    """All in one update. What was made elsewhere stands for the ids that they name."""

    def there(named: re.Match[str]) -> str:
        return made_elsewhere[[bool(group) for group in named.groups()].index(True)]

    stack = make_stack(RUNNER)
    write_programs(stack, {sample.place: IDS.sub(there, renamed(sample)) for sample in FOR_OPENAI})

    stack.up()

    prefixes = {re.sub(r"\W+", "-", sample.place) for sample in FOR_OPENAI if "pulumi.export" in sample.text}
    outputs = stack.outputs()
    assert [prefix for prefix in prefixes if not any(name.startswith(f"{prefix}-") for name in outputs)] == []
    assert [value for value in outputs.values() if str(value).startswith("ft:gpt-4o-mini-2024-07-18:")]
