"""Answers to chat messages: by a process beside the server, or by a vLLM server."""
