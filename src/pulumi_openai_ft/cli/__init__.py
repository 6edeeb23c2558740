"""What the command `openai-ft` does beside serving the emulator: `init` and `doctor`."""
