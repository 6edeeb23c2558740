"""Types of the values that services return: exact for type checkers, and open at run time.

Services add keys, and return other values than OpenAI. Pulumi and pydantic convert values by their types at run time,
so that these types must allow everything there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pulumi_openai_ft.types import (
        EventLevel,
        EventType,
        FilePurpose,
        FileStatus,
        IntegrationDict,
        JobErrorDict,
        JobStatus,
        MethodDict,
        SupervisedHyperparametersDict,
    )
else:
    EventLevel = EventType = FilePurpose = FileStatus = JobStatus = str
    IntegrationDict = JobErrorDict = MethodDict = SupervisedHyperparametersDict = dict[str, Any]

__all__ = [
    "EventLevel",
    "EventType",
    "FilePurpose",
    "FileStatus",
    "IntegrationDict",
    "JobErrorDict",
    "JobStatus",
    "MethodDict",
    "SupervisedHyperparametersDict",
]
