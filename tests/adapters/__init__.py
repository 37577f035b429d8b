"""Contract tests of everything that touches the outside; those that ask for `engine` run on both databases."""
