"""What providers do. Programs and states refer to them through the modules of the resources."""
