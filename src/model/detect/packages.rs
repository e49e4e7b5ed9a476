//! The processes that a project's `package.json` files name.

use super::Port;
use super::compose;
use super::frameworks::{self, By, Serves};
use super::install::above;
use super::paths::dir;
use super::ports;
use super::processes::{Process, enter, is_name, owned, port_before};
use super::scripts::{self, End};
use super::seen::Seen;

/// Lock files of Node.js with the command that runs a script, and what stands before the script's own options.
const RUNNERS: [(&str, &str, &str); 5] = [
    ("pnpm-lock.yaml", "pnpm run", ""),
    ("yarn.lock", "yarn run", ""),
    ("bun.lock", "bun run", ""),
    ("bun.lockb", "bun run", ""),
    ("package-lock.json", "npm run", "-- "),
];

/// Programs that show an application of a phone or of a desktop.
const DEVICES: [&str; 6] = ["expo", "electron", "react-native", "capacitor", "ionic", "tauri"];

/// The script that starts a package.
pub(super) struct Script<'a> {
    /// The `package.json`.
    pub(super) file: &'a str,
    name: String,
    serves: Option<Serves>,
    /// Another package has a server: this one takes no port.
    is_beside: bool,
    /// The script at the top that starts this package and no other: it gives it what it needs.
    by_top: Option<(&'a str, String)>,
}

/// What starts each package. Others than servers are libraries and tools, but for those among applications.
pub(super) fn of(seen: &Seen) -> Vec<Script<'_>> {
    let mut packages: Vec<Script<'_>> =
        seen.named("package.json").filter_map(|file| script(seen, file)).collect();
    let started = started(seen);
    let is_started = |one: &Script<'_>| started.contains(&one.file);
    if packages.iter().any(|one| one.serves.is_some() && is_started(one)) {
        packages.retain(is_started);
    }
    if packages.iter().any(|one| one.serves.is_some()) {
        let is_run = |file: &str| ["apps/", "services/"].iter().any(|all| file.starts_with(all));
        packages.retain(|one| one.serves.is_some() || is_run(one.file));
        packages.iter_mut().for_each(|one| one.is_beside = one.serves.is_none());
        let order = |server: &Serves| 1 + u8::from(server.is_second);
        // Of several applications, the one that is called so is the one to look at.
        let is_other = |one: &Script<'_>| {
            let dir = dir(one.file);
            !dir.is_empty() && !dir.ends_with("/web/")
        };
        packages.sort_by_key(|one| (one.serves.as_ref().map_or(3, order), is_other(one)));
    }
    let tops = tops(seen, &packages);
    packages.iter_mut().for_each(|one| one.by_top = one.by_top(&tops));
    packages
}

/// The script `dev` or `start`, unless it runs nothing on this machine's ports by its nature.
fn script<'a>(seen: &'a Seen, file: &'a str) -> Option<Script<'a>> {
    let name = starting(seen, file)?;
    let ends = scripts::ends(seen, file, name);
    let is_device = |end: &End<'_>| DEVICES.contains(&end.words[0].as_str());
    // What only tells the reader something, such as another command, starts nothing.
    let is_word = |end: &End<'_>| match end.words[0].as_str() {
        "echo" | "exit" | "printf" => true,
        "node" => end.words.get(1).is_some_and(|word| ["-e", "--eval", "-p"].contains(&&**word)),
        _ => false,
    };
    // A script that runs those of other packages starts nothing itself.
    let is_run = |end: &End<'_>| end.file == file && !is_device(end) && !is_word(end);
    let is_own = ends.is_empty() || ends.iter().any(is_run);
    let serves = frameworks::serves(seen, file);
    is_own.then(|| Script { file, name: name.to_owned(), serves, is_beside: false, by_top: None })
}

/// Scripts that start a package, those for development first: `start` may run what was built.
const STARTING: [&str; 5] = ["dev", "start:dev", "dev:server", "start:server", "start"];

/// The script that starts a package.
pub(super) fn starting(seen: &Seen, file: &str) -> Option<&'static str> {
    let scripts = scripts::scripts(seen, file);
    STARTING.into_iter().find(|wanted| scripts.iter().any(|(name, _)| name == wanted))
}

/// The packages that the script at the top starts.
fn started(seen: &Seen) -> Vec<&str> {
    let Some(top) = top(seen) else { return Vec::new() };
    let ends = starting(seen, top).map(|name| scripts::ends(seen, top, name));
    ends.into_iter().flatten().map(|end| end.file).filter(|file| *file != top).collect()
}

fn top(seen: &Seen) -> Option<&str> {
    seen.named("package.json").next().filter(|file| dir(file).is_empty())
}

/// What a script lacks that is not started.
pub(super) enum Left {
    /// A port of its own.
    Port(Port),
    /// What no file says, in words.
    Words(String),
}

/// A script at the top: its file, its name, and the programs of other packages that it runs.
type Top<'a> = (&'a str, String, Vec<End<'a>>);

/// The scripts at the top that may start one of the packages.
fn tops<'a>(seen: &'a Seen, packages: &[Script<'a>]) -> Vec<Top<'a>> {
    let Some(top) = top(seen) else { return Vec::new() };
    let mut names: Vec<String> =
        scripts::scripts(seen, top).into_iter().map(|(name, _)| name).collect();
    names.retain(|name| packages.iter().any(|one| one.file != top && name.contains(&one.name)));
    names.sort();
    let each = names.into_iter().map(|name| {
        let mut ends = scripts::ends(seen, top, &name);
        ends.retain(|end| end.file != top);
        (top, name, ends)
    });
    each.collect()
}

impl<'a> Script<'a> {
    fn by_top(&self, tops: &[Top<'a>]) -> Option<(&'a str, String)> {
        let needs_option = self.serves.as_ref().is_some_and(|one| matches!(one.by, By::Option(_)));
        let is_own = |end: &End<'_>| end.file == self.file && (end.is_open || !needs_option);
        let is_it = |(file, name, ends): &&Top<'_>| {
            *file != self.file
                && name.contains(&self.name)
                && !ends.is_empty()
                && ends.iter().all(is_own)
        };
        let found = || tops.iter().filter(is_it);
        let same = found().find(|(_, name, _)| *name == self.name);
        same.or_else(|| found().next()).map(|(file, name, _)| (*file, name.clone()))
    }
}

impl Script<'_> {
    /// It starts a server while it is developed.
    pub(super) fn is_main(&self) -> bool {
        self.name != "start" && self.serves.as_ref().is_some_and(|server| !server.is_second)
    }

    /// The process under `web` or, where that is taken, under the directory's name, else as its second.
    /// Two programs cannot listen on one port: `Err` is what it lacks.
    pub(super) fn process(
        &self,
        seen: &Seen,
        ports: &[Port],
        found: &[Process],
    ) -> Result<Option<Process>, Left> {
        let is_free = |port: &&Port| !found.iter().any(|other| other.reads(&port.variable));
        let first = || ports.first().filter(is_free).filter(|port| !ports::is_from_code(port));
        let of_server = |serves: &Serves| {
            let own = owned(ports, &serves.variable).filter(is_free);
            let own = own.or_else(|| owned(ports, &self.apart()).filter(is_free));
            let is_any = !serves.is_second && serves.variable == "PORT";
            own.or_else(|| first().filter(|_| is_any))
        };
        let port = match &self.serves {
            Some(serves) => Some(of_server(serves).ok_or_else(|| self.left(ports, serves))?),
            None if self.is_beside => None,
            None => Some(first().ok_or_else(|| self.unknown())?),
        };
        let is_taken = |name: &str| found.iter().any(|known| known.name == name);
        let names = ["web".to_owned(), self.near().to_owned(), format!("{}-2", self.near())];
        let name = names.into_iter().find(|name| !is_taken(name)).unwrap_or_default();
        let (run, note) = self.run(seen, port);
        let is_second = self.serves.as_ref().is_some_and(|server| server.is_second);
        let process = Process {
            name,
            run,
            note,
            port: port.map(|port| port.variable.clone()),
            place: (!is_second).then(|| dir(self.file).to_owned()),
        };
        Ok(is_name(&process.name).then_some(process))
    }

    /// The variable for its port where another package has the usual one.
    fn apart(&self) -> String {
        format!("{}_PORT", compose::variable(self.near()))
    }

    /// The name of its directory; at the top, what stands beside another application.
    fn near(&self) -> &str {
        let name = dir(self.file).trim_end_matches('/').rsplit('/').next();
        name.filter(|name| !name.is_empty()).unwrap_or("frontend")
    }

    /// The port that a server lacks. What is no application of its own may be an example.
    fn left(&self, ports: &[Port], serves: &Serves) -> Left {
        if ["packages/", "libs/"].iter().any(|all| self.file.starts_with(all)) {
            return self.unknown();
        }
        let variable = match owned(ports, &serves.variable) {
            None => serves.variable.clone(),
            Some(_) => self.apart(),
        };
        let is_free = |main: &u16| ports.iter().all(|port| port.main != *main);
        let main = (serves.main..).find(is_free).unwrap_or(serves.main);
        let why = format!("{}: {}", self.file, serves.title);
        Left::Port(Port { variable, main, why })
    }

    fn unknown(&self) -> Left {
        Left::Words(format!(
            "a port for `{}` of {}: add one to `ports:`, and what starts it to `processes:`",
            self.name, self.file
        ))
    }

    /// The command, and what the user should know of it.
    fn run(&self, seen: &Seen, port: Option<&Port>) -> (String, Option<String>) {
        let (file, script) = match &self.by_top {
            Some((file, script)) => (*file, script),
            None => (self.file, &self.name),
        };
        let (runner, options) = runner_of_scripts(seen, file);
        let enter = enter(dir(file));
        let run = format!("{runner} {script}");
        let reads_port = self.serves.as_ref().is_none_or(|server| server.variable == "PORT");
        match (self.serves.as_ref().map(|server| &server.by), port) {
            (Some(By::Option(option)), Some(port)) => {
                (format!("{enter}{run} {options}{option} ${}", port.variable), None)
            }
            (Some(By::Nothing), Some(port)) => {
                let note = format!(
                    "{}: `{}` listens on port {} in every environment: make it read a variable, {}",
                    self.file, self.name, port.main, port.variable
                );
                (enter + &run, Some(note))
            }
            _ if reads_port => (enter + &port_before(port) + &run, None),
            _ => (enter + &run, None),
        }
    }
}

/// What runs a script of a `package.json`, and what stands before the script's own options: by the nearest lock file.
pub(super) fn runner_of_scripts(seen: &Seen, file: &str) -> (&'static str, &'static str) {
    let found = RUNNERS.iter().filter_map(|row| Some((above(seen, row.0, dir(file))?.len(), row)));
    let (_, (_, run, options)) = found.max_by_key(|(depth, _)| *depth).unwrap_or((0, &RUNNERS[4]));
    (run, options)
}
