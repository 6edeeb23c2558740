"""Conversion of the resources in a Terraform state to resources of this package."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from pulumi_openai_ft._client.objects import TERMINAL_STATUSES
from pulumi_openai_ft._provider.file import FileInputs
from pulumi_openai_ft._provider.job.inputs import FineTuningJobInputs
from pulumi_openai_ft._provider.resource_import import PERMISSION_ID, require_id, to_inputs
from pulumi_openai_ft._shared.property_paths import format_path
from pulumi_openai_ft._shared.state_names import FILE_TYPE, JOB_TYPE, PERMISSION_TYPE
from pulumi_openai_ft.cli.imports.program_source import ProgramResource, Reference
from pulumi_openai_ft.cli.imports.terraform import attributes as terraform_attributes
from pulumi_openai_ft.cli.imports.terraform.attributes import given
from pulumi_openai_ft.cli.imports.terraform.local_paths import LocalFiles, path_problem
from pulumi_openai_ft.cli.imports.terraform.names import resource_name
from pulumi_openai_ft.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pulumi_openai_ft.cli.imports.terraform.state_file import TerraformResource
