"""The archive, and the verifier that stands alone."""
