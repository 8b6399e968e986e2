"""Clouds on this machine: their REST API over loopback, with machines that really boot."""
