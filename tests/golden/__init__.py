"""The golden corpus: ledgers as programs of their day logged them, kept for ever; see `README.md`."""
