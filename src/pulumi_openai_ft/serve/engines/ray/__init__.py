"""The engine that trains on a Ray cluster, through the REST API of Ray Jobs."""
