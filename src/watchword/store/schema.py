"""The tables. Times are whole seconds since 1970, UTC, unless their name says otherwise."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
)
from sqlalchemy.dialects import mysql
from sqlalchemy.types import TypeEngine

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def exact_text(length: int) -> TypeEngine[str]:
    """Text compared octet by octet: MariaDB's usual collations find `Alice` and `alice ` where `alice` is asked for."""
    exact = mysql.VARCHAR(length, charset="utf8mb4", collation="utf8mb4_nopad_bin")
    return String(length).with_variant(exact, "mysql", "mariadb")


def octets(length: int) -> TypeEngine[bytes]:
    """Octets, at most so many."""
    return LargeBinary(length).with_variant(mysql.VARBINARY(length), "mysql", "mariadb")


# SQLite numbers rows by itself only for a primary key that is called INTEGER.
row_number = BigInteger().with_variant(Integer(), "sqlite")

accounts = Table(
    "accounts",
    metadata,
    # The primary key is the one that tokens refer to: a token that comes from another Galera node needs the very row
    # that a pairing here has locked, and so the two meet. With `name` in its place, both would go through.
    Column("id", row_number, primary_key=True, autoincrement=True),
    Column("name", exact_text(128), nullable=False, unique=True),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("locked_until", BigInteger, nullable=False, server_default="0"),
    Column("held", Boolean(create_constraint=False), nullable=False, server_default="0"),
    mysql_engine="InnoDB",
)

tokens = Table(
    "tokens",
    metadata,
    Column("serial", exact_text(64), primary_key=True),
    # No account: a fob in the drawer.
    Column("account_id", row_number, ForeignKey("accounts.id"), nullable=True, index=True),
    Column("kind", exact_text(16), nullable=False),
    Column("label", exact_text(60), nullable=False, server_default=""),
    Column("rank", Integer, nullable=False, server_default="0"),
    Column("enabled", Boolean(create_constraint=False), nullable=False, server_default="1"),
    Column("sealed_secret", octets(512), nullable=False),
    Column("algorithm", exact_text(16), nullable=False, server_default="sha1"),
    Column("digits", Integer, nullable=False, server_default="6"),
    Column("period_seconds", Integer, nullable=False, server_default="30"),
    Column("last_step", BigInteger, nullable=False, server_default="-1"),
    Column("drift_steps", Integer, nullable=False, server_default="0"),
    # What the drift was when an operator last set it: a login never strays far from it.
    Column("base_drift_steps", Integer, nullable=False, server_default="0"),
    Column("created_at", BigInteger, nullable=False),
    Column("last_used_at", BigInteger, nullable=True),
    # Two pairings of one account at once get the same rank: only one is then made, on whichever servers of a Galera
    # cluster, where a lock on the account's row holds on its own server alone.
    Index("uq_tokens_account_id_rank", "account_id", "rank", unique=True),
    mysql_engine="InnoDB",
)

# The code that was texted last, one for each sms token; gone once it is spent.
sent_codes = Table(
    "sent_codes",
    metadata,
    Column("serial", exact_text(64), ForeignKey("tokens.serial", ondelete="CASCADE"), primary_key=True),
    Column("issue", exact_text(32), nullable=False),
    Column("sealed_code", octets(128), nullable=False),
    Column("sent_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    mysql_engine="InnoDB",
)

# Text messages that have still to leave. A row goes when its message has left, or never will.
outbox = Table(
    "outbox",
    metadata,
    Column("issue", exact_text(32), primary_key=True),
    Column("serial", exact_text(64), nullable=False),
    Column("account", exact_text(128), nullable=False),
    Column("sealed_phone", octets(128), nullable=False),
    Column("sealed_text", octets(1024), nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("due_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Index("ix_outbox_due_at", "due_at"),
    mysql_engine="InnoDB",
)

audit = Table(
    "audit",
    metadata,
    Column("id", row_number, primary_key=True, autoincrement=True),
    Column("writer", exact_text(64), nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("at_milliseconds", BigInteger, nullable=False),
    Column("kind", exact_text(24), nullable=False),
    Column("result", exact_text(16), nullable=False),
    Column("account", exact_text(128), nullable=False),
    Column("serial", exact_text(64), nullable=False),
    Column("address", exact_text(64), nullable=False),
    Column("node", exact_text(128), nullable=False),
    Column("reason", exact_text(64), nullable=False),
    Column("actor", exact_text(128), nullable=False),
    Column("detail", exact_text(512), nullable=False),
    Column("key_id", exact_text(16), nullable=False),
    Column("mac", octets(32), nullable=False),
    UniqueConstraint("writer", "sequence"),
    Index("ix_audit_account_id", "account", "id"),
    mysql_engine="InnoDB",
)

# Where each writer's chain ends.
audit_heads = Table(
    "audit_heads",
    metadata,
    Column("writer", exact_text(64), primary_key=True),
    Column("sequence", BigInteger, nullable=False),
    Column("mac", octets(32), nullable=False),
    mysql_engine="InnoDB",
)
