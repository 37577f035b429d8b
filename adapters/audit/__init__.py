"""The auditor in a box: one archive of the whole log, and a verifier that trusts neither us nor it."""
