//! Names that two applications of a repository give different meanings: one environment file holds one value.

use crate::model::config::Kind;
use crate::model::detect::roles::Role;
use crate::model::detect::url::Url;
use crate::model::detect::vars::Var;
use crate::model::detect::{Evidence, Project};
use std::fmt;

/// What a value of a variable names, without what may be secret.
struct Meaning {
    /// The part or the port.
    what: String,
    /// The port of a server on this machine. Containers reach it under another name.
    server: Option<u16>,
}

/// Says which.
pub(super) fn find(project: &mut Project, evidence: &Evidence<'_>) {
    for var in &evidence.vars {
        let Some(own) = Meaning::of(evidence, var, &var.value) else { continue };
        let others = var.others.iter().filter_map(|(file, value)| {
            Some((file, Meaning::of(evidence, var, value).filter(|other| own.differs(other))?))
        });
        for (file, other) in others {
            project.notes.push(format!(
                "{} is {own} in {}, and {other} in {file}: an environment has one value for both, so they share what it \
                 names; give one of them a variable of its own name",
                var.name, var.file
            ));
        }
    }
}

impl Meaning {
    fn of(evidence: &Evidence<'_>, var: &Var, value: &str) -> Option<Meaning> {
        if let Some(url) = Url::parse(value) {
            let server = url.port().filter(|_| url.is_local());
            let is_first = url.kind == Kind::Redis && url.part.is_empty();
            let what = if is_first { "0".to_owned() } else { url.part };
            return Some(Meaning { what, server });
        }
        let is_part = matches!(evidence.role(&var.name), Some((_, Role::Part)));
        let is_port = var.name == "PORT" || var.name.ends_with("_PORT");
        let is_number = value.parse::<u16>().is_ok();
        (!value.contains('$') && (is_part || (is_port && is_number)))
            .then(|| Meaning { what: value.to_owned(), server: None })
    }

    fn differs(&self, other: &Meaning) -> bool {
        let ports = self.server.zip(other.server);
        self.what != other.what || ports.is_some_and(|(own, other)| own != other)
    }
}

impl fmt::Display for Meaning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.what)?;
        self.server.map_or(Ok(()), |port| write!(f, " at port {port}"))
    }
}
