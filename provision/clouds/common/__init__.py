"""What every cloud does alike: calls, kinds of resources, a stack for each cluster, settings, offers."""
