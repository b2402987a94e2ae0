"""Tools: from a user's file to schemas for the model, and from the model's call to a result in JSON."""
