"""Ratios against peers; `python -m benchmarks` prints the table and writes results.md."""
