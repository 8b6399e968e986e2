"""Google Compute Engine as a cloud."""
