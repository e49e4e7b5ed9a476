//! The scripts that make a copy like its source in what neither a template nor a dump carries: the properties of the
//! database itself. `birth` is the copy, `source` the database that it is a copy of.

/// Above this size `STRATEGY FILE_COPY` is faster than the default, in spite of its two checkpoints: bytes, measured
/// with PostgreSQL 15 on a disk: 250 MB take 1.4 s against 1.8 s, 60 MB 1.0 s against 0.5 s.
pub(super) const LARGE: u64 = 128 << 20;

/// Creates `birth` as a copy of `source` on the server itself. A large one is copied file by file;
/// from PostgreSQL 18 on as clones, where the file system has them; else `fits` looks at the disk
/// first. Whether it is `large` and the server `clones` is known, see [`OF_SOURCE`].
///
/// [`OF_SOURCE`]: super::room::OF_SOURCE
pub(super) const COPY_FILES: &str = r#"\set strategy ''
\set ERROR true
\if :large
  \set strategy 'STRATEGY FILE_COPY'
  \if :clones
    \set ON_ERROR_STOP off
    SET file_copy_method = clone;
    \if :ERROR
    \else
      CREATE DATABASE :"birth" TEMPLATE :"source" STRATEGY FILE_COPY;
    \endif
    \set ON_ERROR_STOP on
  \endif
\endif
\if :ERROR
\if :clones
\set takes true
{fits}\endif
  CREATE DATABASE :"birth" TEMPLATE :"source" :strategy;
\endif
"#;

/// Creates `birth` without content, with the encoding, the locale and its provider, and the tablespace of `source`. The
/// columns of the locale differ from version to version. Only a superuser may name the usual tablespace.
pub(super) const CREATE_LIKE: &str = r#"SELECT format('CREATE DATABASE %I TEMPLATE template0 ENCODING %L LC_COLLATE %L LC_CTYPE %L',
    :'birth', pg_encoding_to_char(d.encoding), d.datcollate, d.datctype)
  || CASE WHEN t.oid = (SELECT dattablespace FROM pg_database WHERE datname = 'template0') THEN ''
    ELSE format(' TABLESPACE %I', t.spcname) END
  || CASE j->>'datlocprovider' WHEN 'c' THEN ' LOCALE_PROVIDER libc'
    WHEN 'b' THEN format(' LOCALE_PROVIDER builtin BUILTIN_LOCALE %L', j->>'datlocale')
    WHEN 'i' THEN format(' LOCALE_PROVIDER icu ICU_LOCALE %L', coalesce(j->>'datlocale', j->>'daticulocale'))
    ELSE '' END
  || CASE WHEN j->>'daticurules' IS NULL THEN '' ELSE format(' ICU_RULES %L', j->>'daticurules') END
FROM pg_database d JOIN pg_tablespace t ON t.oid = d.dattablespace, to_jsonb(d) j
WHERE d.datname = :'source' \gexec
"#;

/// Gives `birth` the owner, the connection limit and the privileges of `source`, in a transaction. A privilege that was
/// granted by another role than the owner is granted by that role again, in the order of the chain.
pub(super) const DRESS: &str = r#"SELECT
  CASE WHEN d.datdba <> b.datdba THEN format('ALTER DATABASE %I OWNER TO %I', :'birth', pg_get_userbyid(d.datdba)) END,
  CASE WHEN d.datconnlimit <> b.datconnlimit THEN format('ALTER DATABASE %I CONNECTION LIMIT %s', :'birth', d.datconnlimit) END,
  CASE WHEN d.datacl IS NOT NULL
    THEN format('REVOKE ALL ON DATABASE %I FROM PUBLIC, %I', :'birth', pg_get_userbyid(d.datdba)) END
FROM pg_database d, pg_database b WHERE d.datname = :'source' AND b.datname = :'birth' \gexec
WITH RECURSIVE acl AS (
  SELECT d.datdba, a.* FROM pg_database d,
    aclexplode(d.datacl) WITH ORDINALITY a (grantor, grantee, privilege_type, is_grantable, place)
  WHERE d.datname = :'source'
), chain AS (
  SELECT acl.*, 0 AS depth FROM acl WHERE grantor = datdba
  UNION ALL
  SELECT acl.*, depth + 1 FROM acl JOIN chain ON acl.grantor = chain.grantee AND chain.is_grantable
    AND acl.privilege_type = chain.privilege_type
  WHERE acl.grantor <> acl.datdba
)
SELECT CASE WHEN grantor = datdba THEN 'RESET ROLE' ELSE format('SET LOCAL ROLE %I', pg_get_userbyid(grantor)) END,
  format('GRANT %s ON DATABASE %I TO %s%s', privilege_type, :'birth',
    CASE WHEN grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END,
    CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END),
  'RESET ROLE'
FROM chain GROUP BY datdba, grantor, grantee, privilege_type, is_grantable
ORDER BY max(depth), min(place) \gexec
"#;

/// Gives `birth` the settings of `source`: before it is filled, too, for a function that fills an index or a materialized
/// view may read one. The elements of a setting that is a list of names are quoted one by one, as `pg_dump` does.
pub(super) const SETTINGS: &str = r#"SELECT format('ALTER %s SET %I TO %s',
  CASE WHEN s.setrole = 0 THEN format('DATABASE %I', :'birth')
    ELSE format('ROLE %I IN DATABASE %I', pg_get_userbyid(s.setrole), :'birth') END,
  name, CASE WHEN name IN ('local_preload_libraries', 'search_path', 'session_preload_libraries',
      'shared_preload_libraries', 'temp_tablespaces', 'unix_socket_directories')
    THEN (SELECT coalesce(string_agg(quote_literal(CASE WHEN p[1] LIKE '"%'
        THEN replace(substr(p[1], 2, length(p[1]) - 2), '""', '"') ELSE p[1] END), ', ' ORDER BY n), '''''')
      FROM regexp_matches(value, '"(?:[^"]|"")*"|[^,"\s]+', 'g') WITH ORDINALITY AS m(p, n))
    ELSE quote_literal(value) END)
FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase, unnest(s.setconfig) c,
  LATERAL (SELECT split_part(c, '=', 1) AS name, substr(c, strpos(c, '=') + 1) AS value) v
WHERE d.datname = :'source' \gexec
"#;

/// Keeps clients from `birth`, whose template must not change.
pub(super) const CLOSE: &str = "ALTER DATABASE :\"birth\" ALLOW_CONNECTIONS false;\n";

/// Finds the roles of `source` that the user may not use, separated by commas: without them the copy would have another
/// owner, or privileges by another role. And its settings that the user may not give to another database; a setting that no
/// server knows may turn out to be a superuser's, but some that each user may set are in no list.
pub(super) const LACKING: &str = r#"SELECT coalesce(string_agg(DISTINCT quote_ident(role), ', '), '') AS lacking,
  count(*) > 0 AS lacks, current_setting('server_version_num')::int >= 150000 AS grants
FROM (
  SELECT pg_get_userbyid(datdba) AS role FROM pg_database WHERE datname = :'source'
  UNION SELECT pg_get_userbyid(a.grantor) FROM pg_database d, aclexplode(d.datacl) a WHERE datname = :'source'
) r WHERE NOT pg_has_role(role, 'MEMBER') \gset
\set granted false
\if :grants
  \set granted 'has_parameter_privilege(name, ''SET'')'
\endif
SELECT coalesce(string_agg(DISTINCT what, ', '), '') AS unsettable, count(*) > 0 AS unset
FROM (
  SELECT name || coalesce(' of role ' || quote_ident(r.rolname), '') AS what
  FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase LEFT JOIN pg_roles r ON r.oid = s.setrole,
    unnest(s.setconfig) c, LATERAL (SELECT split_part(c, '=', 1) AS name) n, pg_roles me
  WHERE d.datname = :'source' AND me.rolname = current_user AND NOT me.rolsuper AND (
    NOT (:granted OR lower(n.name) IN ('role', 'session_authorization', 'seed', 'default_with_oids') OR EXISTS (SELECT FROM pg_settings p WHERE lower(p.name) = lower(n.name) AND p.context IN ('user', 'backend')))
    OR r.oid <> me.oid AND NOT (me.rolcreaterole AND NOT r.rolsuper
      AND (current_setting('server_version_num')::int < 160000 OR pg_has_role(r.oid, 'MEMBER WITH ADMIN OPTION'))))
) s \gset
"#;
