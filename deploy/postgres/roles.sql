-- The service's roles. By an administrator, in the service's database, before `invoicing migrate` (which grants the rights
-- to tables, to whichever of these roles there are); again after a restore. It may be run at any time.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['invoicing_owner', 'invoicing_inbox', 'invoicing_api', 'invoicing_worker'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
            EXECUTE format('CREATE ROLE %I', name);
        END IF;
    END LOOP;
    -- What somebody else owns by now: a role from before there were these, or who restored a dump.
    FOR name IN SELECT format('TABLE %s', oid::regclass) FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
            AND relowner NOT IN ('invoicing_owner'::regrole, 'invoicing_inbox'::regrole)
        UNION ALL SELECT format('FUNCTION %s', oid::regprocedure) FROM pg_proc
        WHERE pronamespace = 'public'::regnamespace AND oid IN (SELECT tgfoid FROM pg_trigger)
            AND proowner <> 'invoicing_owner'::regrole
    LOOP
        EXECUTE format('ALTER %s OWNER TO invoicing_owner', name);
    END LOOP;
END $$;

ALTER ROLE invoicing_owner LOGIN;            -- migrates, and is nobody else's
ALTER ROLE invoicing_api LOGIN;              -- API and console
ALTER ROLE invoicing_worker LOGIN NOINHERIT; -- worker and commands; is the inbox's owner only where it says so
ALTER ROLE invoicing_api SET synchronous_commit = on; -- these four for who comes through a pooler
ALTER ROLE invoicing_worker SET synchronous_commit = on;
ALTER ROLE invoicing_api SET idle_in_transaction_session_timeout = '60s';
ALTER ROLE invoicing_worker SET idle_in_transaction_session_timeout = '60s';

GRANT invoicing_inbox TO invoicing_owner, invoicing_worker;

REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT CREATE, USAGE ON SCHEMA public TO invoicing_owner, invoicing_inbox;
GRANT USAGE ON SCHEMA public TO invoicing_api, invoicing_worker;
