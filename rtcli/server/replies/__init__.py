"""What the server says: engines that turn a context into pieces of a reply."""
