"""Answers of base models and their adapters, in a separate process: `python -m pulumi_openai_ft.trainer.answers`.

The process reads a JSON object from each line of stdin, and writes one to each line of stdout. It ends with its input.

    → {"id": 1, "op": "generate", "base": "/path", "adapter": "/path" or null, "context": 2048 or null,
       "messages": […], "tools": […] or null, "max_tokens": 100, "temperature": 1.0, "top_p": 1.0, "seed": 1 or null, "stop": […]}
    ← {"id": 1, "event": "text", "text": "…"} and
    ← {"id": 1, "event": "tool_call", "name": "…", "arguments": "…"}, any number of times, and then one of these:
    ← {"id": 1, "event": "done", "finish_reason": "stop", "tool_calls" or "length", "usage": {"prompt_tokens": …, …}}
    ← {"id": 1, "event": "error", "status": 400 or 500, "message": "…", "param": "…" or null, "code": "…" or null}
    ← {"id": 1, "event": "cancelled"}

    → {"id": 2, "op": "unload", "adapter": "/path"}   ← {"id": 2, "event": "done"}
    → {"id": 3, "op": "cancel", "request": 1}         ← {"id": 3, "event": "done"}

Answers of one base model are made one after the other. A status of 400 blames the request; its message is for the client.
"""
