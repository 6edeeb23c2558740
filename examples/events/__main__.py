"""Read the events of a job: its progress, warnings and metrics."""

import pulumi

import pulumi_openai_ft as openai_ft

training = openai_ft.File("training", file="../data/customer_support.jsonl")
job = openai_ft.FineTuningJob("observed", model="gpt-4o-mini-2024-07-18", training_file=training, seed=7)

latest = openai_ft.get_fine_tuning_events_output(job.id, limit=50)
warnings = openai_ft.get_fine_tuning_events_output(job.id, level="warning")
story = openai_ft.get_fine_tuning_events_output(job.id, type="message", order="oldest", limit=4)
metrics = openai_ft.get_fine_tuning_events_output(job.id, type="metrics", limit=1)

pulumi.export("event_count", latest.apply(lambda result: len(result.events)))
pulumi.export("latest_event_message", latest.apply(lambda result: result.events[0].message))
pulumi.export("warning_count", warnings.apply(lambda result: len(result.events)))
pulumi.export("story", story.apply(lambda result: [event.message for event in result.events]))
pulumi.export("last_step", metrics.apply(lambda result: result.events[0].data))
