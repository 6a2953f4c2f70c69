"""From the IR to the bytes of a .bmx file and back."""
