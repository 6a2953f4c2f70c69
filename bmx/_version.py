"""The version of bmx, read by setup.py, CMakeLists.txt and the exporter."""

__version__ = "0.1.0"
