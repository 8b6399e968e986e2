"""Pulumi programs: what a cluster is made of, one folder a cloud."""
