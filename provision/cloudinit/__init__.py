"""Templates and users' own parts become user-data."""
