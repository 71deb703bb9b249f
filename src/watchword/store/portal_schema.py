"""The tables of the portal. Times are whole seconds since 1970, UTC."""

from sqlalchemy import BigInteger, Boolean, Column, Date, Index, Integer, LargeBinary, Table
from sqlalchemy.dialects import mysql

from watchword.store.schema import accounts, audit, exact_text, metadata, octets

# Who is signed in. The cookie's value is not here, only its hash: whoever reads this table can be nobody.
sessions = Table(
    "sessions",
    metadata,
    Column("session_hash", octets(32), primary_key=True),
    Column("account", exact_text(128), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    # When a token code was proved in this session; 0: never.
    Column("proved_at", BigInteger, nullable=False, server_default="0"),
    # The token that it came from. When that is gone, or disabled, so is the session.
    Column("proved_by", exact_text(64), nullable=False, server_default=""),
    Column("splash_put_off", Boolean(create_constraint=False), nullable=False, server_default="0"),
    Column("address", exact_text(64), nullable=False),
    Column("browser", exact_text(200), nullable=False),
    Index("ix_sessions_account", "account"),
    Index("ix_sessions_seen_at", "seen_at"),
    mysql_engine="InnoDB",
)

# How often something was tried in a window of time; the bucket's name is hashed, since it may hold what was typed.
throttles = Table(
    "throttles",
    metadata,
    Column("bucket_hash", octets(32), primary_key=True),
    Column("used", Integer, nullable=False),
    Column("ends_at", BigInteger, nullable=False),
    Index("ix_throttles_ends_at", "ends_at"),
    mysql_engine="InnoDB",
)

# What the charts show: the audit log, counted by day. How far each writer's chain has been counted.
counted_chains = Table(
    "counted_chains",
    metadata,
    Column("writer", exact_text(64), primary_key=True),
    Column("sequence", BigInteger, nullable=False),
    mysql_engine="InnoDB",
)

day_counts = Table(
    "day_counts",
    metadata,
    Column("day", Date, primary_key=True),
    Column("what", exact_text(32), primary_key=True),
    Column("number", BigInteger, nullable=False),
    mysql_engine="InnoDB",
)

# Who logged in on a day, so that nobody is counted twice.
day_people = Table(
    "day_people",
    metadata,
    Column("day", Date, primary_key=True),
    Column("factor", exact_text(8), primary_key=True),
    Column("account", exact_text(128), primary_key=True),
    mysql_engine="InnoDB",
)

# How many tokens more, or fewer, an account had at the end of a day than at its beginning.
pairing_days = Table(
    "pairing_days",
    metadata,
    Column("account", exact_text(128), primary_key=True),
    Column("day", Date, primary_key=True),
    Column("more", Integer, nullable=False),
    mysql_engine="InnoDB",
)

# Keys of the REST API. What whoever holds a key has to show is not here, only hashes of it.
api_keys = Table(
    "api_keys",
    metadata,
    Column("key_id", exact_text(16), primary_key=True),
    Column("name", exact_text(60), nullable=False),
    Column("secret_hash", octets(32), nullable=False),
    # What HTTP Digest is computed from; it opens the API as the key itself does, so it is sealed. None: no Digest.
    Column("sealed_digest", octets(128), nullable=True),
    Column("scopes", exact_text(400), nullable=False),
    Column("networks", exact_text(1000), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("created_by", exact_text(128), nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger, nullable=True),
    Column("last_used_at", BigInteger, nullable=True),
    mysql_engine="InnoDB",
)

# What is good once: a request number of HTTP Digest, the end of a pairing. The row is the proof that it was used.
used_once = Table(
    "used_once",
    metadata,
    Column("mark", octets(32), primary_key=True),
    Column("until", BigInteger, nullable=False),
    Index("ix_used_once_until", "until"),
    mysql_engine="InnoDB",
)

# What was answered to a request that had an Idempotency-Key, so that the same request gets the same answer.
api_answers = Table(
    "api_answers",
    metadata,
    Column("replay_hash", octets(32), primary_key=True),
    Column("request_hash", octets(32), nullable=False),
    # Who works on it, since when, and whether they have changed anything yet.
    Column("claim", octets(16), nullable=False),
    Column("claimed_at", BigInteger, nullable=False),
    Column("has_written", Boolean(create_constraint=False), nullable=False, server_default="0"),
    Column("sealed_answer", LargeBinary(2**20).with_variant(mysql.MEDIUMBLOB(), "mysql", "mariadb"), nullable=True),
    # An answer that holds a new token's secret goes long before the row does.
    Column("answer_until", BigInteger, nullable=False, server_default="0"),
    Column("until", BigInteger, nullable=False),
    Index("ix_api_answers_until", "until"),
    mysql_engine="InnoDB",
)

# Pairings that have begun: one for each account, gone when it is finished, left or too old.
flows = Table(
    "flows",
    metadata,
    Column("account", exact_text(128), primary_key=True),
    Column("name", octets(16), nullable=False),
    Column("session_hash", octets(32), nullable=False),
    Column("kind", exact_text(16), nullable=False),
    Column("step", Integer, nullable=False),
    Column("shown", Boolean(create_constraint=False), nullable=False, server_default="0"),
    Column("serial", exact_text(64), nullable=False, server_default=""),
    # The seed that no code has proved yet, or the number; and the code that was texted.
    Column("sealed_state", octets(512), nullable=False),
    Column("issue", exact_text(32), nullable=False, server_default=""),
    Column("wrong", Integer, nullable=False, server_default="0"),
    Column("ends_at", BigInteger, nullable=False),
    Index("ix_flows_ends_at", "ends_at"),
    mysql_engine="InnoDB",
)

# Mail that has still to leave: to whom, and what it says, sealed, since it may hold a link.
mails = Table(
    "mails",
    metadata,
    Column("mail_id", exact_text(32), primary_key=True),
    Column("account", exact_text(128), nullable=False),
    Column("sealed_letter", octets(8192), nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("due_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Index("ix_mails_due_at", "due_at"),
    mysql_engine="InnoDB",
)

# Links that were mailed to people who lost their phone, and what each of them removes. The link itself is signed.
mail_links = Table(
    "mail_links",
    metadata,
    Column("link_id", octets(16), primary_key=True),
    Column("account", exact_text(128), nullable=False),
    Column("serials", exact_text(1024), nullable=False),
    Column("ends_at", BigInteger, nullable=False),
    Index("ix_mail_links_account", "account"),
    Index("ix_mail_links_ends_at", "ends_at"),
    mysql_engine="InnoDB",
)

# Whose pairing changed and has still to be written into the directory; how, is read when it is written.
announcements = Table(
    "announcements",
    metadata,
    Column("account", exact_text(128), primary_key=True),
    # Names the last change: who told the directory of an earlier one does not take the row out.
    Column("mark", exact_text(16), nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("due_at", BigInteger, nullable=False),
    Index("ix_announcements_due_at", "due_at"),
    mysql_engine="InnoDB",
)

# Operators' lists: who is locked now, and the newest refusals, failed messages and reports among millions of events.
Index("ix_accounts_held_name", accounts.c.held, accounts.c.name)
Index("ix_accounts_locked_until", accounts.c.locked_until)
Index("ix_audit_kind_result_id", audit.c.kind, audit.c.result, audit.c.id)

# Files of seeds that an operator has uploaded and not yet confirmed; they go after a quarter of an hour.
seed_imports = Table(
    "seed_imports",
    metadata,
    Column("import_id", exact_text(32), primary_key=True),
    Column("operator", exact_text(128), nullable=False),
    Column("file_name", exact_text(120), nullable=False),
    Column("fobs", Integer, nullable=False),
    # How many of them are in staged_seeds.
    Column("staged", Integer, nullable=False, server_default="0"),
    Column("expires_at", BigInteger, nullable=False),
    Index("ix_seed_imports_expires_at", "expires_at"),
    mysql_engine="InnoDB",
)

# Their fobs, as rows of tokens will be: sealed for the drawer already, so that nothing is opened to bring them in.
staged_seeds = Table(
    "staged_seeds",
    metadata,
    Column("import_id", exact_text(32), nullable=False, primary_key=True),
    Column("serial", exact_text(64), nullable=False, primary_key=True),
    Column("sealed_secret", octets(512), nullable=False),
    Column("algorithm", exact_text(16), nullable=False),
    Column("digits", Integer, nullable=False),
    Column("period_seconds", Integer, nullable=False),
    Column("drift_steps", Integer, nullable=False),
    mysql_engine="InnoDB",
)
