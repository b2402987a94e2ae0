"""Settings and profiles, folders, endpoints and keys, prices: what a user decided before the program runs."""
