"""Differential testing: scenarios that nobody wrote, played against the official JavaScript transport and ours."""
