"""How Google is called and what its answers mean, below the client that everything else uses."""
