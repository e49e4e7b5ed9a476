//! The server that a package's script starts, and how it gets its port.

use super::said::{of_code, of_script, of_settings, of_words};
use crate::model::detect::packages::starting;
use crate::model::detect::paths::dir;
use crate::model::detect::scripts::{self, End};
use crate::model::detect::seen::Seen;
use serde_json::Value;

/// How a server gets its port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::model::detect) enum By {
    /// It reads the variable.
    Variable,
    /// By an option of its script.
    Option(String),
    /// Its script says one, which nothing can replace.
    Nothing,
}

/// A server that a package starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::model::detect) struct Serves {
    /// The framework.
    pub(in crate::model::detect) title: &'static str,
    /// The variable for its port.
    pub(in crate::model::detect) variable: String,
    /// The port in the main checkout.
    pub(in crate::model::detect) main: u16,
    /// It runs beside another one.
    pub(in crate::model::detect) is_second: bool,
    pub(in crate::model::detect) by: By,
}

/// Frameworks that listen, with the variable and the port that they listen on; `true`: beside another server.
pub(super) const SERVERS: [(&str, &str, &str, u16, bool); 12] = [
    ("next", "Next.js", "PORT", 3000, false),
    ("nuxt", "Nuxt", "PORT", 3000, false),
    ("@remix-run/node", "Remix", "PORT", 3000, false),
    ("vite", "Vite", "VITE_PORT", 5173, true),
    ("@sveltejs/kit", "SvelteKit", "VITE_PORT", 5173, true),
    ("astro", "Astro", "VITE_PORT", 4321, true),
    ("@angular/core", "Angular", "NG_PORT", 4200, true),
    ("express", "Express", "PORT", 3000, false),
    ("fastify", "Fastify", "PORT", 3000, false),
    ("koa", "Koa", "PORT", 3000, false),
    ("@nestjs/core", "NestJS", "PORT", 3000, false),
    ("hono", "Hono", "PORT", 3000, false),
];

/// The frameworks' own programs; `true`: they read no variable by themselves.
const PROGRAMS: [(&str, bool); 9] = [
    ("astro", true),
    ("next", false),
    ("ng", true),
    ("nuxi", false),
    ("nuxt", false),
    ("react-router", true),
    ("remix", false),
    ("svelte-kit", true),
    ("vite", true),
];

/// What these programs do instead of listening.
const OTHERS: [&str; 8] =
    ["build", "check", "export", "generate", "lint", "sync", "typegen", "optimize"];

/// Programs that run code, which may listen.
const CODE: [&str; 14] = [
    "babel-node",
    "bash",
    "bun",
    "deno",
    "fastify",
    "nest",
    "node",
    "node-dev",
    "nodemon",
    "sh",
    "ts-node",
    "ts-node-dev",
    "tsx",
    "vite-node",
];

/// Whether a program is the server of a framework of this kind, perhaps behind one that is not known.
fn listens(end: &End<'_>, is_second: bool) -> bool {
    let is_program = |word: &String| PROGRAMS.iter().find(|(name, _)| name == word);
    let found = end.words.iter().enumerate().find_map(|(at, word)| Some((at, is_program(word)?)));
    match found {
        Some((at, (_, fixed))) => {
            *fixed == is_second
                && !end.words[at + 1..].iter().any(|word| OTHERS.contains(&word.as_str()))
        }
        None => {
            let program = end.words[0].as_str();
            !is_second && (CODE.contains(&program) || program.contains('.'))
        }
    }
}

/// The server of a `package.json`: by its packages, and by what its script runs where it has scripts.
pub(in crate::model::detect) fn serves(seen: &Seen, file: &str) -> Option<Serves> {
    let package: Value = serde_json::from_str(seen.text(file)).ok()?;
    let script = starting(seen, file);
    if script.is_none() && package["scripts"].is_object() {
        return None;
    }
    // What a program of the project's own runs is not known.
    let ends = script.map(|script| scripts::ends(seen, file, script));
    let ends = ends.filter(|ends| !ends.is_empty());
    let given = script.and_then(|name| of_script(package["scripts"][name].as_str()?));
    SERVERS.iter().filter(|(name, ..)| needs(&package, name)).find_map(|row| {
        let (_, title, variable, main, is_second) = *row;
        let is_it = |end: &&End<'_>| end.file == file && listens(end, is_second);
        let end = match &ends {
            Some(ends) => Some(ends.iter().find(is_it)?),
            None => None,
        };
        let option = |name: &str| match end {
            Some(end) if !end.is_open => By::Nothing,
            _ => By::Option(name.to_owned()),
        };
        let usual = if is_second { option("--port") } else { By::Variable };
        let said = end.and_then(|end| of_words(&end.words));
        // A vite.config may be beside a server that does not use it, and these programs read PORT themselves.
        let is_programs = |end: &End<'_>| PROGRAMS.iter().any(|(name, _)| *name == end.words[0]);
        let near = dir(file);
        let of_files = || match is_second {
            true => of_settings(seen, near),
            false => of_code(seen, near).filter(|_| !end.is_some_and(is_programs)),
        };
        let (variable, main, by) = match (said, given.clone()) {
            (Some((name, main)), _) => (variable.to_owned(), main, option(name)),
            (None, Some((None, said))) => (variable.to_owned(), said.unwrap_or(main), By::Nothing),
            (None, given) => match given.or_else(of_files) {
                Some((Some(own), said)) => (own, said.unwrap_or(main), By::Variable),
                Some((None, said)) => (variable.to_owned(), said.unwrap_or(main), usual),
                None => (variable.to_owned(), main, usual),
            },
        };
        Some(Serves { title, variable, main, is_second, by })
    })
}

pub(super) fn needs(package: &Value, name: &str) -> bool {
    ["dependencies", "devDependencies"].iter().any(|key| package[key].get(name).is_some())
}
