-- Least privilege in MariaDB: what each part of Watchword may do, and no more. Run as the database's administrator,
-- after `watchword init`, with a password of your own in each line:
--   mariadb watchword < conf/mariadb/grants.sql
-- The audit log can be added to by all, and changed or cut by nobody but the owner of the schema.

-- The RADIUS servers. They spend codes and write down what happened; they add no token and read no old event.
CREATE USER IF NOT EXISTS watchword_radius IDENTIFIED BY 'change me: radius';
GRANT SELECT ON accounts TO watchword_radius;
GRANT UPDATE (failures, locked_until, held) ON accounts TO watchword_radius;
GRANT SELECT ON tokens TO watchword_radius;
GRANT UPDATE (last_step, drift_steps, last_used_at) ON tokens TO watchword_radius;
GRANT SELECT, INSERT, DELETE ON sent_codes TO watchword_radius;
GRANT SELECT, INSERT, UPDATE, DELETE ON outbox TO watchword_radius;
GRANT INSERT ON audit TO watchword_radius;
GRANT SELECT, INSERT, UPDATE ON audit_heads TO watchword_radius;
-- For `watchword doctor`, which reads the same file as the daemon.
GRANT SELECT ON alembic_version TO watchword_radius;

-- The command line of operators (a watchword.toml of its own, for root only, with this user in database.url).
CREATE USER IF NOT EXISTS watchword_operator IDENTIFIED BY 'change me: operator';
GRANT SELECT, INSERT, UPDATE ON accounts TO watchword_operator;
GRANT SELECT, INSERT, UPDATE, DELETE ON tokens TO watchword_operator;
GRANT SELECT, INSERT, DELETE ON sent_codes TO watchword_operator;
GRANT SELECT, INSERT, UPDATE, DELETE ON outbox TO watchword_operator;
GRANT SELECT, INSERT ON audit TO watchword_operator;
GRANT SELECT, INSERT, UPDATE ON audit_heads TO watchword_operator;
GRANT SELECT ON alembic_version TO watchword_operator;
