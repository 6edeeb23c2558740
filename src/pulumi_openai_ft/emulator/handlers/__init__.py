"""One module for each resource of the API; every handler parses, asks the backend and shapes the answer."""
