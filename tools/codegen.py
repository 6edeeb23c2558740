"""Generate the constructors of the resources from the pydantic models of their inputs.

cog runs this from comments in the modules. `make generate` writes the code; `make check` fails if it is outdated.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from tools.annotations import INPUT, OUTPUT, markers, type_of, written
from tools.descriptions import described, docstring
from tools.formatting import formatted

from pulumi_openai_ft._provider.checkpoint_permission import CheckpointPermissionInputs
from pulumi_openai_ft._provider.file import FileInputs
from pulumi_openai_ft._provider.job.inputs import AcceptsFile, FineTuningJobInputs

if TYPE_CHECKING:
    from pydantic import BaseModel

WIDTH = 110 - len("        ")


class Inputs:
    """Source code that declares the inputs of a resource.

    Args:
        model: Model of the inputs.
        example: A program, without its imports.
        outputs: Names of the inputs for which a program can pass the output of another resource.
    """

    def __init__(self, model: type[BaseModel], example: str, outputs: tuple[str, ...] = ()) -> None:
        self.model = model
        self.example = example
        self.outputs = outputs

    def parameters(self) -> str:
        """Return the keyword parameters of the constructor."""
        rows = (
            f"{name}: {self._type(name)}{'' if self._is_required(name) else ' = None'},"
            for name in self.model.model_fields
        )
        head, tail = "def constructor(\n    *,\n", "\n) -> None: ..."
        code = formatted(head + "\n".join(f"    {row}" for row in rows) + tail)
        return textwrap.dedent(code.removeprefix(head).removesuffix(tail))

    def docstring(self, summary: str) -> str:
        """Return the docstring of the constructor, with the example and a description of each input."""
        texts = {
            "resource_name": "Name of the resource in the stack.",
            **{name: described(self.model, name) for name in self.model.model_fields},
            "opts": "Pulumi's resource options.",
        }
        entries = (_wrapped(f"{name}: {text}") for name, text in texts.items())
        code = ["## Example Usage", "", "```python", formatted(self.example), "```"]
        return "\n".join([f'"""{summary}', "", *code, "", "Args:", *entries, '"""'])

    def arguments(self) -> str:
        """Return the entries of a dictionary that maps names of inputs to arguments of the constructor."""
        return "\n".join(
            f'"{name}": {f"file_id({name})" if self._accepts_file(name) else name},'
            for name in self.model.model_fields
        )

    def optional_keys(self) -> str:
        """Return the keys of a TypedDict with the optional inputs, except files."""
        rows = (
            f"    {name}: {self._type(name)}\n{textwrap.indent(docstring(described(self.model, name)), '    ')}"
            for name in self.model.model_fields
            if not self._is_required(name) and not self._accepts_file(name)
        )
        head = "class _:\n"
        return textwrap.dedent(formatted(head + "\n".join(rows)).removeprefix(head))

    def _is_required(self, name: str) -> bool:
        return self.model.model_fields[name].is_required()

    def _accepts_file(self, name: str) -> bool:
        return any(isinstance(one, AcceptsFile) for one in markers(self.model.model_fields[name]))

    def _type(self, name: str) -> str:
        """Return the type of a parameter: the input, or its form as an output of another resource."""
        field = self.model.model_fields[name]
        types = [type_of(field, INPUT)]
        if self._accepts_file(name):
            types.append("File")
        if name in self.outputs:
            types.append(f"pulumi.Output[{written(field.annotation, OUTPUT)} | None]")
        return " | ".join(types)


def _wrapped(entry: str) -> str:
    return textwrap.fill(
        entry,
        WIDTH,
        initial_indent="    ",
        subsequent_indent="        ",
        break_long_words=False,
        break_on_hyphens=False,
    )


file = Inputs(
    FileInputs,
    """
data = openai_ft.File("support-data", file="customer_support.jsonl", purpose="fine-tune")
pulumi.export("file_id", data.id)
""",
)
job = Inputs(
    FineTuningJobInputs,
    """
data = openai_ft.File("support-data", file="customer_support.jsonl")
job = openai_ft.FineTuningJob(
    "support",
    model="gpt-4o-mini",
    training_file=data,
    method={"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 3}}},
)
pulumi.export("fine_tuned_model", job.fine_tuned_model)
""",
    outputs=("method", "integrations"),
)
permission = Inputs(
    CheckpointPermissionInputs,
    """
job = openai_ft.FineTuningJob("support", model="gpt-4o-mini", training_file="file-abc123")
shared = openai_ft.FineTuningCheckpointPermission(
    "support", checkpoint_id=job.fine_tuned_model, project_ids=["proj_support"]
)
pulumi.export("permission_ids", shared.permission_ids)
""",
)
