"""Download of a base model from a hub, in a separate process: `python -m pulumi_openai_ft.trainer.download`.

The files arrive in a folder below `--folder` that is named after the revision's commit. A later process continues a
download that was interrupted. The process ends with its input. It writes a JSON object to each line of stdout:

    ← {"event": "plan", "total": bytes of all files, "missing": bytes that are not downloaded yet}
    ← {"event": "configured", "folder": "…"}, once all files but the weights are there
    ← {"event": "progress", "missing": …}, every few seconds
    ← {"event": "done", "folder": "…", "commit": "…"}, or {"event": "error", "message": "a clause for people"}

HF_ENDPOINT selects another hub, and HF_TOKEN is the token of an account.
"""
