//! Each mistake with the line, the key and, where there is one, the way out.

use super::*;

/// The message, then the hint.
fn refused(text: &str) -> (String, String) {
    let error = Config::parse("f", text).expect_err(text);
    assert_eq!(exit_of(&error), Exit::Config);
    let hint = hint_of(&error).unwrap_or_default().to_owned();
    (error.to_string(), hint)
}

fn check(cases: &[(&str, &str, &str)]) {
    for (text, message, hint) in cases {
        let (found, found_hint) = refused(text);
        assert_eq!(found, *message, "{text}");
        assert!(found_hint.contains(hint), "{found_hint}\n{text}");
    }
}

#[test]
fn of_the_file() {
    check(&[
        ("a: 1", "f:1: a: unknown key", "known: `worktree`, "),
        ("\nservice: {}", "f:2: service: unknown key", "did you mean `services`?"),
        ("- a", "f:1: expected a mapping, found a list", "`ports:`"),
        ("env:\n  A: x\n  A: y", "f:3: env: duplicate key `A`", ""),
        ("ports:\nenv: {}", "f:1: ports: expected a mapping, found nothing", "`{}`"),
        ("env: {}\n<<: {}", "f:2: <<: unknown key", ""),
        ("env: {}\nenv_file: [x]", "f:2: env_file: expected a text, found a list", ""),
        ("env_file: 1", "f:1: env_file: expected a text, found the number 1", "quotes"),
        ("worktree: {name}", "f:1: worktree: expected a text, found a mapping", "quotes"),
        ("env_file: \"a\\nb\"", "f:1: env_file: holds a line end or another control character", ""),
    ]);
    assert!(refused("a: [").0.starts_with("f:"));
    assert!(refused("env:\n\tA: 1").0.starts_with("f:2: "));
}

#[test]
fn of_places() {
    check(&[
        (
            "worktree: ../x",
            "f:1: worktree: lacks `{name}`, so it would be the same for all environments",
            "`../x-{name}`",
        ),
        ("worktree: '../{nam}'", "f:1: worktree: unknown key `{nam}`", "did you mean `name`?"),
        ("worktree: '../{name'", "f:1: worktree: `{` without its partner in `../{name`", "`{{`"),
        ("worktree: '~/{name}'", "f:1: worktree: `~` is not expanded", ""),
        (
            "worktree: '../{name}/../x'",
            "f:1: worktree: `..` behind `{name}` leads every worktree to the same place",
            "",
        ),
        (
            "\n\nproject: app",
            "f:3: project: lacks `{name}`, so it would be the same for all environments",
            "",
        ),
        (
            "project: 'App-{name}'",
            "f:1: project: a compose project holds a-z, 0-9, `_` and `-`, and begins with a letter or digit",
            "",
        ),
        (
            "project: '{DJANGO_PORT}-{name}'",
            "f:1: project: unknown key `{DJANGO_PORT}`",
            "known: `name`, `repo`",
        ),
        ("env_file: /etc/env", "f:1: env_file: `/etc/env` is absolute, but must be relative", ""),
        ("env_file: a/../../b", "f:1: env_file: `a/../../b` leaves the directory with `..`", ""),
        ("env_file: .git/config", "f:1: env_file: `.git/config` is inside git's own directory", ""),
        ("env_file: ./", "f:1: env_file: `./` is not a file", ""),
        ("env_file: ''", "f:1: env_file: is empty", ""),
        (
            "infra:\n  file: /x.yml",
            "f:2: infra.file: `/x.yml` is absolute, but must be relative",
            "",
        ),
        (
            "infra:\n  file: ../x.yml",
            "f:2: infra.file: `../x.yml` leaves the directory with `..`",
            "",
        ),
        ("infra:\n  files: x", "f:2: infra.files: unknown key", "did you mean `file`?"),
        (
            "hooks:\n  post_add: x",
            "f:2: hooks.post_add: expected a list of texts, found the text \"x\"",
            "`[]`",
        ),
        (
            "hooks:\n  post_add:\n  - x\n  - 1",
            "f:4: hooks.post_add[1]: expected a text, found the number 1",
            "",
        ),
        ("hooks:\n  post_ad: []", "f:2: hooks.post_ad: unknown key", "did you mean `post_add`?"),
    ]);
}

#[test]
fn of_ports() {
    let range = "expected a range such as `8012-8030`, found";
    let cases = [
        (
            "main: \"x\", range: 2-3",
            "A.main: expected a port from 1 to 65535, found the text \"x\"",
            "",
        ),
        ("main: 0, range: 2-3", "A.main: expected a port from 1 to 65535, found the number 0", ""),
        (
            "main: 65536, range: 2-3",
            "A.main: expected a port from 1 to 65535, found the number 65536",
            "",
        ),
        (
            "main: -1, range: 2-3",
            "A.main: expected a port from 1 to 65535, found the number -1",
            "",
        ),
        (
            "main: 1.5, range: 2-3",
            "A.main: expected a port from 1 to 65535, found the number 1.5",
            "",
        ),
        ("main: 1, range: 8030-8012", "A.range: `8030-8012` runs backwards", "`8012-8030`"),
        ("main: 1, range: 8012..8030", &format!("A.range: {range} the text \"8012..8030\""), ""),
        ("main: 1, range: 8012", &format!("A.range: {range} the number 8012"), ""),
        ("main: 1, range: [2, 3]", &format!("A.range: {range} a list"), ""),
        ("main: 1, range: 1--3", &format!("A.range: {range} the text \"1--3\""), ""),
        ("main: 1, range: 0-3", "A.range: `0-3` goes beyond 1 to 65535", ""),
        ("main: 1, range: 1-65536", "A.range: `1-65536` goes beyond 1 to 65535", ""),
        (
            "main: 1, range: 1-99999999999999999999999",
            "A.range: `1-99999999999999999999999` goes beyond 1 to 65535",
            "",
        ),
        ("main: 1", "A: has neither `range` nor `follows`", "`range: 8012-8030`"),
        (
            "main: 1, range: 2-3, follows: B",
            "A: has `range` and `follows`, which exclude each other",
            "",
        ),
        ("range: 2-3", "A: `main` is missing", ""),
        ("main: 1, follows: BB", "A.follows: there is no port `BB`", "did you mean `B`?"),
        ("main: 1, follows: A", "A.follows: `A` follows itself", ""),
        ("main: 1, follows: C", "A.follows: `C` follows another port itself", ""),
        ("main: 65530, follows: B", "A.follows: leaves 1 to 65535 where `B` is 120", ""),
        ("main: 100, follows: B", "A.main: would always be the same port as `B`", ""),
        ("main: 200, follows: B", "A.main: would always be the same port as `C`", ""),
        ("main: 1, rnage: 2-3", "A.rnage: unknown key", "did you mean `range`?"),
    ];
    for (port, message, hint) in cases {
        let text = format!(
            "ports:\n  B: {{ main: 100, range: 110-120 }}\n  C: {{ main: 200, follows: B }}\n  A: {{ {port} }}\n"
        );
        check(&[(&text, &format!("f:4: ports.{message}"), hint)]);
    }
    let cycle = "ports:\n  A: { main: 1, follows: B }\n  B: { main: 2, follows: A }";
    check(&[(cycle, "f:2: ports.A.follows: `B` follows another port itself", "has the range")]);
    let spread = "ports:\n  A:\n    range: 2-3\n    # here\n    main: \"x\"\n";
    let message = "f:5: ports.A.main: expected a port from 1 to 65535, found the text \"x\"";
    check(&[(spread, message, "")]);
}

#[test]
fn of_services() {
    let shared = "a database's name may hold letters, digits, `_`, `.` and `-` only";
    let cases = [
        ("variable: A", "s: `kind` is missing", ""),
        ("kind: postgre", "s.kind: unknown kind `postgre`", "did you mean `postgres`?"),
        ("kind: oracle", "s.kind: unknown kind `oracle`", "known: `postgres`, `mysql`"),
        (
            "kind: redis, container: a, host: true",
            "s.host: excludes `container`: a service is in one place",
            "",
        ),
        (
            "kind: redis, host: true, compose: {project: a, service: b}",
            "s.host: excludes `compose`: a service is in one place",
            "",
        ),
        ("kind: redis, host: false", "s.host: `false` says nothing", ""),
        (
            "kind: redis, host: 'yes'",
            "s.host: expected `true` or `false`, found the text \"yes\"",
            "",
        ),
        ("kind: redis, compose: {project: a}", "s.compose: `service` is missing", ""),
        ("kind: redis, compose: a", "s.compose: expected a mapping, found the text \"a\"", ""),
        (
            "kind: redis, container: --rm",
            "s.container: \"--rm\" is not the name of a container",
            "",
        ),
        ("kind: postgres, user: -x", "s.user: \"-x\" is not the name of a user", ""),
        (
            "kind: postgres, port: 0",
            "s.port: expected a port from 1 to 65535, found the number 0",
            "",
        ),
        ("kind: postgres, range: 1-2", "s.range: has no meaning for a database", ""),
        ("kind: redis, name: x", "s.name: has no meaning for a redis index", ""),
        ("kind: sqlite, container: x", "s.container: has no meaning for a file", ""),
        ("kind: redis, range: 1-65536", "s.range: `1-65536` goes beyond 0 to 65535", ""),
        ("kind: redis, range: 15-1", "s.range: `15-1` runs backwards", ""),
        (
            "kind: redis, main: x",
            "s.main: expected an index from 0 to 65535, found the text \"x\"",
            "",
        ),
        (
            "kind: redis, main: 65536",
            "s.main: expected an index from 0 to 65535, found the number 65536",
            "",
        ),
        ("kind: postgres, main: 'a b'", "s.main: \"a b\" is not the name of a database", ""),
        (
            "kind: postgres, name: app",
            "s.name: lacks `{name}`, so all environments would share one database",
            "`app_{name}`",
        ),
        (
            "kind: postgres, name: 'app_{nam}'",
            "s.name: unknown key `{nam}`",
            "did you mean `name`?",
        ),
        ("kind: postgres, name: 'app_{name'", "s.name: `{` without its partner in `app_{name`", ""),
        ("kind: mysql, name: 'app {name}'", &format!("s.name: {shared}"), ""),
        ("kind: mysql, name: '-{name}'", &format!("s.name: {shared}"), ""),
        (
            "kind: sqlite, name: '/tmp/{name}'",
            "s.name: `/tmp/name` is absolute, but must be relative",
            "",
        ),
        ("kind: sqlite, main: ../x", "s.main: `../x` leaves the directory with `..`", ""),
        ("kind: redis, indexes: 1-2", "s.indexes: unknown key", "known: `kind`"),
        ("kind: redis, variable: 1A", "s.variable: \"1A\" is not a variable name", ""),
    ];
    for (service, message, hint) in cases {
        let text = format!("services:\n  s: {{ {service} }}\n");
        check(&[(&text, &format!("f:2: services.{message}"), hint)]);
    }
    let message = "f:2: services.a b: a service's name holds letters, digits, `_` and `-` only";
    check(&[("services:\n  a b: { kind: redis }", message, "")]);
    let twice = "services:\n  a: { kind: postgres }\n  b: { kind: postgres, variable: B }";
    check(&[(
        twice,
        "f:3: services.b.name: `b` and `a` would share one database",
        "another `name`",
    )]);
}

#[test]
fn of_variables() {
    for name in
        ["PATH", "HOME", "COMPOSE_PROJECT_NAME", "LD_PRELOAD", "GIT_DIR", "AGENTENV_X", "Path"]
    {
        let text = format!("env:\n  A: x\n  {name}: x");
        check(&[(&text, &format!("f:3: env.{name}: `{name}` is reserved"), "")]);
    }
    check(&[
        ("env:\n  A-B: x", "f:2: env.A-B: \"A-B\" is not a variable name", "letters"),
        ("ports:\n  LD_X: { main: 1, range: 2-3 }", "f:2: ports.LD_X: `LD_X` is reserved", ""),
        (
            "ports:\n  path: { main: 1, range: 2-3 }",
            "f:2: ports.path: `path` already has a meaning in templates",
            "",
        ),
        (
            "env:\n  REDIS_DB: x",
            "f:2: env.REDIS_DB: `REDIS_DB` is a variable of `services.redis.variable` already",
            "",
        ),
        (
            "env: {}\nports:\n  REDIS_DB: { main: 1, range: 2-3 }",
            "f:3: services.redis.variable: `REDIS_DB` is a variable of `ports.REDIS_DB` already",
            "",
        ),
        (
            "services:\n  a: { kind: redis }\n  b:\n    kind: redis\n    variable: REDIS_DB",
            "f:5: services.b.variable: `REDIS_DB` is a variable of `services.a.variable` already",
            "",
        ),
        (
            "env:\n  A: '{DJANGO_PROT}'",
            "f:2: env.A: unknown key `{DJANGO_PROT}`",
            "did you mean `DJANGO_PORT`?",
        ),
        ("env:\n  A: x\n  B: '{A}'", "f:3: env.B: unknown key `{A}`", ""),
        (
            "env:\n  A: '{redis.prot}'",
            "f:2: env.A: unknown key `{redis.prot}`",
            "did you mean `redis.port`?",
        ),
        ("env:\n  A: 'x}'", "f:2: env.A: `}` without its partner in `x}`", "`}}`"),
        ("env:\n  A: 'a b'", "f:2: env.A: the value of `A` holds ' ': \"a b\"", "letters"),
        ("env:\n  A: '$HOME/x'", "f:2: env.A: the value of `A` holds '$': \"$HOME/x\"", ""),
        ("env:\n  A: true", "f:2: env.A: expected a text, found `true`", "quotes"),
    ]);
}

#[test]
fn of_hostile_files() {
    check(&[("env: {}\n---\nenv: {}", "f:2: there is a second document", "")]);
    let bomb = "env: &a [x,x,x,x,x,x,x,x,x,x]\nhooks: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\n\
                infra: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nports: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\n\
                services: [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]";
    assert!(refused(bomb).0.contains("more than 10000 values"), "{}", refused(bomb).0);
    let deep = format!("env: {}", "[".repeat(200));
    assert!(refused(&deep).0.starts_with("f:1: "), "{}", refused(&deep).0);
    let large = format!("# {}", "x".repeat(256 * 1024));
    check(&[(&large, "f:1: the file is larger than 256 KiB", "")]);
}
