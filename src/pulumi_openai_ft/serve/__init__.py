"""The service that trains and serves open-weight models on your own machine: `openai-ft serve`."""
