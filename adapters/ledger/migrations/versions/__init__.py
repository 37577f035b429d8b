"""One step per file, in order of number."""
