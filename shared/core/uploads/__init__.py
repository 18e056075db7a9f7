"""Files that are put into the inbox."""
