"""The sequence of requests. Each part is a function; its docstring is printed with the plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tools.record.exchanges import FILES, JOBS, MODELS, Form
from tools.record.plan import training_data

if TYPE_CHECKING:
    from collections.abc import Callable

    from tools.record.exchanges import Recorder
    from tools.record.plan import Plan
    from tools.record.recording import Response

GRADERS = "/fine_tuning/alpha/graders"
NO_FILE, NO_JOB, NO_MODEL = "file-doesnotexist", "ftjob-doesnotexist", "no-such-model"
NO_CHECKPOINT = "ft:no-such-model:nowhere::nothing"
OWN_NAMES = frozenset(
    {NO_FILE, NO_JOB, NO_MODEL, NO_CHECKPOINT, "recording", "suffix", "exact", "all", "unknown"}
)
"""Ids and names that the sequence makes up. They are the same in all recordings."""
UNFINISHED_FILE = frozenset({"uploaded", "pending", "running", "processing"})
FINISHED_JOB = frozenset({"succeeded", "failed", "cancelled", "canceled"})
STRING_CHECK = {
    "type": "string_check",
    "input": "{{sample.output_text}}",
    "reference": "nine",
    "operation": "eq",
}
PROCESSING_SECONDS, PROCESSING_INTERVAL = 600.0, 10.0
TRAINING_INTERVAL = 30.0


def permissions_path(checkpoint: str) -> str:
    """Return the path of a checkpoint's permissions."""
    return f"/fine_tuning/checkpoints/{checkpoint}/permissions"


class Sequence:
    """Runs the sequence against a service.

    Args:
        recorder: Sends the requests.
        plan: The options.
        training_seconds: Maximum time to wait for the trained job.
    """

    def __init__(self, recorder: Recorder, plan: Plan, training_seconds: float) -> None:
        self._send, self._recorder, self._plan = recorder.send, recorder, plan
        self._training_seconds = training_seconds

    def parts(self) -> list[Callable[[], None]]:
        """Return the parts that the plan selects, in order."""
        selected = [self.models, self.upload, self.create, self.read, self.cancel, self.refusals, self.files]
        selected += [self.graders, self.addresses, self.permissions]
        return [*selected, self.train] if self._plan.train else selected

    def run(self) -> None:
        """Run all parts, then delete the training file.

        Raises:
            RecordingError: No response arrived.
        """
        for part in self.parts():
            part()
        self.delete_file()

    def models(self) -> None:
        """Read the base model, the list of models and an unknown model."""
        self._send("list models", "GET", MODELS)
        self._send("read the base model", "GET", f"{MODELS}/{self._plan.model}")
        self._send("read an unknown model", "GET", f"{MODELS}/{NO_MODEL}")

    def upload(self) -> None:
        """Upload ten rows of training data."""
        self._file = self._upload("upload the training file", self._plan.filename)

    def create(self) -> None:
        """Create a job while the file may still be processed, and again once it is processed."""
        self._job = self._create("create a job on a new file", self._body())
        path = f"{FILES}/{self._file}"
        self._recorder.poll(
            "read the file",
            path,
            lambda status: self._job is not None or status not in UNFINISHED_FILE,
            seconds=PROCESSING_SECONDS,
            interval=PROCESSING_INTERVAL,
        )
        if self._job is None:
            self._job = self._create("create a job", self._body())

    def read(self) -> None:
        """Read the job, its events and checkpoints, and the lists of jobs and files."""
        job = f"{JOBS}/{self._job or NO_JOB}"
        self._send("read the job", "GET", job)
        self._send("list jobs", "GET", JOBS, query={"limit": "1"})
        self._send("list jobs by metadata", "GET", JOBS, query={"metadata[recording]": self._plan.token})
        self._send("list jobs with a limit above 100", "GET", JOBS, query={"limit": "101"})
        self._send("list the job's events", "GET", f"{job}/events", query={"limit": "10"})
        self._send("list the checkpoints of an unfinished job", "GET", f"{job}/checkpoints")
        self._send("list files", "GET", FILES, query={"purpose": "fine-tune", "limit": "1"})

    def cancel(self) -> None:
        """Cancel the job, and try to cancel, pause, resume and delete the cancelled job."""
        job = f"{JOBS}/{self._job or NO_JOB}"
        self._send("cancel the job", "POST", f"{job}/cancel")
        self._send("read the cancelled job", "GET", job)
        self._send("list the cancelled job's events", "GET", f"{job}/events", query={"limit": "10"})
        self._send("cancel the job again", "POST", f"{job}/cancel")
        self._send("pause the cancelled job", "POST", f"{job}/pause")
        self._send("resume the cancelled job", "POST", f"{job}/resume")
        self._send("delete the cancelled job", "DELETE", job)

    def refusals(self) -> None:
        """Try to create jobs that the service should refuse. A job that it accepts is cancelled at once."""
        no_file, no_model = {"training_file": NO_FILE}, {"model": NO_MODEL}
        self._refused("with an unknown file", {**self._body(), **no_file})
        self._refused("with an unknown file and model", {**self._body(), **no_file, **no_model})
        self._refused("with an unknown model", {**self._body(), **no_model})
        self._refused("without a model", {"training_file": self._file})
        self._refused("with an unknown field", {**self._body(), "no_such_field": 1})
        self._refused("with an unknown hyperparameter", self._body(no_such_hyperparameter=1))
        self._refused("with a text as batch size", self._body(batch_size="many"))
        self._refused("with an integral float", self._body(n_epochs=1.0))
        self._send("read an unknown job", "GET", f"{JOBS}/{NO_JOB}")
        self._send("cancel an unknown job", "POST", f"{JOBS}/{NO_JOB}/cancel")

    def files(self) -> None:
        """Upload small files in unusual forms, and delete each; read and delete an unknown file."""
        self._send("read an unknown file", "GET", f"{FILES}/{NO_FILE}")
        self._send("delete an unknown file", "DELETE", f"{FILES}/{NO_FILE}")
        token = self._plan.token
        self._and_delete("upload a file named .txt", f"recording-{token}.txt")
        self._and_delete("upload a text field", None)
        expiry = {"expires_after[anchor]": "created_at", "expires_after[seconds]": "3600"}
        self._and_delete("upload with an expiry", self._plan.filename, expiry)
        one_part = {"expires_after": '{"anchor": "created_at", "seconds": 3600}'}
        self._and_delete("upload with an expiry as JSON", self._plan.filename, one_part)

    def graders(self) -> None:
        """Validate graders as the guides write them, and run one that needs no model."""
        code = "def grade(sample, item):\n    return 1.0\n"
        named = {**STRING_CHECK, "name": "exact"}
        several = {"type": "multi", "graders": {"exact": named}, "calculate_output": "exact"}
        for name, grader in {
            "a string_check grader": named,
            "a string_check grader without name": STRING_CHECK,
            "a multi grader": {**several, "name": "all"},
            "a multi grader without name": several,
            "a python grader without name": {"type": "python", "source": code},
            "a grader with pass_threshold": {**named, "pass_threshold": 0.5},
            "an unknown grader": {"type": "no_such_type", "name": "unknown"},
        }.items():
            self._send(f"validate {name}", "POST", f"{GRADERS}/validate", body={"grader": grader})
        body = {"grader": named, "item": {}, "model_sample": "nine"}
        self._send("run a string_check grader", "POST", f"{GRADERS}/run", body=body)

    def addresses(self) -> None:
        """Send a wrong key and use wrong addresses."""
        self._send("list files with a wrong key", "GET", FILES, query={"limit": "1"}, key="wrong")
        self._send("use the parent of the base URL", "GET", JOBS, query={"limit": "1"}, base="parent")
        self._send("use an unknown base URL", "GET", JOBS, query={"limit": "1"}, base="nowhere")
        self._send("use an unknown path", "GET", "/no_such_path")
        if self._recorder.settings.profile.query:
            self._send("leave out the query", "GET", JOBS, query={"limit": "1"}, with_profile_query=False)

    def permissions(self) -> None:
        """Try to list permissions with the project key and, if an admin key is set, those of an unknown model."""
        path = permissions_path(NO_CHECKPOINT)
        self._send("list permissions with the project key", "GET", path)
        if self._plan.admin:
            self._send("list permissions of an unknown model", "GET", path, key="admin")

    def train(self) -> None:
        """Train a job to its end, read its results, create and revoke a permission, and delete the model."""
        job_id = self._create("create a job to train", self._body())
        if job_id is None:
            return
        path = f"{JOBS}/{job_id}"
        done = FINISHED_JOB.__contains__
        job = self._recorder.poll(
            "train", path, done, seconds=self._training_seconds, interval=TRAINING_INTERVAL
        )
        model = job.body.get("fine_tuned_model") if isinstance(job.body, dict) else None
        events = self._send("list the trained job's events", "GET", f"{path}/events", query={"limit": "5"})
        if ids := _ids(events):
            next_page = {"limit": "5", "after": ids[-1]}
            self._send("list the trained job's next events", "GET", f"{path}/events", query=next_page)
        self._checkpoints(self._send("list the job's checkpoints", "GET", f"{path}/checkpoints"))
        for result in (job.body.get("result_files") or [] if isinstance(job.body, dict) else [])[:1]:
            self._recorder.created.files.add(result)
            self._send("read the result file", "GET", f"{FILES}/{result}")
            self._send("read the result file's content", "GET", f"{FILES}/{result}/content")
            self._send("delete the result file", "DELETE", f"{FILES}/{result}")
        if isinstance(model, str):
            self._use(model)

    def delete_file(self) -> None:
        """Delete the training file, and try to read and delete it again."""
        path = f"{FILES}/{self._file}"
        self._send("delete the training file", "DELETE", path)
        self._send("read the deleted file", "GET", path)
        self._send("delete the deleted file", "DELETE", path)

    def _use(self, model: str) -> None:
        self._recorder.created.models.add(model)
        self._send("read the trained model", "GET", f"{MODELS}/{model}")
        if self._plan.options["grants"]:
            self._grant(model)
        self._send("delete the trained model", "DELETE", f"{MODELS}/{model}")
        self._send("read the deleted model", "GET", f"{MODELS}/{model}")

    def _grant(self, model: str) -> None:
        path, body = permissions_path(model), {"project_ids": [self._plan.project]}
        granted = _ids(self._send("create a permission", "POST", path, body=body, key="admin"))
        self._recorder.created.permissions |= dict.fromkeys(granted, model)
        self._send("list permissions", "GET", path, key="admin")
        for permission in granted:
            self._send("revoke the permission", "DELETE", f"{path}/{permission}", key="admin")
        self._send("list permissions after the revocation", "GET", path, key="admin")

    def _checkpoints(self, response: Response) -> None:
        data = response.body.get("data") if isinstance(response.body, dict) else None
        names = [item.get("fine_tuned_model_checkpoint") for item in data or [] if isinstance(item, dict)]
        self._recorder.created.models.update(name for name in names if isinstance(name, str))

    def _body(self, **hyperparameters: Any) -> dict[str, Any]:
        return {
            "model": self._plan.model,
            "training_file": self._file,
            **({"suffix": "recording"} if self._recorder.settings.profile.supports("suffix") else {}),
            "seed": 7,
            "metadata": {"recording": self._plan.token},
            "method": {
                "type": "supervised",
                "supervised": {"hyperparameters": {"n_epochs": 1, **hyperparameters}},
            },
            **self._plan.extra_body,
        }

    def _create(self, step: str, body: dict[str, Any]) -> str | None:
        response = self._send(step, "POST", JOBS, body=body)
        job = _id(response) if response.is_success else None
        if job is not None:
            self._recorder.created.jobs.add(job)
        return job

    def _refused(self, how: str, body: dict[str, Any]) -> None:
        if (job := self._create(f"create a job {how}", body)) is not None:
            self._send(f"cancel the job {how}", "POST", f"{JOBS}/{job}/cancel")

    def _upload(self, step: str, filename: str | None, fields: dict[str, str] | None = None) -> str:
        form = Form({"purpose": "fine-tune", **(fields or {})}, filename, training_data())
        response = self._send(step, "POST", FILES, form=form)
        file = _id(response) if response.is_success else None
        if file is not None:
            self._recorder.created.files.add(file)
        return file or NO_FILE

    def _and_delete(self, step: str, filename: str | None, fields: dict[str, str] | None = None) -> None:
        file = self._upload(step, filename, fields)
        if file != NO_FILE:
            self._send(f"{step}: delete it", "DELETE", f"{FILES}/{file}")


def _id(response: Response) -> str | None:
    found = response.body.get("id") if isinstance(response.body, dict) else None
    return found if isinstance(found, str) else None


def _ids(response: Response) -> list[str]:
    data = response.body.get("data") if isinstance(response.body, dict) else None
    found = [item.get("id") for item in data or [] if isinstance(item, dict)]
    return [name for name in found if isinstance(name, str)]
