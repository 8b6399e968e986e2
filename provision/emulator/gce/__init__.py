"""Google Compute Engine, as its REST API shows it."""
