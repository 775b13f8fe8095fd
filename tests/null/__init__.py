"""What the verdict says where the truth is known: seasons of traders who are equal, and of some of whom one is better."""
