from __future__ import annotations

import runpy
from pathlib import Path

import benchmarks
from pulumi_openai_ft import FineTuningJob

NO_OP = Path(benchmarks.__file__).parent / "programs" / "waiting" / "no_op.py"


def test_the_no_op_job_has_a_jobs_outputs() -> None:
    stand_in = runpy.run_path(str(NO_OP))

    given = {"model", "training_file", "seed"}
    assert {*stand_in["OUTPUTS"], *stand_in["UNUSED"], *given} == {*FineTuningJob.__annotations__}
