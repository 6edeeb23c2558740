"""The handlers of the endpoints, in one module per kind of object."""
