-- The roles' passwords, from the environment: by psql, after roles.sql. compose.yaml does it when it makes the database.
\set ON_ERROR_STOP on
\getenv owner DATABASE_OWNER_PASSWORD
\getenv api DATABASE_API_PASSWORD
\getenv worker DATABASE_WORKER_PASSWORD
ALTER ROLE invoicing_owner PASSWORD :'owner';
ALTER ROLE invoicing_api PASSWORD :'api';
ALTER ROLE invoicing_worker PASSWORD :'worker';
