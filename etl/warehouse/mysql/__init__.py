"""MySQL and MariaDB as the warehouse: mysql-connector, LOAD DATA, and ``sql/warehouse/mysql``."""
