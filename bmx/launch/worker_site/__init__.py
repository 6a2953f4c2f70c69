"""Workers find this folder on their PYTHONPATH; Python imports `sitecustomize` from it by itself."""
