//! Django, and what a Python project of any kind depends on.

use super::{Framework, PYTHON, servers};
use crate::model::detect::directories;
use crate::model::detect::install::inside;
use crate::model::detect::paths::dir;
use crate::model::detect::seen::Seen;

/// `manage.py`, wherever it is.
pub(super) fn find(seen: &Seen) -> Option<Framework> {
    let manage = manage(seen)?;
    let text = dependencies(seen);
    Some(Framework {
        found: format!("{manage}: Django"),
        port: Some(("DJANGO_PORT".to_owned(), 8000)),
        second: false,
        servers: servers(&text, PYTHON),
        prepare: directories::command(seen).into_iter().collect(),
        // Settings may name files from the directory of `manage.py` on.
        migrate: vec![format!("{}python manage.py migrate", inside(seen, dir(manage)))],
        also: &["test_{}", "test_{}_*"],
        ..Framework::default()
    })
}

/// The `manage.py` of a Django project.
pub(in crate::model::detect) fn manage(seen: &Seen) -> Option<&str> {
    let is_django = |path: &&str| seen.text(path).to_lowercase().contains("django");
    seen.named("manage.py").find(is_django)
}

/// Everything that says which packages a Python project needs, in lower case, and its settings.
pub(super) fn dependencies(seen: &Seen) -> String {
    let endings = ["pyproject.toml", "Pipfile", "settings.py"];
    let requirements = |(path, _): &(&str, &str)| {
        endings.iter().any(|ending| path.ends_with(ending))
            || (path.contains("requirements") && path.ends_with(".txt"))
            || (path.contains("settings/") && path.ends_with(".py"))
    };
    let files = seen.files.iter().map(|(path, text)| (path.as_str(), text.as_str()));
    files.filter(requirements).map(|(_, text)| text.to_lowercase()).collect()
}

/// The settings that allow `localhost`, and no host name of an environment's own.
pub(in crate::model::detect) fn only_localhost(seen: &Seen) -> Option<String> {
    let (path, line) = seen.ending(&[".py"]).find_map(|(path, text)| {
        let line = text.lines().find(|line| line.trim_start().starts_with("ALLOWED_HOSTS"))?;
        Some((path, line))
    })?;
    let open = ["*", ".localhost", "[]"].iter().any(|host| line.contains(host));
    (line.contains("localhost") && !open).then(|| path.to_owned())
}
