"""Binary layers that train in MXNet Gluon.

Importing this package prepares MXNet: it restores the NumPy names that MXNet 1.9.1 needs (so import it before
``mxnet`` on NumPy 1.24 and newer), loads the C++ operators ``QActivation``, ``QConvolution`` and
``QFullyConnected`` where this install holds them, and readies ``net.optimize_for(x, backend="bmx")``.
"""

from bmx.gluon import compatibility, library, optimize_for

compatibility.import_mxnet()
library.load()
optimize_for.install()

# They need MXNet prepared. The optimizers register their names.
from bmx.gluon import optimizer
from bmx.gluon.surgery import Report, binarize, export_float

__all__ = ["Report", "binarize", "export_float", "optimizer"]
