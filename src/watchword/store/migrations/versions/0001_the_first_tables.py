"""The first tables.

The types are written out here, not taken from schema.py: a step must not change when the schema does.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


_ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _exact_text(length: int) -> sa.types.TypeEngine[str]:
    exact = mysql.VARCHAR(length, charset="utf8mb4", collation="utf8mb4_nopad_bin")
    return sa.String(length).with_variant(exact, "mysql", "mariadb")


def _octets(length: int) -> sa.types.TypeEngine[bytes]:
    return sa.LargeBinary(length).with_variant(mysql.VARBINARY(length), "mysql", "mariadb")


def upgrade() -> None:
    """Make the change."""
    op.create_table(
        "accounts",
        sa.Column("id", _ROW_NUMBER, autoincrement=True, nullable=False),
        sa.Column("name", _exact_text(128), nullable=False),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("locked_until", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("held", sa.Boolean(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
        sa.UniqueConstraint("name", name=op.f("uq_accounts_name")),
        mysql_engine="InnoDB",
    )
    op.create_table(
        "audit",
        sa.Column("id", _ROW_NUMBER, autoincrement=True, nullable=False),
        sa.Column("writer", _exact_text(64), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("at_milliseconds", sa.BigInteger(), nullable=False),
        sa.Column("kind", _exact_text(24), nullable=False),
        sa.Column("result", _exact_text(16), nullable=False),
        sa.Column("account", _exact_text(128), nullable=False),
        sa.Column("serial", _exact_text(64), nullable=False),
        sa.Column("address", _exact_text(64), nullable=False),
        sa.Column("node", _exact_text(128), nullable=False),
        sa.Column("reason", _exact_text(64), nullable=False),
        sa.Column("actor", _exact_text(128), nullable=False),
        sa.Column("detail", _exact_text(512), nullable=False),
        sa.Column("key_id", _exact_text(16), nullable=False),
        sa.Column("mac", _octets(32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
        sa.UniqueConstraint("writer", "sequence", name=op.f("uq_audit_writer_sequence")),
        mysql_engine="InnoDB",
    )
    op.create_index("ix_audit_account_id", "audit", ["account", "id"], unique=False)
    op.create_table(
        "audit_heads",
        sa.Column("writer", _exact_text(64), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("mac", _octets(32), nullable=False),
        sa.PrimaryKeyConstraint("writer", name=op.f("pk_audit_heads")),
        mysql_engine="InnoDB",
    )
    op.create_table(
        "outbox",
        sa.Column("issue", _exact_text(32), nullable=False),
        sa.Column("serial", _exact_text(64), nullable=False),
        sa.Column("account", _exact_text(128), nullable=False),
        sa.Column("sealed_phone", _octets(128), nullable=False),
        sa.Column("sealed_text", _octets(1024), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("issue", name=op.f("pk_outbox")),
        mysql_engine="InnoDB",
    )
    op.create_index("ix_outbox_due_at", "outbox", ["due_at"], unique=False)
    op.create_table(
        "tokens",
        sa.Column("serial", _exact_text(64), nullable=False),
        sa.Column("account_id", _ROW_NUMBER, nullable=True),
        sa.Column("kind", _exact_text(16), nullable=False),
        sa.Column("label", _exact_text(60), server_default="", nullable=False),
        sa.Column("rank", sa.Integer(), server_default="0", nullable=False),
        sa.Column("enabled", sa.Boolean(), server_default="1", nullable=False),
        sa.Column("sealed_secret", _octets(512), nullable=False),
        sa.Column("algorithm", _exact_text(16), server_default="sha1", nullable=False),
        sa.Column("digits", sa.Integer(), server_default="6", nullable=False),
        sa.Column("period_seconds", sa.Integer(), server_default="30", nullable=False),
        sa.Column("last_step", sa.BigInteger(), server_default="-1", nullable=False),
        sa.Column("drift_steps", sa.Integer(), server_default="0", nullable=False),
        sa.Column("base_drift_steps", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("last_used_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_tokens_account_id")),
        sa.PrimaryKeyConstraint("serial", name=op.f("pk_tokens")),
        mysql_engine="InnoDB",
    )
    op.create_index(op.f("ix_tokens_account_id"), "tokens", ["account_id"], unique=False)
    op.create_table(
        "sent_codes",
        sa.Column("serial", _exact_text(64), nullable=False),
        sa.Column("issue", _exact_text(32), nullable=False),
        sa.Column("sealed_code", _octets(128), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["serial"], ["tokens.serial"], name=op.f("fk_sent_codes_serial"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("serial", name=op.f("pk_sent_codes")),
        mysql_engine="InnoDB",
    )


def downgrade() -> None:
    """Take it back."""
    op.drop_table("sent_codes")
    op.drop_index(op.f("ix_tokens_account_id"), table_name="tokens")
    op.drop_table("tokens")
    op.drop_index("ix_outbox_due_at", table_name="outbox")
    op.drop_table("outbox")
    op.drop_table("audit_heads")
    op.drop_index("ix_audit_account_id", table_name="audit")
    op.drop_table("audit")
    op.drop_table("accounts")
