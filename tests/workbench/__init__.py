"""The policy workbench: proofs, differences, tests of tests, sentences."""
