"""Tests of what policy staff write and read."""
