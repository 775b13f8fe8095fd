"""Alerts on their way to people: kept in a file for each destination first, then sent through Apprise, in order."""
