"""Simulation of `openai-ft serve` with many jobs and clients, without training. See docs/self-hosting.md#how-far-one-server-goes."""
