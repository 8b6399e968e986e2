"""Stacks by Pulumi's Automation API: the only place that imports ``pulumi.automation``."""
