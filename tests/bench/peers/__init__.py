"""Other tools that move rows from MariaDB to PostgreSQL, and bare limits; each in an environment of its own.

The programs of this folder run in the environments of the peers and import nothing of the project.
"""
