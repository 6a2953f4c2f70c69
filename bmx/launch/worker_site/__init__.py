"""A folder on the PYTHONPATH of workers; Python imports `sitecustomize` from it by itself."""
