"""The worker: one contract for both databases, its command, the clock it goes by."""
