"""Code in the documentation is complete, uses existing names, and programs in it run."""

from __future__ import annotations

import ast
import inspect
import json
import re
import shutil
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from tests.docs.pages import ALL_SAMPLES, ROOT, Sample
from tests.e2e.conftest import engine, host, make_stack, new_stack, service  # noqa: F401 - fixtures
from tests.support import ADMIN_KEY, API_KEY

from pulumi_openai_ft._client.client import Client
from pulumi_openai_ft._settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.conftest import Stack

    from pulumi_openai_ft.emulator import Emulator

CHECKED_PACKAGES = ("pulumi", "pulumi_openai_ft")
"""Packages whose names are checked."""
PYTHON = [sample for sample in ALL_SAMPLES if sample.language == "python"]
NOT_RUN = {
    "create_or_select_stack": "runs a stack by itself; test_automation_page.py runs it",
    "secondKey": "needs another key",
    "StackReference": "reads the outputs of a stack of another project",
    "lambda": "is for Amazon Bedrock",
    "grpo": "is for a service that adds its own methods",
    "openai_ft_program": "is a test; test_testing_page.py runs it",
    "pulumi_azure_native": "needs Azure; test_examples.py runs such a program with Pulumi's mocks",
    "lora_r": "is for a service that adds its own hyperparameters",
}
"""Words of programs that are not run here, and the reason."""
PROGRAMS = [
    sample
    for sample in PYTHON
    if re.search(r"^import pulumi_openai_ft", sample.text, re.MULTILINE)
    and not any(word in sample.text for word in NOT_RUN)
]
FOR_AZURE = [sample for sample in PROGRAMS if re.search("`azure`|trainingType", sample.text)]
FOR_OPENAI = [sample for sample in PROGRAMS if sample not in FOR_AZURE]
DATA = ROOT / "examples" / "data"
FILES = re.compile(r"[\w-]+\.jsonl")
IDS = re.compile(r"(?<=')(?:(file-)|(ftjob-)|(ft:))[\w:.-]+(?=')")
"""Ids of existing objects that samples refer to."""
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
    """Return the names that a program imports from the checked packages."""
    bound: dict[str, Any] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            node.names = [alias for alias in node.names if is_checked(alias.name)]
        if (isinstance(node, ast.Import) and node.names) or (
            isinstance(node, ast.ImportFrom) and is_checked(node.module or "")
        ):
            exec(ast.unparse(node), bound)  # noqa: S102 - an import statement of our documentation
    return bound


def is_checked(module: str) -> bool:
    return module.split(".", maxsplit=1)[0] in CHECKED_PACKAGES


def resolve(node: ast.expr, bound: dict[str, Any]) -> Any:
    """Return the object that an expression such as `openai_ft.File.get` refers to, or None for a value of the
    program.
    """
    if isinstance(node, ast.Name):
        return bound.get(node.id)
    if isinstance(node, ast.Attribute) and (owner := resolve(node.value, bound)) is not None:
        return getattr(owner, node.attr)
    return None


@pytest.mark.parametrize("sample", PYTHON, ids=places(PYTHON))
def test_names_in_a_program_exist(sample: Sample) -> None:
    tree = ast.parse(sample.text)
    bound = imported(tree)

    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            resolve(node, bound)
        if isinstance(node, ast.Call) and callable(called := resolve(node.func, bound)):
            named = {node_name.arg: None for node_name in node.keywords if node_name.arg}
            inspect.signature(called).bind_partial(*node.args, **named)


@pytest.mark.parametrize("sample", of("yaml"), ids=places(of("yaml")))
def test_yaml_is_valid(sample: Sample) -> None:
    assert yaml.safe_load(sample.text)


@pytest.mark.parametrize("sample", of("json"), ids=places(of("json")))
def test_json_is_valid(sample: Sample) -> None:
    assert json.loads(sample.text)


class Renamed(ast.NodeTransformer):
    """Prefixes the names of resources and stack outputs, and makes all jobs different, so that programs can share a stack."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if _NAMING.fullmatch(ast.unparse(node.func)) and node.args:
            match node.args[0]:
                case ast.Constant(value=str(name)):
                    node.args[0] = ast.Constant(f"{self.prefix}-{name}")
                    self.add_triggers(node)
        return node

    def add_triggers(self, node: ast.Call) -> None:
        trains = ast.unparse(node.func).endswith(("FineTuningJob", "FineTunedModel"))
        if trains and not any(keyword.arg == "triggers" for keyword in node.keywords):
            triggers = ast.List([ast.Constant(self.prefix), node.args[0]], ast.Load())
            node.keywords.append(ast.keyword("triggers", triggers))


def renamed(sample: Sample) -> str:
    prefix = re.sub(r"\W+", "-", sample.place)
    return ast.unparse(Renamed(prefix).visit(ast.parse(sample.text)))


@pytest.fixture
def existing_ids(service: Emulator) -> Iterator[list[str]]:  # noqa: F811 - the fixture
    """Create a file, a job and a model to replace the ids in samples."""
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
def test_programs_run(make_stack: Callable[..., Stack], existing_ids: list[str]) -> None:  # noqa: F811 - the fixture
    """Run all programs in a single update, with ids of existing objects."""

    def existing_id(named: re.Match[str]) -> str:
        return existing_ids[[bool(group) for group in named.groups()].index(True)]

    stack = make_stack(RUNNER)
    write_programs(stack, {sample.place: IDS.sub(existing_id, renamed(sample)) for sample in FOR_OPENAI})

    stack.up()

    prefixes = {re.sub(r"\W+", "-", sample.place) for sample in FOR_OPENAI if "pulumi.export" in sample.text}
    outputs = stack.outputs()
    assert [prefix for prefix in prefixes if not any(name.startswith(f"{prefix}-") for name in outputs)] == []
    assert [value for value in outputs.values() if str(value).startswith("ft:gpt-4o-mini-2024-07-18:")]
