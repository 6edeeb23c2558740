"""The losses of a real training, as `openai-ft watch` and `openai-ft report` show them.

The training environment lacks the packages that draw; tests/serve draws the jobs of a stand-in trainer.
"""

from __future__ import annotations

import csv
import io
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from tests.serve.services import PROJECT_KEY
from tests.train.services import losses, real_service, train_rows
from tests.train.support import MARKS, ROWS

from pulumi_openai_ft._client.client import Client
from pulumi_openai_ft._settings import Settings
from pulumi_openai_ft._shared.clock import REAL_TIME
from pulumi_openai_ft.cli.look.following import JobFollower, exit_code
from pulumi_openai_ft.cli.look.snapshot import History
from pulumi_openai_ft.cli.report.csv_table import csv_table
from pulumi_openai_ft.cli.report.job_report import read_reports
from pulumi_openai_ft.cli.report.stack_facts import StackFacts

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = MARKS

EPOCHS = 10
STEPS = EPOCHS * len(ROWS) // 2


def test_real_losses_are_watched_and_reported(tmp_path: Path, base: Path) -> None:
    with real_service(tmp_path / "service", base) as service, service.client() as client:
        job_id = train_rows(client, {"n_epochs": EPOCHS, "batch_size": 2}).id
        config = {
            "openai-ft:service": "self-hosted",
            "openai-ft:baseUrl": service.url,
            "openai-ft:apiKey": PROJECT_KEY,
        }
        with closing(Client(Settings.resolve(config.get, {}))) as api:
            job = api.job(job_id)
            follower, history = JobFollower(api, job), History.of(api, job, REAL_TIME)
            # A known hash saves reading the data, which needs the installed package.
            facts = StackFacts(files={str(job.training_file): {"sha256": "0" * 64}})
            last = [history.add(update) for update in follower.updates()][-1]
            reports = read_reports(api, [follower.job], facts)
        trained = losses(client, job_id)

    assert exit_code(follower.job) == 0
    assert history.progress.stable_part().startswith(f"succeeded · step {STEPS}/{STEPS} (100 %) · loss ")
    assert len(trained) == STEPS
    assert trained[-1] < trained[0] / 2
    assert [row.train_loss for row in last.rows] == trained
    table = list(csv.DictReader(io.StringIO(csv_table(reports))))
    assert [float(row["train_loss"]) for row in table] == pytest.approx(trained, abs=1e-4)
    assert reports[0].missing == ()
    assert [mark.step for mark in reports[0].marks][-1] == STEPS
