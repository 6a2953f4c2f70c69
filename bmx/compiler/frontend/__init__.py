"""From MXNet to the IR: all that knows how MXNet writes a net, and nothing else does."""
