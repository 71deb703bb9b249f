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
GRANT SELECT, DELETE ON outbox_facts TO watchword_radius;
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
GRANT SELECT, UPDATE, DELETE ON token_facts TO watchword_operator;
GRANT SELECT, DELETE ON sent_code_facts TO watchword_operator;
GRANT SELECT, DELETE ON outbox_facts TO watchword_operator;
GRANT SELECT, INSERT ON audit TO watchword_operator;
GRANT SELECT, INSERT, UPDATE ON audit_heads TO watchword_operator;
GRANT SELECT ON alembic_version TO watchword_operator;
GRANT SELECT, INSERT, UPDATE, DELETE ON announcements TO watchword_operator;
GRANT SELECT, INSERT, UPDATE, DELETE ON api_keys TO watchword_operator;
GRANT SELECT, INSERT, UPDATE, DELETE ON counted_chains TO watchword_operator;
GRANT SELECT, INSERT, UPDATE, DELETE ON day_counts TO watchword_operator;
GRANT SELECT, INSERT, UPDATE, DELETE ON day_people TO watchword_operator;
GRANT SELECT, INSERT, UPDATE, DELETE ON pairing_days TO watchword_operator;

-- The portal. It can write a pairing, and never read a seed back, nor what was texted: those tables it can only add to,
-- and sees and changes them through views that leave out what is sealed. (To grant it some columns of the tables would
-- not do: MariaDB hands out whole rows by HANDLER to whoever may read one column.) What needs a seed it asks the keeper.
CREATE USER IF NOT EXISTS watchword_portal IDENTIFIED BY 'change me: portal';
GRANT SELECT, INSERT (name) ON accounts TO watchword_portal;
GRANT UPDATE (failures, locked_until, held) ON accounts TO watchword_portal;
GRANT INSERT ON tokens TO watchword_portal;
GRANT SELECT, DELETE ON token_facts TO watchword_portal;
GRANT UPDATE (label, `rank`, enabled) ON token_facts TO watchword_portal;
GRANT SELECT, DELETE ON sent_code_facts TO watchword_portal;
GRANT INSERT ON outbox TO watchword_portal;
GRANT SELECT, DELETE ON outbox_facts TO watchword_portal;
-- It reads the whole audit log, and adds to chains of portals alone: the view takes no other.
GRANT SELECT ON audit TO watchword_portal;
GRANT SELECT ON audit_heads TO watchword_portal;
GRANT INSERT ON audit_by_portal TO watchword_portal;
GRANT SELECT, INSERT, UPDATE (sequence, mac) ON audit_heads_by_portal TO watchword_portal;
GRANT SELECT ON alembic_version TO watchword_portal;
-- Its own tables.
GRANT SELECT, INSERT, UPDATE, DELETE ON sessions TO watchword_portal;
GRANT SELECT, INSERT, UPDATE, DELETE ON throttles TO watchword_portal;
GRANT SELECT, INSERT, UPDATE, DELETE ON counted_chains TO watchword_portal;
GRANT SELECT, INSERT, UPDATE, DELETE ON day_counts TO watchword_portal;
GRANT SELECT, INSERT, UPDATE, DELETE ON day_people TO watchword_portal;
GRANT SELECT, INSERT, UPDATE, DELETE ON pairing_days TO watchword_portal;
GRANT SELECT, INSERT, UPDATE, DELETE ON api_keys TO watchword_portal;
GRANT SELECT, INSERT, UPDATE, DELETE ON used_once TO watchword_portal;
GRANT SELECT, INSERT, UPDATE, DELETE ON api_answers TO watchword_portal;
GRANT SELECT, INSERT, UPDATE, DELETE ON flows TO watchword_portal;
GRANT SELECT, INSERT, UPDATE, DELETE ON mails TO watchword_portal;
GRANT SELECT, INSERT, UPDATE, DELETE ON mail_links TO watchword_portal;
GRANT SELECT, INSERT, UPDATE, DELETE ON announcements TO watchword_portal;
GRANT SELECT, INSERT, UPDATE, DELETE ON seed_imports TO watchword_portal;
GRANT SELECT, INSERT, UPDATE, DELETE ON staged_seeds TO watchword_portal;

-- The keeper, which opens seeds for the portal. It adds no token, takes none away, and reads no old event.
CREATE USER IF NOT EXISTS watchword_keeper IDENTIFIED BY 'change me: keeper';
GRANT SELECT, INSERT (name) ON accounts TO watchword_keeper;
GRANT UPDATE (failures, locked_until, held) ON accounts TO watchword_keeper;
GRANT SELECT ON tokens TO watchword_keeper;
GRANT UPDATE (account_id, sealed_secret, last_step, drift_steps, base_drift_steps, last_used_at)
    ON tokens TO watchword_keeper;
GRANT SELECT, INSERT, DELETE ON sent_codes TO watchword_keeper;
GRANT INSERT ON outbox TO watchword_keeper;
GRANT SELECT, UPDATE (`rank`) ON token_facts TO watchword_keeper;
GRANT INSERT ON audit_by_keeper TO watchword_keeper;
GRANT SELECT, INSERT, UPDATE (sequence, mac) ON audit_heads_by_keeper TO watchword_keeper;
GRANT SELECT, INSERT, UPDATE ON announcements TO watchword_keeper;
GRANT SELECT ON alembic_version TO watchword_keeper;
