//! FastAPI, Flask, SQLAlchemy and Alembic.

use super::{Framework, PYTHON, django, servers};
use crate::model::detect::install::{inside, runner};
use crate::model::detect::paths::dir;
use crate::model::detect::plain;
use crate::model::detect::seen::Seen;

/// A Python project that is no Django project.
pub(super) fn find(seen: &Seen) -> Option<Framework> {
    if django::manage(seen).is_some() {
        return None;
    }
    let text = django::dependencies(seen);
    let names = [
        ("fastapi", "FastAPI", 8000),
        ("flask", "Flask", 5000),
        ("sqlalchemy", "SQLAlchemy", 0),
        ("sqlmodel", "SQLModel", 0),
    ];
    let (word, name, port) = names.into_iter().find(|(word, ..)| text.contains(word))?;
    let holds = |(_, text): &(&str, &str)| text.to_lowercase().contains(word);
    let files = seen.files.iter().map(|(path, text)| (path.as_str(), text.as_str()));
    let mut manifests = files.filter(|(path, _)| {
        path.ends_with("pyproject.toml")
            || path.contains("requirements")
            || path.ends_with("Pipfile")
    });
    let (file, _) = manifests.find(holds)?;
    let alembic = seen.named("alembic.ini").next();
    Some(Framework {
        found: format!("{file}: {name}"),
        port: (port > 0).then(|| ("PORT".to_owned(), port)),
        second: false,
        serve: serve(seen, name, &text),
        servers: servers(&text, PYTHON),
        migrate: alembic.map(|file| migrate(seen, file)).into_iter().collect(),
        notes: alembic.and_then(|file| literal(seen, file)).into_iter().collect(),
        ..Framework::default()
    })
}

/// Where the one application that code makes at its top starts, and the command for that.
fn serve(seen: &Seen, framework: &str, dependencies: &str) -> Option<(String, String)> {
    let (make, command) = match framework {
        "FastAPI" if dependencies.contains("uvicorn") || dependencies.contains("fastapi[") => {
            ("FastAPI(", "uvicorn {} --port $PORT")
        }
        "Flask" => ("Flask(", "flask --app {} run --port $PORT"),
        _ => return None,
    };
    let name = |line: &str| {
        let (name, value) = line.split_once('=')?;
        let name = name.split(':').next()?.trim_end();
        let is_name = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
        (is_name && value.trim_start().starts_with(make)).then(|| name.to_owned())
    };
    let files = seen.files.iter().chain(&seen.others);
    let code =
        files.filter(|(path, text)| path.ends_with(".py") && plain::is_tracked(seen, path, text));
    let mut made = code.filter_map(|(path, text)| Some((path, text.lines().find_map(name)?)));
    let (path, app) = made.next().filter(|_| made.next().is_none())?;
    let mut top = dir(path);
    while seen.tracked.contains(&format!("{top}__init__.py")) && !top.is_empty() {
        top = dir(top.trim_end_matches('/'));
    }
    let module = path.strip_prefix(top)?.strip_suffix(".py")?.replace('/', ".");
    let module = module.strip_suffix(".__init__").unwrap_or(&module);
    let command = command.replace("{}", &format!("{module}:{app}"));
    Some((top.to_owned(), format!("{}{command}", inside(seen, top))))
}

fn migrate(seen: &Seen, file: &str) -> String {
    let dir = dir(file);
    // Flask-Migrate starts Alembic by itself, at the top of the application.
    if !seen.text(file).contains("script_location") && seen.text(file).contains("[alembic]") {
        let program = if is_flasks(seen) { "flask" } else { "python manage.py" };
        return format!("{}{program} db upgrade", runner(seen, dir));
    }
    format!("{}alembic upgrade head", inside(seen, dir))
}

/// Flask finds the application by itself or by a variable; else the project's own program may.
fn is_flasks(seen: &Seen) -> bool {
    let has = |name: &str| seen.tracked.contains(name);
    let mut files = seen.files.iter().filter(|(path, _)| seen.is_environment(path));
    !has("manage.py")
        || has("app.py")
        || has("wsgi.py")
        || files.any(|(_, text)| text.contains("FLASK_APP"))
}

/// A URL that no variable reaches, unless `env.py` replaces it.
fn literal(seen: &Seen, file: &str) -> Option<String> {
    let line =
        seen.text(file).lines().find(|line| line.trim_start().starts_with("sqlalchemy.url"))?;
    let url = line.split_once('=')?.1.trim();
    (url.starts_with("postgres") && !url.contains("%(")).then(|| {
        format!("{file} names the database in `sqlalchemy.url`: make sure that env.py replaces it by a variable")
    })
}
