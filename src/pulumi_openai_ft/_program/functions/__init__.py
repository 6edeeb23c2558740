"""What is behind the functions that look things up."""
