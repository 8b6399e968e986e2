"""What an account has, offers and charges, against what a plan takes: read first, then judged purely."""
