"""The `openai-ft` command: `init`, `doctor`, `validate`, `estimate` and `policy check`."""
