"""One cluster at hand, or all that there are."""
