"""Proofs over the log: Merkle trees, signed checkpoints and receipts. Pure; needs nothing else of the engine.

`docs/proofs.md` gives every format to the byte.
"""
