"""Machines that are containers: systemd, cloud-init and all, in a Docker-compatible engine."""
