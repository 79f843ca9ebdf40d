"""PostgreSQL as the warehouse: psycopg2, binary COPY and the SQL files of ``sql/warehouse/postgresql``."""
