"""API keys, the append-only audit log fed by every operation's answer, and the buckets of the rate limits.

Revision: a298440fb4d2
Follows: 0ac0a8f8fe4e
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "a298440fb4d2"
down_revision = "0ac0a8f8fe4e"
branch_labels = None
depends_on = None

AUDIT_ANSWER = """
CREATE FUNCTION audit_answer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO audit_log (actor, action, subject, outcome, request_id, operation)
    VALUES (
        NEW.caller, NEW.name, NEW.subject,
        CASE WHEN NEW.answer_status = 0 THEN NEW.answer_body::json ->> 'code' ELSE 'done' END,
        NEW.request_id, NEW.id
    );
    RETURN NULL;
END
$$
"""

AUDIT_ANSWER_TRIGGER = """
CREATE TRIGGER audit_answer AFTER UPDATE OF answered_at ON operations
FOR EACH ROW WHEN (OLD.answered_at IS NULL AND NEW.answered_at IS NOT NULL) EXECUTE FUNCTION audit_answer()
"""

REFUSE_CHANGE = """
CREATE FUNCTION audit_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'entries of audit_log are only ever added' USING ERRCODE = 'insufficient_privilege';
END
$$
"""

REFUSE_CHANGE_TRIGGER = """
CREATE TRIGGER audit_refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change()
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("caller", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column("replaced_by", sa.Text(), nullable=True),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("last_used_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("revoked_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint("length(digest) = 32", name=op.f("ck_api_keys_digest_is_sha256")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
    )
    op.create_index(
        "ix_api_keys_newest",
        "api_keys",
        [sa.literal_column("created_at DESC"), sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_index(
        "uq_api_keys_prefix", "api_keys", ["prefix"], unique=True, postgresql_ops={"prefix": "text_pattern_ops"}
    )
    op.create_table(
        "audit_log",
        sa.Column(
            "id",
            sa.Text(),
            server_default=sa.text("'aud_' || replace(gen_random_uuid()::text, '-', '')"),
            nullable=False,
        ),
        sa.Column(
            "at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("operation", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_log")),
    )
    op.create_index(
        "ix_audit_log_actor_newest",
        "audit_log",
        ["actor", sa.literal_column("at DESC"), sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_index(
        "ix_audit_log_newest", "audit_log", [sa.literal_column("at DESC"), sa.literal_column("id DESC")], unique=False
    )
    op.create_index(
        "ix_audit_log_subject_newest",
        "audit_log",
        ["subject", sa.literal_column("at DESC"), sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_table(
        "rate_buckets",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("tokens", sa.Float(), nullable=False),
        sa.Column("granted", sa.Float(), nullable=False),
        sa.Column("filled_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_rate_buckets")),
        prefixes=["UNLOGGED"],
    )
    op.create_index("ix_rate_buckets_filled", "rate_buckets", ["filled_at"], unique=False)
    for statement in (AUDIT_ANSWER, AUDIT_ANSWER_TRIGGER, REFUSE_CHANGE, REFUSE_CHANGE_TRIGGER):
        op.execute(statement)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.execute("DROP TRIGGER audit_answer ON operations")
    op.execute("DROP FUNCTION audit_answer")
    op.drop_index("ix_rate_buckets_filled", table_name="rate_buckets")
    op.drop_table("rate_buckets")
    op.drop_index("ix_audit_log_subject_newest", table_name="audit_log")
    op.drop_index("ix_audit_log_newest", table_name="audit_log")
    op.drop_index("ix_audit_log_actor_newest", table_name="audit_log")
    op.drop_table("audit_log")
    op.execute("DROP FUNCTION audit_refuse_change")
    op.drop_index("uq_api_keys_prefix", table_name="api_keys", postgresql_ops={"prefix": "text_pattern_ops"})
    op.drop_index("ix_api_keys_newest", table_name="api_keys")
    op.drop_table("api_keys")
