"""MariaDB keeps accounts in the order of their names, by which logins find them: one look in a B-tree less.

A clustered index holds the rows themselves. In the order of their numbers, each login looked its name up in one B-tree
and its row in another. SQLite numbers rows by itself only in a table that is kept in their order.
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the change."""
    if op.get_bind().dialect.name != "sqlite":
        op.execute(
            "ALTER TABLE accounts ADD UNIQUE INDEX uq_accounts_id (id), DROP PRIMARY KEY, ADD PRIMARY KEY (name),"
            " DROP INDEX uq_accounts_name"
        )


def downgrade() -> None:
    """Take it back."""
    if op.get_bind().dialect.name != "sqlite":
        op.execute(
            "ALTER TABLE accounts ADD UNIQUE INDEX uq_accounts_name (name), DROP PRIMARY KEY, ADD PRIMARY KEY (id),"
            " DROP INDEX uq_accounts_id"
        )
