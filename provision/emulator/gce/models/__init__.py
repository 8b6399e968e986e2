"""The state of each kind of resource that has one of its own, and its transitions."""
