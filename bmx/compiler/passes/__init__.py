"""The compiler's passes, one file each; `bmx.compiler.pipeline` is the ordered list.

A pass takes a verified graph and returns a new one with the same meaning; it never changes a value that
anything else reads.
"""
