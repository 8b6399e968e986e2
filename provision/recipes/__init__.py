"""What is done to a cluster, and the steps it is made of."""
