"""The pure core: policy language, analysis, decision and casework. No clock, disk, network or randomness."""
