"""Properties held over generated policies, subjects and casework."""
