"""Options, files and drawings that several commands share."""
