"""What the architectures share, and how they are found by others: trained parameters, GluonCV's names."""
