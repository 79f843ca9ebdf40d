"""What the warehouse means: plain Python that knows neither Prefect nor Great Expectations."""
