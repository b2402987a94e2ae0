"""The commands of the program, one file each; the only layer that builds objects."""
