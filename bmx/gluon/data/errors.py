"""What is raised when a data set is not there or not what it should be."""

from __future__ import annotations


class DatasetError(RuntimeError):
    """A data set's files are missing or damaged, or cannot be fetched; the message says what to do."""
