"""One folder or file per outside thing; foreign names and exceptions stop here."""
