//! A project as `.agentenv.yaml`, with comments.

use crate::model::config::{self, Kind, Place};
use crate::model::detect::ports::UNPRIVILEGED;
use crate::model::detect::{Port, Project, Service};
use std::fmt::Write;

/// The keys that give each environment a copy of the main checkout's database as it is after these migrations.
const TEMPLATE: &str = "from: main, template: { key: [";

/// How many environments the ports are for.
const WIDTH: u16 = 19;

/// What is added to a port that not every user may listen on.
const HIGH: u16 = 8000;

/// Ports that are closer together than this cannot follow each other.
const NEAR: u16 = 5;

/// The configuration file; with `hooks`, the commands in it are active.
pub fn render(project: &Project, worktree: Option<&str>, hooks: bool) -> String {
    let mut text = String::from(
        "# Each branch gets its own ports, database and Redis:\n# `git agentenv add <branch>`. Omitted keys have their defaults.\n",
    );
    for note in &project.notes {
        line(&mut text, &format!("# {note}"));
    }
    if let Some(worktree) = worktree {
        line(&mut text, &format!("\nworktree: {}", quoted(worktree)));
    }
    if let Some(url) = &project.url {
        line(&mut text, &format!("\nurl: {}", quoted(url)));
    }
    line(&mut text, "\nports:    # `main`: the main checkout's; `range`: for environments");
    for (at, port) in project.ports.iter().enumerate() {
        line(
            &mut text,
            &format!(
                "  {}: {{ main: {}, {} }}    # {}",
                port.variable,
                port.main,
                range(&project.ports, at),
                port.why
            ),
        );
    }
    line(&mut text, if project.services.is_empty() { "\nservices: {}" } else { "\nservices:" });
    for service in &project.services {
        write_service(&mut text, project, service);
    }
    if !project.env.is_empty() {
        line(&mut text, "\nenv:    # further variables: templates of those above");
        for (name, template) in &project.env {
            line(&mut text, &format!("  {name}: {}", quoted(template)));
        }
    } else {
        line(&mut text, "\nenv: {}");
    }
    if let Some(file) = &project.compose {
        let why = "# each environment gets a file of its own: COMPOSE_FILE";
        let keep: Vec<String> = project.keep.iter().map(|name| quoted(name)).collect();
        let keep = match keep.is_empty() {
            true => String::new(),
            false => format!(", keep: [{}]", keep.join(", ")),
        };
        line(&mut text, &format!("\ncompose: {{ file: {}{keep} }}    {why}", quoted(file)));
    }
    if !project.processes.is_empty() {
        line(
            &mut text,
            "\nprocesses:    # what `git agentenv up` starts, after `git agentenv trust`",
        );
        for (name, command) in &project.processes {
            line(&mut text, &format!("  {name}: {}", quoted(command)));
        }
    }
    if !project.copy.is_empty() {
        let copy: Vec<String> =
            project.copy.iter().map(|path| quoted(&format!("/{path}"))).collect();
        let why = "# ignored by git, so new worktrees lack them";
        line(&mut text, &format!("\ncopy: [{}]    {why}", copy.join(", ")));
    }
    write_hooks(&mut text, project, hooks);
    if let Some(file) = &project.infra {
        line(
            &mut text,
            &format!(
                "\ninfra: {{ file: {} }}    # started by `git agentenv infra up`",
                quoted(file)
            ),
        );
    }
    text
}

/// A service in the fewest lines that fit a terminal.
fn write_service(text: &mut String, project: &Project, service: &Service) {
    let kind = match service.kind {
        Kind::Redis => "redis",
        Kind::Mysql => "mysql",
        _ => "postgres",
    };
    let mut fields = vec![format!("kind: {kind}"), format!("variable: {}", service.variable)];
    if service.kind != Kind::Redis {
        fields.push(format!("name: {}", quoted(&database(project, service))));
        fields.push(format!("main: {}", quoted(&service.main)));
        fields.push(format!("user: {}", quoted(&service.user)));
    } else {
        fields.push(format!("main: {}", service.main));
        // `infra up` starts one with 64.
        let last = if service.place.is_none() { 63 } else { 15 };
        fields.push(format!("range: 1-{last}"));
    }
    fields.push(match &service.place {
        None => format!("container: agentenv-{kind}-1"),
        Some(Place::Container(name)) => format!("container: {}", quoted(name)),
        Some(Place::Compose { project, service }) => {
            format!("compose: {{ project: {}, service: {} }}", quoted(project), quoted(service))
        }
        Some(Place::Host) => "host: true".to_owned(),
    });
    fields.push(format!("port: {}", service.port));
    fields.extend(service.password_env.iter().map(|name| format!("password_env: {name}")));
    if service.kind != Kind::Redis && !project.also.is_empty() {
        fields.push(also(project, service));
    }
    line(text, &format!("  {}:    # {}", service.key, service.why));
    for (at, row) in rows(&fields).iter().enumerate() {
        line(text, &format!("    {}{row}", if at == 0 { "{ " } else { "  " }));
    }
    if service.kind != Kind::Redis && !project.key.is_empty() {
        let key: Vec<String> = project.key.iter().map(|pattern| quoted(pattern)).collect();
        line(
            text,
            "    # To begin with the main checkout's data instead of all migrations, add above:",
        );
        line(text, &format!("    # {TEMPLATE}{}] }}", key.join(", ")));
    }
}

/// The databases that tests make, which go with the environment.
fn also(project: &Project, service: &Service) -> String {
    let own = format!("{{{}}}", service.variable);
    let patterns = project.also.iter().map(|pattern| quoted(&pattern.replace(config::OWN, &own)));
    format!("also: [{}]", patterns.collect::<Vec<_>>().join(", "))
}

/// The template of a database's name; no other service has the same.
fn database(project: &Project, service: &Service) -> String {
    let stem = stem(&service.main);
    let earlier = project.services.iter().take_while(|other| other.key != service.key);
    match earlier.into_iter().any(|other| self::stem(&other.main) == stem) {
        true => format!("{stem}_{}_{{name}}", service.key),
        false => format!("{stem}_{{name}}"),
    }
}

/// The fields in lines of a terminal's width, with commas and the closing brace.
fn rows(fields: &[String]) -> Vec<String> {
    let mut rows: Vec<String> = Vec::new();
    for (at, field) in fields.iter().enumerate() {
        let end = if at + 1 == fields.len() { " }" } else { "," };
        match rows.last_mut().filter(|row| row.len() + field.len() < 70) {
            Some(row) => row.push_str(&format!(" {field}{end}")),
            None => rows.push(format!("{field}{end}")),
        }
    }
    rows
}

fn write_hooks(text: &mut String, project: &Project, active: bool) {
    let Project { hooks, held, inside, unsure, .. } = project;
    if [hooks, held, inside].iter().all(|commands| commands.is_empty()) && unsure.is_none() {
        return;
    }
    let mark = if active && !hooks.is_empty() { "" } else { "# " };
    line(
        text,
        &format!("\n{mark}hooks:    # run in each new worktree, after `git agentenv trust`"),
    );
    line(text, &format!("{mark}  post_add:"));
    for hook in hooks {
        line(text, &format!("{mark}    - {}", quoted(hook)));
    }
    if !held.is_empty() {
        line(text, "    # Not yet: this would change the main checkout's database, see above.");
    }
    for hook in held {
        line(text, &format!("    # - {}", quoted(hook)));
    }
    if !inside.is_empty() {
        line(text, "    # From devcontainer.json; written for its container, check before use:");
    }
    for hook in inside {
        line(text, &format!("    # - {}", quoted(hook)));
    }
    if let Some(hook) = unsure {
        line(text, "    # May do more than migrate the environment's database, check before use:");
        line(text, &format!("    # - {}", quoted(hook)));
    }
}

/// The first port has the range, and the others keep their distance from it, unless they are neighbours.
fn range(ports: &[Port], at: usize) -> String {
    let near = |a: u16, b: u16| a.abs_diff(b) <= NEAR;
    let (first, port) = (&ports[0], &ports[at]);
    let gap = |port: &Port| {
        ports.iter().map(|other| other.main.abs_diff(port.main)).filter(|gap| *gap > NEAR).min()
    };
    let width = ports.iter().filter_map(gap).min().map_or(WIDTH, |gap| WIDTH.min(gap - 1));
    let is_low = port.main < UNPRIVILEGED;
    let crowded = is_low || ports[..at].iter().any(|other| near(other.main, port.main));
    if at == 0 || crowded {
        let shift = u16::try_from(at).unwrap_or(0) * 100;
        // No environment gets the port of a neighbour of the main checkout's.
        let mains = ports.iter().map(|other| other.main).filter(|main| near(*main, port.main));
        let last = mains.max().unwrap_or(port.main) + if is_low { HIGH } else { 0 };
        let begin = last.saturating_add(shift).min(u16::MAX - WIDTH - 1);
        return format!("range: {}-{}", begin + 1, begin + width.max(1));
    }
    format!("follows: {}", first.variable)
}

/// `app_db` and `app_development` are databases of `app`.
pub(super) fn stem(database: &str) -> &str {
    let endings = ["_development", "_dev", "_db", "_main", "_local"];
    let cut = endings.iter().find_map(|ending| database.strip_suffix(ending));
    cut.filter(|stem| !stem.is_empty()).unwrap_or(database)
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Adds one line, behind an empty one where the text begins with a line break: others, which a file's name may hold, would
/// end a comment.
fn line(text: &mut String, line: &str) {
    let (gap, line) = line.strip_prefix('\n').map_or(("", line), |line| ("\n", line));
    let is_break = |c: char| c.is_control() || ['\u{2028}', '\u{2029}'].contains(&c);
    let printable = line.replace(is_break, " ");
    // A String takes everything.
    writeln!(text, "{gap}{}", printable.trim_end()).ok();
}
