"""Time limits that operations and the help of the command line share."""

FILE_PROCESSING_SECONDS = 1800.0
"""Maximum number of seconds to wait until a service has processed a file."""
