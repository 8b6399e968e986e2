"""What every list can do: filter, order, pages, and partial answers. Pure."""
