"""What is asked of a run: leakage, shift, uncertainty, explanation."""
