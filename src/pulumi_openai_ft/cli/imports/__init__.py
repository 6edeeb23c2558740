"""The commands that bring existing resources into a stack: `openai-ft import`."""
