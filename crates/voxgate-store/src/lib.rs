//! Rows in SQLite and Postgres: connections, transactions, migrations, queries.
