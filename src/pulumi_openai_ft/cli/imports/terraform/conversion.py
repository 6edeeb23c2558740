"""Conversion of a Terraform state to an import list and a program."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pulumi_openai_ft._shared.state_names import TYPE_PREFIX
from pulumi_openai_ft.cli.imports.import_list import ImportEntry, ImportList, Omission
from pulumi_openai_ft.cli.imports.names import identifier, unique_names
from pulumi_openai_ft.cli.imports.program_source import ProgramResource, Reference
from pulumi_openai_ft.cli.imports.terraform.converted import (
    Converted,
    convert_file,
    convert_job,
    convert_permission,
)
from pulumi_openai_ft.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from pulumi_openai_ft.cli.imports.terraform.local_files import LocalFiles
    from pulumi_openai_ft.cli.imports.terraform.state_file import TerraformResource

PROVIDERS = MKDEV, SKYSCRAPR = "mkdev-me/openai", "skyscrapr/openai"
"""The supported Terraform providers, without the host of their registry."""
_FILE, _JOB, _PERMISSION = "File", "FineTuningJob", "FineTuningCheckpointPermission"
_CLASSES = {
    (MKDEV, "openai_file"): _FILE,
    (SKYSCRAPR, "openai_file"): _FILE,
    (MKDEV, "openai_fine_tuning_job"): _JOB,
    (SKYSCRAPR, "openai_finetuning_job"): _JOB,
    (MKDEV, "openai_fine_tuning_checkpoint_permission"): _PERMISSION,
}
"""Classes of this package by provider and type."""


@dataclass
class Conversion:
    """The result of converting a Terraform state. It is complete once `convert` has returned it.

    Attributes:
        entries: The resources to import, each after the resources that it uses.
        program: The same resources in a program.
        addresses: Addresses in Terraform of the same resources.
        omissions: Objects that cannot be carried over.
        notes: Facts about carried resources that the user should know.
        others: Number of resources by provider, of providers that are not supported.
    """

    entries: list[ImportEntry] = field(default_factory=list)
    program: list[ProgramResource] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)
    omissions: list[Omission] = field(default_factory=list)
    notes: list[Omission] = field(default_factory=list)
    others: Mapping[str, int] = field(default_factory=dict)

    @property
    def import_list(self) -> ImportList:
        """Return the list for `pulumi import --file`."""
        return ImportList(tuple(self.entries), tuple(self.omissions))

    def add(self, kind: str, resource: TerraformResource, found: Converted) -> None:
        """Add a converted resource of a class."""
        type_ = f"{TYPE_PREFIX}{kind}"
        name = self._new_name(type_, resource)
        inputs = self._with_references(found.inputs)
        self.entries.append(ImportEntry(type_, name, found.import_id))
        self.program.append(
            ProgramResource(kind, name, inputs, (f"In Terraform: {resource.address}",), is_protected=True)
        )
        self.addresses.append(resource.address)
        tainted = ["Terraform marks it as tainted and plans to replace it"] if resource.is_tainted else []
        self.notes += [Omission(resource.address, note) for note in (*tainted, *found.notes)]

    def _new_name(self, type_: str, resource: TerraformResource) -> str:
        """Return the steps of a resource's address as a name that no other resource of its type has."""
        taken = {entry.name for entry in self.entries if entry.type == type_}
        preferred = identifier("_".join(map(str, resource.path)), "resource")
        return unique_names([(resource.address, preferred)], taken)[resource.address]

    def _with_references(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Return inputs with references to the files that are carried over."""
        files = {entry.id: entry.name for entry in self.entries if entry.type == f"{TYPE_PREFIX}{_FILE}"}
        return {
            name: Reference(_FILE, files[value]) if name.endswith("_file") and value in files else value
            for name, value in inputs.items()
        }


def convert(resources: Iterable[TerraformResource], files: LocalFiles) -> Conversion:
    """Convert the resources of the supported providers, and list the others.

    Args:
        resources: The resources and data sources of a state.
        files: The local files that Terraform uploaded.
    """
    conversions: dict[str, Callable[[TerraformResource], Converted]] = {
        _FILE: lambda resource: convert_file(resource, files),
        _JOB: convert_job,
        _PERMISSION: convert_permission,
    }  # in this order, files precede jobs, and jobs precede permissions
    found, everything = Conversion(), list(resources)
    own = [resource for resource in everything if _provider(resource) in PROVIDERS]
    for kind, convert_one in conversions.items():
        for resource in own:
            if _class(resource) != kind:
                continue
            try:
                found.add(kind, resource, convert_one(resource))
            except InputError as error:
                found.omissions.append(Omission(resource.address, str(error)))
    found.omissions += _unsupported(own)
    found.others = Counter(
        resource.provider for resource in everything if _provider(resource) not in PROVIDERS
    )
    return found


def _provider(resource: TerraformResource) -> str:
    """Return the name of the provider without the host of its registry, because mirrors have other hosts."""
    return "/".join(resource.provider.split("/")[-2:])


def _class(resource: TerraformResource) -> str | None:
    """Return the class that replaces a resource, or None if it is not carried over."""
    if resource.is_data_source or resource.is_deposed:
        return None
    return _CLASSES.get((_provider(resource), resource.type))


def _unsupported(resources: Iterable[TerraformResource]) -> Iterator[Omission]:
    """Yield the resources that have no equivalent."""
    for resource in resources:
        if resource.is_data_source:
            yield Omission(resource.address, "a data source; use a function of this package instead")
        elif resource.is_deposed:
            yield Omission(resource.address, "a former object; run `terraform apply`, which deletes it")
        elif _class(resource) is None:
            yield Omission(resource.address, f"this package has no resource for {resource.type}")
