"""The `openai-ft` command: `new`, `init`, `doctor`, `validate`, `estimate` and `policy check`."""
