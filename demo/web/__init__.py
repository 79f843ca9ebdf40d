"""The shop's web analytics: a simulation of visits and conversions, and the API that tells of them."""
