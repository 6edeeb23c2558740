# ruff: noqa: INP001 - a Pulumi program is a script
import os

if os.environ["PROVIDER"] == "pulumi_openai_ft":
    from pulumi_openai_ft import File, FineTuningJob
else:
    from no_op import File, FineTuningJob

training = File("training", file="training.jsonl")
for number in range(int(os.environ["RESOURCES"])):
    FineTuningJob(f"job-{number}", model="gpt-4.1-mini-2025-04-14", training_file=training.id, seed=number)
