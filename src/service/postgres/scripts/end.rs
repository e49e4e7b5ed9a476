//! Ends what keeps a database in use without a session.

/// Rolls back the prepared transactions in a database, and drops its subscriptions and replication slots: `FORCE` ends none
/// of them. A subscription whose publisher does not answer leaves its slot there. Prints `ended`.
pub(in super::super) const END: &str = r#"ALTER DATABASE :"name" ALLOW_CONNECTIONS true;
\connect :"name"
SELECT format('ROLLBACK PREPARED %L', gid) FROM pg_prepared_xacts WHERE database = current_database() \gexec
CREATE TEMP VIEW own AS SELECT subname FROM pg_subscription
  WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database());
SELECT format('ALTER SUBSCRIPTION %I DISABLE', subname) FROM own \gexec
\set ON_ERROR_STOP off
SELECT format('DROP SUBSCRIPTION %I', subname) FROM own \gexec
\set ON_ERROR_STOP on
SELECT format('ALTER SUBSCRIPTION %I SET (slot_name = NONE)', subname) FROM own \gexec
SELECT format('DROP SUBSCRIPTION %I', subname) FROM own \gexec
SELECT count(pg_terminate_backend(active_pid)) AS ended FROM pg_replication_slots WHERE database = current_database() \gset
DO $$ BEGIN
  FOR i IN 1..100 LOOP
    EXIT WHEN NOT EXISTS (SELECT FROM pg_replication_slots WHERE database = current_database() AND active);
    PERFORM pg_sleep(0.05);
  END LOOP;
END $$;
SELECT count(pg_drop_replication_slot(slot_name)) AS dropped FROM pg_replication_slots WHERE database = current_database() \gset
\echo ended
"#;
