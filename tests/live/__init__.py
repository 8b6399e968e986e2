"""The same journeys on a real project; run only where one is named, as docs/gce.md says."""
