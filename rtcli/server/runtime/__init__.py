"""Sessions that run: their tasks, their clients, and the threads that the engines work in."""
