"""What must hold on every database: each test here runs on SQLite and on MariaDB."""
