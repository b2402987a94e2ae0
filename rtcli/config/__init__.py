"""Settings and profiles, folders, endpoints and keys, prices: what a person decided before the program runs."""
