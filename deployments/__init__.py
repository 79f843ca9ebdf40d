"""Where the flows run: a local Prefect server, a work pool, a worker, and what ``prefect.yaml`` deploys."""
