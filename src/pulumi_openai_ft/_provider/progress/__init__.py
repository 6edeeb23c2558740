"""What is shown of things while they last."""
