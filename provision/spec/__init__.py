"""What is asked: a file and flags become a spec."""
