"""Tests that boot real nodes on this machine."""
