"""An account's tokens by ranks of which each is there once; the audit log by views, for the portal and its keeper."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# The audit log for those who may add to chains of their own alone (store/ledgers.py). SQLite has no users.
_CHAINS = {
    "audit_heads": "SELECT writer, sequence, mac FROM audit_heads",
    # Without the row's number: whoever writes the last one that there is leaves none for anybody else.
    "audit": """SELECT writer, sequence, at_milliseconds, kind, result, account, serial, address, node, reason, actor,
        detail, key_id, mac
    FROM audit""",
}
_CHAIN_ROLES = ("portal", "keeper")


def upgrade() -> None:
    """Make them."""
    # First: where two tokens of an account have one rank, it fails, and nothing was changed.
    op.create_index("uq_tokens_account_id_rank", "tokens", ["account_id", "rank"], unique=True)
    for table, chains in _CHAINS.items() if _has_users() else ():
        for role in _CHAIN_ROLES:
            theirs = f"RIGHT(writer, {len(role) + 1}) = '/{role}'"
            op.execute(f"CREATE VIEW {table}_by_{role} AS {chains} WHERE {theirs} WITH CHECK OPTION")


def downgrade() -> None:
    """Take them back."""
    for table in _CHAINS if _has_users() else ():
        for role in _CHAIN_ROLES:
            op.execute(f"DROP VIEW {table}_by_{role}")
    op.drop_index("uq_tokens_account_id_rank", table_name="tokens")


def _has_users() -> bool:
    return bool(op.get_bind().dialect.name != "sqlite")
