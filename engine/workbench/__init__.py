"""What policy staff need before a change is in force: proofs with witnesses, differences, coverage, mutations."""
