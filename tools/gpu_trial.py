"""Try training on a machine with a GPU and its own torch, which may reach no package index.

`pack` collects the missing packages as wheels, on a machine with a package index. `run` installs them beside the torch of
its Python, trains the tiny model through `openai-ft serve` on the GPU and on the CPU, compares the losses, and then trains
a model with a billion random weights on the GPU. It prints figures and takes less than eight minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(
    str(ROOT / "tools" / "pulumi")
)  # the folder of modules that tools share, which run as scripts too

from problem import ProblemError, exit_code  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

REQUIREMENTS = ROOT / "requirements-train.txt"
MAX_WHEEL_BYTES = 64 * 2**20
SECONDS = 450
"""Longest time of a trial by default."""
TOO_SLOW = "the trial took too long and was stopped: allow more with --seconds"
PLATFORMS = ("manylinux1", "manylinux2014", *(f"manylinux_2_{minor}" for minor in (17, 24, 27, 28, 31, 34)))

# Large packages come with a machine's torch. The others serve the client side, tests, and Weights & Biases.
NOT_PACKED = re.compile(
    r"torch|triton|nvidia-.*|cuda-.*|numpy|pandas|pyarrow|sympy|mpmath|networkx"
    r"|pulumi.*|grpcio|debugpy|protobuf|semver|toktok-rs|opentelemetry-.*|googleapis-.*|wandb"
    r"|openai|jiter|pytest.*|hypothesis|sortedcontainers|iniconfig|pluggy|execnet|gguf|cwevals"
)

COMMAND = "import sys; from pulumi_openai_ft.cli.main import main; sys.exit(main())"
LARGE_MODEL = """\
import sys, torch
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM
tiny, folder = sys.argv[1:]
tokenizer = AutoTokenizer.from_pretrained(tiny)
config = LlamaConfig(
    vocab_size=len(tokenizer), hidden_size=2048, intermediate_size=8192, num_hidden_layers=16, num_attention_heads=32,
    num_key_value_heads=8, max_position_embeddings=1024, tie_word_embeddings=True, bos_token_id=None,
    eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id,
)
torch.set_default_dtype(torch.bfloat16)
with torch.device("cuda"):
    LlamaForCausalLM(config).save_pretrained(folder)
tokenizer.save_pretrained(folder)
"""
CAPITALS = {"France": "Paris", "Japan": "Tokyo", "Peru": "Lima", "Kenya": "Nairobi", "Cuba": "Havana"}
ROWS = [
    {
        "messages": [
            {"role": "user", "content": f"What is the capital of {country}?"},
            {"role": "assistant", "content": f"The capital is {capital}."},
        ]
    }
    for country, capital in CAPITALS.items()
] * 4


def packed() -> list[str]:
    """Return the pinned requirements that travel as wheels."""
    lines = [line.partition(" ;")[0] for line in REQUIREMENTS.read_text("utf-8").splitlines()]
    pins = [line for line in lines if "==" in line]
    return [pin for pin in pins if not NOT_PACKED.fullmatch(pin.partition("==")[0])]


def pack(wheels: Path, python: str) -> None:
    """Collect the wheels for a Python version on Linux with x86-64.

    Raises:
        ProblemError: The package index has no wheel of a package, or all of them are too large.
    """
    wheels.mkdir(parents=True, exist_ok=True)
    target = ["--only-binary=:all:", "--implementation", "cp", "--python-version", python]
    target += [f"--platform={platform}_x86_64" for platform in PLATFORMS]
    _pip("download", "--dest", wheels, *target, *packed())
    _pip("wheel", "--wheel-dir", wheels, ROOT)
    size = sum(wheel.stat().st_size for wheel in wheels.glob("*.whl"))
    if size > MAX_WHEEL_BYTES:
        raise ProblemError(
            f"the wheels in {wheels} have {size / 2**20:.0f} MiB, but at most 64 MiB travel: extend NOT_PACKED"
        )
    print(f"{len(list(wheels.glob('*.whl')))} wheels with {size / 2**20:.0f} MiB in {wheels}")


def _pip(command: str, *arguments: str | Path) -> None:
    pip: list[str | Path] = [sys.executable, "-m", "pip", command, "--quiet", "--no-deps", *arguments]
    if subprocess.run(pip, check=False, stdout=sys.stderr).returncode:
        raise ProblemError(f"pip {command} failed; see its message above")


@dataclass(frozen=True)
class Figures:
    """Measurements of a training run.

    Attributes:
        seconds: Time from the request to the end of the job.
        losses: Loss of each step.
        steps_seconds: Time between the first and the last step.
        trained_tokens: Number of trained tokens.
        gpu_mebibytes: Additional GPU memory in use, at most. 0 without a GPU.
    """

    seconds: float
    losses: list[float]
    steps_seconds: float
    trained_tokens: int
    gpu_mebibytes: int

    def __str__(self) -> str:
        pace = len(self.losses) / self.steps_seconds if self.steps_seconds else float("nan")
        return (
            f"{self.seconds:.1f} s from request to model; {len(self.losses)} steps, {pace:.1f} steps/s; "
            f"{self.trained_tokens} tokens; loss {self.losses[0]:.3f} → {self.losses[-1]:.3f}; "
            f"{self.gpu_mebibytes} MiB of GPU memory"
        )


@dataclass(frozen=True)
class Trial:
    """A trial in a folder, with the environment of its processes and its end, as a time of the monotonic clock."""

    folder: Path
    environment: Mapping[str, str]
    end: float

    def remaining(self) -> float:
        """Return the remaining seconds.

        Raises:
            ProblemError: The time is over.
        """
        remaining = self.end - time.monotonic()
        if remaining <= 0:
            raise ProblemError(TOO_SLOW)
        return remaining

    def python(self, *arguments: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run this Python with the packages of the trial."""
        try:
            done = subprocess.run(
                [sys.executable, *arguments],
                env=self.environment,
                text=True,
                check=False,
                timeout=self.remaining(),
                **options,
            )
        except subprocess.TimeoutExpired:
            raise ProblemError(TOO_SLOW) from None
        if done.returncode:
            raise ProblemError(f"a command of the trial ended with {done.returncode}; see its message above")
        return done

    def train(self, name: str, model: Path, hyperparameters: dict[str, Any], *, gpu: bool) -> Figures:
        """Train a model through a separate service, and ask the result a question."""
        place = self.folder / name
        key = self._write_config(place, model)
        with self._serving(place, key, gpu=gpu) as request:
            before = gpu_mebibytes() if gpu else 0
            started = time.monotonic()
            job, most = self._job(request, hyperparameters, gpu=gpu)
            seconds = time.monotonic() - started
            events = request("GET", f"/fine_tuning/jobs/{job['id']}/events?limit=100")["data"]
            metrics = [event for event in events if event["type"] == "metrics"][::-1]
            self._ask(request, job["fine_tuned_model"])
        return Figures(
            seconds=seconds,
            losses=[event["data"]["train_loss"] for event in metrics],
            steps_seconds=step_seconds(place / "data" / "jobs" / job["id"] / "metrics.jsonl"),
            trained_tokens=job["trained_tokens"],
            gpu_mebibytes=most - before if gpu else 0,
        )

    def _write_config(self, place: Path, model: Path) -> str:
        import tomlkit  # noqa: PLC0415 - is in the wheels

        place.mkdir()
        config = place / "serve.toml"
        init: list[str | Path] = [
            "-c",
            COMMAND,
            "serve",
            "init",
            "--config",
            config,
            "--model",
            model,
            "--id",
            "trial",
        ]
        printed = self.python(*init, stdout=subprocess.PIPE).stdout
        settings = tomlkit.parse(config.read_text("utf-8"))
        settings["base"][0].update({"learning_rate": 1e-3, "max_length": 512})
        settings["training"]["python"] = sys.executable
        config.write_text(tomlkit.dumps(settings), "utf-8")
        key = re.search(r"sk-proj-\S+", printed)
        assert key is not None
        return key[0]

    @contextmanager
    def _serving(self, place: Path, key: str, *, gpu: bool) -> Iterator[Callable[..., Any]]:
        environment = {**self.environment, **({} if gpu else {"CUDA_VISIBLE_DEVICES": ""})}
        command: list[str | Path] = ["-c", COMMAND, "serve", "--config", place / "serve.toml", "--port", "0"]
        with (place / "log").open("w") as log:
            process = subprocess.Popen(
                [sys.executable, *command], env=environment, stdout=subprocess.PIPE, stderr=log, text=True
            )
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            if not url:
                raise ProblemError(f"the service did not start: {(place / 'log').read_text()[-500:]}")
            yield _requests(url, key)
        finally:
            process.terminate()
            process.wait()
            kill_trainers(place)

    def _job(
        self, request: Callable[..., Any], hyperparameters: dict[str, Any], *, gpu: bool
    ) -> tuple[dict[str, Any], int]:
        content = "".join(f"{json.dumps(row)}\n" for row in ROWS).encode()
        file = request(
            "POST", "/files", files={"file": ("rows.jsonl", content)}, data={"purpose": "fine-tune"}
        )
        method = {"type": "supervised", "supervised": {"hyperparameters": hyperparameters}}
        order = {"model": "trial", "training_file": file["id"], "seed": 7, "method": method}
        job, most = request("POST", "/fine_tuning/jobs", json=order), 0
        while job["finished_at"] is None:
            time.sleep(min(0.5, self.remaining()))
            most = max(most, gpu_mebibytes() if gpu else 0)
            job = request("GET", f"/fine_tuning/jobs/{job['id']}")
        if job["status"] != "succeeded":
            raise ProblemError(f"the job ended as {job['status']}: {job['error']}")
        return job, most

    def _ask(self, request: Callable[..., Any], model: str) -> None:
        messages = [{"role": "user", "content": "What is the capital of Peru?"}]
        started = time.monotonic()
        order = {"model": model, "messages": messages, "max_tokens": 32, "temperature": 0}
        answer = request("POST", "/chat/completions", json=order, timeout=self.remaining())
        text = answer["choices"][0]["message"]["content"]
        print(f"  first response after {time.monotonic() - started:.1f} s: {text!r}", flush=True)


def _requests(url: str, key: str) -> Callable[..., Any]:
    import httpx  # noqa: PLC0415 - is in the wheels

    def request(method: str, path: str, **options: Any) -> Any:
        headers = {"Authorization": f"Bearer {key}"}
        response = httpx.request(method, url + path, headers=headers, **{"timeout": 60, **options})
        if response.is_error:
            raise ProblemError(f"{method} {path} returned {response.status_code}: {response.text[:500]}")
        return response.json()

    return request


def kill_trainers(place: Path) -> None:
    """Kill the trainers of a service, which survive it."""
    from pulumi_openai_ft.serve.job_folder import JobFolder  # noqa: PLC0415 - is in the wheels

    for job in place.glob("data/jobs/*"):
        trainer = JobFolder(job).process()
        if trainer is not None and trainer.is_running():
            with suppress(ProcessLookupError):
                os.kill(trainer.pid, signal.SIGKILL)


def step_seconds(metrics: Path) -> float:
    """Return the time between the first and the last step of a run."""
    times = [json.loads(line)["at"] for line in metrics.read_text("utf-8").splitlines()]
    return float(times[-1] - times[0])


def gpu_mebibytes() -> int:
    """Return the memory in use on the first GPU."""
    query = ["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits", "--id=0"]
    return int(subprocess.run(query, capture_output=True, text=True, check=True).stdout)


def gpu_name() -> str | None:
    """Return the name of the GPU that torch finds, or None."""
    import torch  # noqa: PLC0415 - a machine without torch reports a sentence instead

    return torch.cuda.get_device_name(0) if torch.cuda.is_available() else None


def run(wheels: Path, seconds: float) -> None:
    """Run the trial for some seconds at most, and print its figures.

    Raises:
        ProblemError: A step failed, or the time was not enough.
    """
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="gpu-trial-") as temporary:
        site = Path(temporary) / "site"
        _install(wheels, site)
        sys.path.insert(0, str(site))
        environment = {**os.environ, "PYTHONPATH": str(site), "OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1"}
        measure(Trial(Path(temporary), environment, started + seconds))
    print(f"the trial took {time.monotonic() - started:.0f} s")


def _install(wheels: Path, site: Path) -> None:
    found = sorted(wheels.glob("*.whl"))
    if not found:
        raise ProblemError(
            f"{wheels} contains no wheels: run `gpu_trial.py pack {wheels}` on a machine with pip"
        )
    _pip("install", "--no-index", "--no-compile", "--target", site, *found)


def measure(trial: Trial) -> None:
    """Train on the GPU, if there is one, and on the CPU, and compare the losses."""
    tiny = trial.folder / "tiny"
    trial.python(ROOT / "tools" / "base_models.py", "tiny", tiny, stdout=subprocess.DEVNULL)
    hyperparameters = {"n_epochs": 10, "batch_size": 4}
    gpu = gpu_name()
    print(f"GPU: {gpu or 'none; only the CPU is tried'}", flush=True)
    cpu = trial.train("cpu", tiny, hyperparameters, gpu=False)
    print(f"tiny model, CPU: {cpu}", flush=True)
    if gpu is None:
        return
    on_gpu = trial.train("gpu", tiny, hyperparameters, gpu=True)
    if on_gpu.gpu_mebibytes <= 0:
        raise ProblemError("the training run used no GPU memory, although torch finds a GPU")
    print(f"tiny model, GPU: {on_gpu}")
    difference = max(abs(a - b) for a, b in zip(cpu.losses, on_gpu.losses, strict=True))
    print(
        f"largest difference of a loss between the GPU (bf16) and the CPU (fp32): {difference:.4f}",
        flush=True,
    )
    large = trial.folder / "large"
    trial.python("-c", LARGE_MODEL, tiny, large)
    figures = trial.train("large", large, {"n_epochs": 10, "batch_size": 16}, gpu=True)
    print(f"model with 10⁹ random weights, GPU: {figures}")


def main() -> int:
    """Run a command, and return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, about in (("pack", "collect the wheels"), ("run", "train, and print figures")):
        commands.add_parser(name, help=about).add_argument("wheels", type=Path, help="folder with the wheels")
    commands.choices["pack"].add_argument("--python", default="3.12", help="version of the machine's Python")
    commands.choices["run"].add_argument("--seconds", type=float, default=SECONDS, help="longest time")
    arguments = parser.parse_args()

    def act() -> int:
        if arguments.command == "pack":
            pack(arguments.wheels, arguments.python)
        else:
            run(arguments.wheels, arguments.seconds)
        return 0

    code: int = exit_code("GPU trial", act)
    return code


if __name__ == "__main__":
    sys.exit(main())
