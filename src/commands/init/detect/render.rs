//! A project as `.agentenv.yaml`, with comments.

use crate::commands::init::detect::{Port, Project, Service};
use crate::model::config::{Kind, Place};
use std::fmt::Write;

/// How many environments the ports are for.
const WIDTH: u16 = 19;

/// Ports that are closer together than this cannot follow each other.
const NEAR: u16 = 5;

/// The configuration file; with `hooks`, the commands in it are active.
pub fn render(project: &Project, worktree: Option<&str>, hooks: bool) -> String {
    let mut text = String::from(
        "# Each branch its own ports, database and Redis: `git agentenv add <branch>`.\n# What is left out has its default.\n",
    );
    for note in &project.notes {
        line(&mut text, &format!("# {note}"));
    }
    if let Some(worktree) = worktree {
        line(&mut text, &format!("\nworktree: {}", quoted(worktree)));
    }
    line(&mut text, "\nports:    # `main`: the main checkout's own; `range`: the environments'");
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
        write_service(&mut text, service);
    }
    if !project.env.is_empty() {
        line(&mut text, "\nenv:    # further variables, made of those above");
        for (name, template) in &project.env {
            line(&mut text, &format!("  {name}: {}", quoted(template)));
        }
    } else {
        line(&mut text, "\nenv: {}");
    }
    write_hooks(&mut text, &project.hooks, hooks);
    if let Some(file) = &project.infra {
        line(
            &mut text,
            &format!(
                "\ninfra: {{ file: {} }}    # `git agentenv infra up` starts it",
                quoted(file)
            ),
        );
    }
    text
}

fn write_service(text: &mut String, service: &Service) {
    let key = if service.kind == Kind::Redis { "redis" } else { "postgres" };
    line(text, &format!("  {key}:    # {}", service.why));
    line(text, &format!("    kind: {key}\n    variable: {}", service.variable));
    if service.kind == Kind::Postgres {
        line(text, &format!("    name: {}", quoted(&format!("{}_{{name}}", stem(&service.main)))));
        line(text, &format!("    main: {}    # never touched", quoted(&service.main)));
        line(text, &format!("    user: {}", quoted(&service.user)));
    } else {
        let first = if service.main == "0" { 1 } else { 0 };
        let range = format!("{first}-15");
        line(text, &format!("    main: {}\n    range: {range}", service.main));
    }
    match &service.place {
        None => line(
            text,
            &format!("    container: agentenv-{key}-1    # what `git agentenv infra up` starts"),
        ),
        Some(Place::Container(name)) => line(text, &format!("    container: {}", quoted(name))),
        Some(Place::Compose { project, service }) => line(
            text,
            &format!(
                "    compose: {{ project: {}, service: {} }}",
                quoted(project),
                quoted(service)
            ),
        ),
        Some(Place::Host) => line(text, "    host: true"),
    }
    line(text, &format!("    port: {}", service.port));
}

fn write_hooks(text: &mut String, hooks: &[String], active: bool) {
    if hooks.is_empty() {
        return;
    }
    let mark = if active { "" } else { "# " };
    line(
        text,
        &format!(
            "\n{mark}hooks:    # run in each new worktree, once `git agentenv trust` approved them"
        ),
    );
    line(text, &format!("{mark}  post_add:"));
    for hook in hooks {
        line(text, &format!("{mark}    - {}", quoted(hook)));
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
    let crowded = ports[..at].iter().any(|other| near(other.main, port.main));
    if at == 0 || crowded {
        let shift = u16::try_from(at).unwrap_or(0) * 100;
        let begin = port.main.saturating_add(shift).min(u16::MAX - WIDTH - 1);
        return format!("range: {}-{}", begin + 1, begin + width.max(1));
    }
    format!("follows: {}", first.variable)
}

/// `app_db` and `app_development` are databases of `app`.
fn stem(database: &str) -> &str {
    let endings = ["_development", "_dev", "_db", "_main", "_local"];
    let cut = endings.iter().find_map(|ending| database.strip_suffix(ending));
    cut.filter(|stem| !stem.is_empty()).unwrap_or(database)
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn line(text: &mut String, line: &str) {
    let printable: String = line.chars().filter(|c| !c.is_control() || *c == '\n').collect();
    // A String takes everything.
    writeln!(text, "{}", printable.trim_end()).ok();
}
