"""The tables of the portal."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# Tables without what is sealed in them, for those who may not read it (store/facts.py). With MariaDB, a view does what
# its maker may do: whoever runs `watchword init` must stay, as a user of the database.
_FACTS = (
    """CREATE VIEW token_facts AS
    SELECT serial, account_id, kind, label, `rank`, enabled, algorithm, digits, period_seconds, last_step, drift_steps,
        base_drift_steps, created_at, last_used_at
    FROM tokens""",
    "CREATE VIEW sent_code_facts AS SELECT serial, issue, sent_at, expires_at FROM sent_codes",
    "CREATE VIEW outbox_facts AS SELECT issue, serial, account, attempts, due_at, expires_at FROM outbox",
)


def _exact_text(length: int) -> sa.types.TypeEngine[str]:
    exact = mysql.VARCHAR(length, charset="utf8mb4", collation="utf8mb4_nopad_bin")
    return sa.String(length).with_variant(exact, "mysql", "mariadb")


def _octets(length: int) -> sa.types.TypeEngine[bytes]:
    return sa.LargeBinary(length).with_variant(mysql.VARBINARY(length), "mysql", "mariadb")


def upgrade() -> None:
    """Make the change."""
    op.create_table(
        "sessions",
        sa.Column("session_hash", _octets(32), nullable=False),
        sa.Column("account", _exact_text(128), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("proved_at", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("proved_by", _exact_text(64), server_default="", nullable=False),
        sa.Column("splash_put_off", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("address", _exact_text(64), nullable=False),
        sa.Column("browser", _exact_text(200), nullable=False),
        sa.PrimaryKeyConstraint("session_hash", name=op.f("pk_sessions")),
        mysql_engine="InnoDB",
    )
    op.create_index("ix_sessions_account", "sessions", ["account"])
    op.create_index("ix_sessions_seen_at", "sessions", ["seen_at"])
    op.create_table(
        "throttles",
        sa.Column("bucket_hash", _octets(32), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("bucket_hash", name=op.f("pk_throttles")),
        mysql_engine="InnoDB",
    )
    op.create_index("ix_throttles_ends_at", "throttles", ["ends_at"])
    op.create_table(
        "counted_chains",
        sa.Column("writer", _exact_text(64), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("writer", name=op.f("pk_counted_chains")),
        mysql_engine="InnoDB",
    )
    op.create_table(
        "day_counts",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("what", _exact_text(32), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("day", "what", name=op.f("pk_day_counts")),
        mysql_engine="InnoDB",
    )
    op.create_table(
        "day_people",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("factor", _exact_text(8), nullable=False),
        sa.Column("account", _exact_text(128), nullable=False),
        sa.PrimaryKeyConstraint("day", "factor", "account", name=op.f("pk_day_people")),
        mysql_engine="InnoDB",
    )
    op.create_table(
        "pairing_days",
        sa.Column("account", _exact_text(128), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("more", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("account", "day", name=op.f("pk_pairing_days")),
        mysql_engine="InnoDB",
    )
    op.create_table(
        "api_keys",
        sa.Column("key_id", _exact_text(16), nullable=False),
        sa.Column("name", _exact_text(60), nullable=False),
        sa.Column("secret_hash", _octets(32), nullable=False),
        sa.Column("sealed_digest", _octets(128), nullable=True),
        sa.Column("scopes", _exact_text(400), nullable=False),
        sa.Column("networks", _exact_text(1000), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", _exact_text(128), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.Column("last_used_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_api_keys")),
        mysql_engine="InnoDB",
    )
    op.create_table(
        "used_once",
        sa.Column("mark", _octets(32), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("mark", name=op.f("pk_used_once")),
        mysql_engine="InnoDB",
    )
    op.create_index("ix_used_once_until", "used_once", ["until"])
    op.create_table(
        "api_answers",
        sa.Column("replay_hash", _octets(32), nullable=False),
        sa.Column("request_hash", _octets(32), nullable=False),
        sa.Column("claim", _octets(16), nullable=False),
        sa.Column("claimed_at", sa.BigInteger(), nullable=False),
        sa.Column("has_written", sa.Boolean(), server_default="0", nullable=False),
        sa.Column(
            "sealed_answer",
            sa.LargeBinary(2**20).with_variant(mysql.MEDIUMBLOB(), "mysql", "mariadb"),
            nullable=True,
        ),
        sa.Column("answer_until", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("replay_hash", name=op.f("pk_api_answers")),
        mysql_engine="InnoDB",
    )
    op.create_index("ix_api_answers_until", "api_answers", ["until"])
    # On a large audit log the last of these takes a minute; logins go on meanwhile.
    op.create_index("ix_accounts_held_name", "accounts", ["held", "name"])
    op.create_index("ix_accounts_locked_until", "accounts", ["locked_until"])
    op.create_index("ix_audit_kind_result_id", "audit", ["kind", "result", "id"])
    op.create_table(
        "seed_imports",
        sa.Column("import_id", _exact_text(32), nullable=False),
        sa.Column("operator", _exact_text(128), nullable=False),
        sa.Column("file_name", _exact_text(120), nullable=False),
        sa.Column("fobs", sa.Integer(), nullable=False),
        sa.Column("staged", sa.Integer(), server_default="0", nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("import_id", name=op.f("pk_seed_imports")),
        mysql_engine="InnoDB",
    )
    op.create_index("ix_seed_imports_expires_at", "seed_imports", ["expires_at"])
    op.create_table(
        "staged_seeds",
        sa.Column("import_id", _exact_text(32), nullable=False),
        sa.Column("serial", _exact_text(64), nullable=False),
        sa.Column("sealed_secret", _octets(512), nullable=False),
        sa.Column("algorithm", _exact_text(16), nullable=False),
        sa.Column("digits", sa.Integer(), nullable=False),
        sa.Column("period_seconds", sa.Integer(), nullable=False),
        sa.Column("drift_steps", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("import_id", "serial", name=op.f("pk_staged_seeds")),
        mysql_engine="InnoDB",
    )
    _people_tables()


def _people_tables() -> None:
    op.create_table(
        "flows",
        sa.Column("account", _exact_text(128), nullable=False),
        sa.Column("name", _octets(16), nullable=False),
        sa.Column("session_hash", _octets(32), nullable=False),
        sa.Column("kind", _exact_text(16), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("shown", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("serial", _exact_text(64), server_default="", nullable=False),
        sa.Column("sealed_state", _octets(512), nullable=False),
        sa.Column("issue", _exact_text(32), server_default="", nullable=False),
        sa.Column("wrong", sa.Integer(), server_default="0", nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account", name=op.f("pk_flows")),
        mysql_engine="InnoDB",
    )
    op.create_index("ix_flows_ends_at", "flows", ["ends_at"])
    op.create_table(
        "mails",
        sa.Column("mail_id", _exact_text(32), nullable=False),
        sa.Column("account", _exact_text(128), nullable=False),
        sa.Column("sealed_letter", _octets(8192), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("mail_id", name=op.f("pk_mails")),
        mysql_engine="InnoDB",
    )
    op.create_index("ix_mails_due_at", "mails", ["due_at"])
    op.create_table(
        "mail_links",
        sa.Column("link_id", _octets(16), nullable=False),
        sa.Column("account", _exact_text(128), nullable=False),
        sa.Column("serials", _exact_text(1024), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("link_id", name=op.f("pk_mail_links")),
        mysql_engine="InnoDB",
    )
    op.create_index("ix_mail_links_account", "mail_links", ["account"])
    op.create_index("ix_mail_links_ends_at", "mail_links", ["ends_at"])
    op.create_table(
        "announcements",
        sa.Column("account", _exact_text(128), nullable=False),
        sa.Column("mark", _exact_text(16), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account", name=op.f("pk_announcements")),
        mysql_engine="InnoDB",
    )
    op.create_index("ix_announcements_due_at", "announcements", ["due_at"])
    for view in _FACTS:
        op.execute(view)


def downgrade() -> None:
    """Take it back."""
    for view in ("token_facts", "sent_code_facts", "outbox_facts"):
        op.execute(f"DROP VIEW {view}")
    for table in ("announcements", "mail_links", "mails", "flows"):
        op.drop_table(table)
    op.drop_table("staged_seeds")
    op.drop_table("seed_imports")
    op.drop_index("ix_audit_kind_result_id", table_name="audit")
    op.drop_index("ix_accounts_locked_until", table_name="accounts")
    op.drop_index("ix_accounts_held_name", table_name="accounts")
    op.drop_table("api_answers")
    op.drop_table("used_once")
    op.drop_table("api_keys")
    op.drop_table("pairing_days")
    op.drop_table("day_people")
    op.drop_table("day_counts")
    op.drop_table("counted_chains")
    op.drop_table("throttles")
    op.drop_table("sessions")
