"""Pulumi's provider protocol over plain synchronous classes: one class per kind of cloud resource."""
