"""Binary layers that train in MXNet Gluon.

Importing this package prepares MXNet: it restores the NumPy names that MXNet 1.9.1 needs (so import it before
``mxnet`` on NumPy 1.24 and newer) and loads the C++ operators ``QActivation``, ``QConvolution`` and
``QFullyConnected`` where this install holds them.
"""

from bmx.gluon import compatibility, library

compatibility.import_mxnet()
library.load()
