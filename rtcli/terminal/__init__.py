"""The writer's interface, and the writers for when no prompt is up."""
