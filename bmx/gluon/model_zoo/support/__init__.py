"""Parts that architectures share, their publications, trained parameters, and names for GluonCV."""
