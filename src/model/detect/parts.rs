//! The parts of the main checkout that environments need parts of their own instead of.

use crate::model::config::Kind;
use crate::model::detect::clues::Clues;
use crate::model::detect::endpoint;
use crate::model::detect::roles::{self, Role};
use crate::model::detect::sections::development;
use crate::model::detect::servers::is_plain;
use crate::model::detect::url::Url;
use crate::model::detect::vars::Var;
use crate::model::name;

/// Such a part.
pub(super) struct Part<'a> {
    pub(super) main: String,
    /// No file says so.
    pub(super) is_guess: bool,
    /// The server, of those in compose files.
    pub(super) site: Option<usize>,
    pub(super) variable: Option<&'a Var>,
    pub(super) url: Option<&'a Url>,
    pub(super) why: String,
}

impl Clues<'_> {
    /// Those that clues tell apart.
    pub(super) fn distinct(&self) -> Vec<Part<'_>> {
        let mut found: Vec<Part<'_>> = Vec::new();
        for var in &self.parts {
            let site = self.site_beside(var);
            let (main, is_guess) = self.main(&var.value, site);
            if self.kind == Kind::Redis || self.is_new(&found, var, &main, site) {
                let why = format!("{}: {}", var.file, var.name);
                found.push(Part { main, is_guess, site, variable: Some(var), url: None, why });
            }
        }
        for (var, url) in &self.urls {
            let site = self.site(url);
            let (main, is_guess) = self.main(&url.part, site);
            match found.iter_mut().find(|known| known.main == main && known.site == site) {
                Some(known) => known.url = known.url.or(Some(url)),
                None => {
                    let why = format!("{}: {}", var.file, var.name);
                    let variable = Some(*var);
                    found.push(Part { main, is_guess, site, variable, url: Some(url), why });
                }
            }
        }
        for (var, url) in &self.urls {
            let appended = self.evidence.appended.iter().filter(|one| one.name == var.name);
            for one in appended {
                let (main, site) = (one.index.to_string(), self.site(url));
                if !found.iter().any(|known| known.main == main && known.site == site) {
                    let why = format!("{}: {}", one.file, one.name);
                    let (variable, url) = (Some(*var), Some(url));
                    found.push(Part { main, is_guess: false, site, variable, url, why });
                }
            }
        }
        if found.is_empty() {
            let site = (!self.placed.is_empty()).then_some(0);
            let why = self.placed.first().map(|(stack, service)| stack.why(service));
            let why = why
                .or_else(|| self.packages().next())
                .or_else(|| self.replaced())
                .or_else(|| self.called());
            let (main, is_guess) = self.main("", site);
            let part = |why| Part { main, is_guess, site, variable: None, url: None, why };
            found.extend(why.map(part));
        }
        found
    }

    /// Where settings say that there is a database, and a variable replaces them.
    fn replaced(&self) -> Option<String> {
        let mut places = self.evidence.replaced.iter();
        let place = places.find(|place| place.kind == Some(self.kind))?;
        Some(format!("{}:{}", place.file, place.line))
    }

    /// A file of variables has a URL to fill in, whose name says the kind of database, or a variable has an address.
    fn called(&self) -> Option<String> {
        let is_url = |var: &Var| {
            !var.is_default
                && roles::kind(&var.name) == Some(self.kind)
                && self.evidence.role(&var.name) == Some((self.kind, Role::Url))
        };
        let sql = self.evidence.sql();
        let is_address =
            |var: &Var| endpoint::of(var, sql).is_some_and(|(kind, _)| kind == self.kind);
        let is_it = |var: &&Var| is_url(var) || is_address(var);
        let var = self.evidence.vars.iter().find(is_it)?;
        Some(format!("{}: {}", var.file, var.name))
    }

    /// A database may have several names for one value, and forms of one name, of which a file gives one. Each index has
    /// its own.
    fn is_new(&self, found: &[Part<'_>], var: &Var, main: &str, site: Option<usize>) -> bool {
        let is_said = self.usable(&var.value).is_some();
        let is_form = |known: &Part<'_>| {
            let known = known.variable.map(|known| roles::prefix(&known.name));
            var.is_default && known.as_deref() == Some(&roles::prefix(&var.name))
        };
        let mut same = found.iter().filter(|known| known.site == site);
        found.is_empty() || (is_said && !same.any(|known| known.main == main || is_form(known)))
    }

    /// What the main checkout uses by a value, else by other signs, and whether that is a guess.
    fn main(&self, value: &str, site: Option<usize>) -> (String, bool) {
        let said = self.usable(value).or_else(|| self.usual(site));
        let guess = || match site.filter(|_| self.kind == Kind::Postgres) {
            // The image names the database so when it is told nothing.
            Some(_) => "postgres".to_owned(),
            None => name::database(&name::repo_slug(&self.evidence.seen.repo)),
        };
        let is_guess = said.is_none();
        (said.unwrap_or_else(guess), is_guess)
    }

    /// What other files say of it.
    fn usual(&self, site: Option<usize>) -> Option<String> {
        if self.kind == Kind::Redis {
            return Some("0".to_owned());
        }
        let rails = self.evidence.seen.named("database.yml").next();
        let rails = rails.and_then(|path| of_rails(self.evidence.seen.text(path)));
        let placed = site.and_then(|at| self.placed.get(at));
        let inside = |name: &str| placed.and_then(|(_, service)| service.value(name));
        let places = self.evidence.places.iter().chain(&self.evidence.replaced);
        let mut places = places.filter(|place| place.kind == Some(self.kind));
        let developed = places.clone().find(|place| place.is_for_development());
        let developed = developed.map(|place| place.part.clone());
        let place = places.next().map(|place| place.part.clone());
        let said = match self.kind {
            Kind::Mysql => {
                [inside("MYSQL_DATABASE"), inside("MARIADB_DATABASE"), rails, developed, place]
            }
            // The image names the database after the user, where the application has none of its own.
            _ => [inside("POSTGRES_DB"), rails, developed, inside("POSTGRES_USER"), place],
        };
        said.into_iter().flatten().find(|text| is_plain(text))
    }

    /// A value that the configuration takes.
    fn usable(&self, value: &str) -> Option<String> {
        match self.kind {
            Kind::Redis => value.parse::<u16>().ok().map(|index| index.to_string()),
            _ => Some(value.to_owned()).filter(|text| is_plain(text)),
        }
    }
}

/// The database of the section `development`. The file is a template of ERB, so it may be no YAML.
fn of_rails(text: &str) -> Option<String> {
    let text = development(text);
    let section = text.lines().skip_while(|line| !line.starts_with("development:")).skip(1);
    let mut inside = section.take_while(|line| line.is_empty() || line.starts_with([' ', '#']));
    let value = inside.find_map(|line| line.trim().strip_prefix("database:"))?;
    Some(value.trim().trim_matches(['"', '\'']).to_owned())
}
