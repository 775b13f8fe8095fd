"""What a report of a long season takes."""
