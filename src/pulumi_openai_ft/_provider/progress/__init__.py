"""Progress display of uploads and jobs."""
